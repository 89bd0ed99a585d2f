//! What a cluster brings with it: storage, ingress, a network that enforces policies, nodes.

use crate::api::{array, text};
use crate::discovery::Resource;
use crate::preflight::{Finding, Severity, finding, is_default, is_true, seen, wants};
use crate::{Cluster, Desired};
use serde_json::Value;
use std::collections::BTreeSet;

fn cluster_wide(group: &str, version: &str, kind: &str, plural: &str) -> Resource {
    Resource { namespaced: false, ..Resource::core(group, version, kind, plural) }
}

/// A class for every claim that names none, and every class that is named.
pub(crate) async fn storage(cluster: &Cluster, desired: &Desired) -> Option<Finding> {
    const SUBJECT: &str = "storage";
    let claims = wants(desired, "PersistentVolumeClaim").map(|o| &o.value);
    let templates = wants(desired, "StatefulSet").flat_map(|o| array(&o.value, "/spec/volumeClaimTemplates"));
    let classes: Vec<Option<&str>> = claims
        .chain(templates)
        .map(|claim| claim.pointer("/spec/storageClassName").and_then(Value::as_str))
        .filter(|class| *class != Some(""))
        .collect();
    if classes.is_empty() {
        return None;
    }
    let resource = cluster_wide("storage.k8s.io", "v1", "StorageClass", "storageclasses");
    let Some(live) = seen(cluster, &resource).await else {
        return Some(finding(Severity::Note, SUBJECT, "Storage classes may not be looked at."));
    };
    let remedy = "Install a provisioner, name a class ([database.storage] class), or set a static volume.";
    for class in classes.iter().flatten() {
        if !live.iter().any(|c| text(c, "/metadata/name") == *class) {
            return Some(
                finding(Severity::Problem, SUBJECT, format!("There is no storage class {class}."))
                    .without("The database gets no volume and does not start.", remedy),
            );
        }
    }
    let default = live.iter().find(|c| is_default(c, "storageclass.kubernetes.io/is-default-class"));
    Some(match default {
        Some(class) => {
            finding(Severity::Good, SUBJECT, format!("The default storage class is {}.", text(class, "/metadata/name")))
        }
        None if classes.contains(&None) => finding(Severity::Problem, SUBJECT, "There is no default storage class.")
            .without("The database gets no volume and does not start.", remedy),
        None => finding(Severity::Good, SUBJECT, "The storage classes that are named are there."),
    })
}

/// A class for every Ingress.
pub(crate) async fn ingress(cluster: &Cluster, desired: &Desired) -> Option<Finding> {
    const SUBJECT: &str = "ingress";
    let classes: BTreeSet<&str> = wants(desired, "Ingress").map(|o| text(&o.value, "/spec/ingressClassName")).collect();
    if classes.is_empty() {
        return None;
    }
    let resource = cluster_wide("networking.k8s.io", "v1", "IngressClass", "ingressclasses");
    let Some(live) = seen(cluster, &resource).await else {
        return Some(finding(Severity::Note, SUBJECT, "Ingress classes may not be looked at."));
    };
    let names: Vec<&str> = live.iter().map(|c| text(c, "/metadata/name")).collect();
    let missing = classes.iter().find(|class| match class.is_empty() {
        true => !live.iter().any(|c| is_default(c, "ingressclass.kubernetes.io/is-default-class")),
        false => !names.contains(*class),
    });
    Some(match missing {
        None => finding(Severity::Good, SUBJECT, format!("The ingress class is there ({}).", names.join(", "))),
        Some(class) => {
            let what = if class.is_empty() {
                "There is no default ingress class.".to_owned()
            } else {
                format!("There is no ingress class {class}.")
            };
            let known = if names.is_empty() {
                "none is installed".to_owned()
            } else {
                format!("there are {}", names.join(", "))
            };
            finding(Severity::Warning, SUBJECT, format!("{what} ({known})")).without(
                "Nobody answers at the project's host name.",
                "Install an ingress controller, or name the class that is there.",
            )
        }
    })
}

/// Networks that are known to enforce policies, by the name of their DaemonSet.
const ENFORCING: [&str; 11] = [
    "cilium",
    "calico-node",
    "canal",
    "kube-router",
    "antrea-agent",
    "weave-net",
    "ovnkube-node",
    "ovs-ovn",
    "kube-ovn-cni",
    "anetd",
    "azure-npm",
];
/// Networks that are known not to.
const IDLE: [&str; 3] = ["kube-flannel", "kube-flannel-ds", "flannel"];

/// Whether anything enforces network policies. A guess by names: only trying tells for sure.
pub(crate) async fn network_policies(cluster: &Cluster, desired: &Desired) -> Option<Finding> {
    const SUBJECT: &str = "network policies";
    wants(desired, "NetworkPolicy").next()?;
    let sets = seen(cluster, &Resource::core("apps", "v1", "DaemonSet", "daemonsets")).await;
    let nodes = seen(cluster, &cluster_wide("", "v1", "Node", "nodes")).await.unwrap_or_default();
    let k3s = nodes.iter().any(|n| text(n, "/status/nodeInfo/kubeletVersion").contains("+k3s"));
    let remedy = "Use a network that enforces them: Cilium, Calico, or kube-router (minikube start --cni=calico).";
    let (enforced, by) = judge_network(sets.as_deref().unwrap_or_default(), k3s);
    Some(match enforced {
        Some(true) => finding(Severity::Good, SUBJECT, format!("{by} enforces network policies.")),
        Some(false) => finding(Severity::Warning, SUBJECT, format!("{by} does not enforce network policies."))
            .without("Every pod can reach every other.", remedy),
        None => finding(Severity::Warning, SUBJECT, "It is not known whether anything enforces network policies.")
            .without("Perhaps every pod can reach every other.", remedy),
    })
}

fn judge_network(sets: &[Value], k3s: bool) -> (Option<bool>, String) {
    let names: Vec<&str> = sets.iter().map(|s| text(s, "/metadata/name")).collect();
    if let Some(name) = names.iter().find(|n| ENFORCING.contains(n)) {
        return (Some(true), (*name).to_owned());
    }
    if let Some(set) = sets.iter().find(|s| text(s, "/metadata/name") == "kindnet") {
        // kind's network enforces since v0.24: its images carry their day
        let image = text(set, "/spec/template/spec/containers/0/image");
        let day: String = image.rsplit(":v").next().unwrap_or_default().chars().take(8).collect();
        let known = day.len() == 8 && day.chars().all(|c| c.is_ascii_digit());
        return (known.then_some(day.as_str() >= "20240813"), "kindnet".into());
    }
    if k3s {
        return (Some(true), "k3s (kube-router, built in)".into());
    }
    match names.iter().find(|n| IDLE.contains(n)) {
        Some(name) => (Some(false), (*name).to_owned()),
        None => (None, String::new()),
    }
}

/// Nodes that are ready, and their architectures.
pub(crate) async fn nodes(cluster: &Cluster) -> Option<Finding> {
    const SUBJECT: &str = "nodes";
    let Some(nodes) = seen(cluster, &cluster_wide("", "v1", "Node", "nodes")).await else {
        return Some(finding(Severity::Note, SUBJECT, "Nodes may not be looked at."));
    };
    let ready: Vec<&Value> = nodes.iter().filter(|n| is_true(n, "Ready")).collect();
    let architectures: BTreeSet<&str> = ready.iter().map(|n| text(n, "/status/nodeInfo/architecture")).collect();
    let architectures: Vec<&str> = architectures.into_iter().collect();
    Some(match (ready.len(), architectures.len()) {
        (0, _) => finding(Severity::Problem, SUBJECT, "No node is ready.")
            .without("No pod starts.", "Look at kubectl get nodes."),
        (count, 1) => finding(
            Severity::Good,
            SUBJECT,
            format!("{count} of {} nodes are ready ({}).", nodes.len(), architectures[0]),
        ),
        (count, _) => finding(
            Severity::Warning,
            SUBJECT,
            format!("{count} nodes are ready, of several architectures ({}).", architectures.join(", ")),
        )
        .without(
            "An image that was built for one of them does not start on the others.",
            "Build the image for all of them.",
        ),
    })
}

/// Where pods find the API server, for policies that must let them through.
pub(crate) async fn api_server(cluster: &Cluster) -> Vec<String> {
    let resource = Resource::core("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
    let path = resource.path(Some("default"), Some("kubernetes"));
    let Ok(slice) = cluster.api.look(&path).await else { return Vec::new() };
    let ports = array(&slice, "/ports");
    array(&slice, "/endpoints")
        .iter()
        .flat_map(|e| array(e, "/addresses"))
        .filter_map(Value::as_str)
        .flat_map(|address| ports.iter().map(move |p| format!("{address}:{}", crate::api::number(p, "/port"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn networks_are_known_by_their_daemon_sets() {
        let set = |name: &str, image: &str| json!({"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": [{"image": image}]}}}});
        let judge = |name: &str, image: &str, k3s| judge_network(&[set("kube-proxy", ""), set(name, image)], k3s).0;
        assert_eq!(judge("cilium", "", false), Some(true));
        assert_eq!(judge("kube-flannel-ds", "", false), Some(false));
        assert_eq!(judge("kindnet", "docker.io/kindest/kindnetd:v20230511-dc714da8", false), Some(false));
        assert_eq!(judge("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b", false), Some(true));
        assert_eq!(judge("kindnet", "kindnetd:latest", false), None);
        assert_eq!(judge("svclb", "", true), Some(true));
        assert_eq!(judge("else", "", false), None);
    }
}
