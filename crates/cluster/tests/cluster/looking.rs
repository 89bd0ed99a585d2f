//! Looking: preflight, status, logs, addresses.

use crate::apply::deployed;
use crate::double::{Behaviour, Deny, Double};
use crate::fixture::{self, project};
use mainstay_cluster::{Error, LogRequest, Severity, Via, addresses, logs, preflight, require_version, status};
use mainstay_manifest::Phase;
use serde_json::json;

fn node(architecture: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": architecture}, "status": {
        "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"architecture": architecture, "kubeletVersion": "v1.36.0"},
        "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.1.2.3"}]}})
}

#[tokio::test]
async fn preflight_lists_what_is_missing_and_what_does_nothing_without_it() {
    let double = Double::start().await;
    double.create("nodes", node("amd64"));
    let mut desired = project("shop");
    let flannel = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "kube-flannel-ds", "namespace": "kube-system"}, "spec": {}});
    double.create("daemonsets", flannel);
    for (version, kind, name, spec) in [
        ("networking.k8s.io/v1", "NetworkPolicy", "deny", json!({})),
        ("networking.k8s.io/v1", "Ingress", "web", json!({"ingressClassName": "nginx"})),
        ("v1", "PersistentVolumeClaim", "data", json!({})),
        ("cert-manager.io/v1", "Certificate", "web", json!({})),
    ] {
        let value =
            json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec});
        desired.objects.push(fixture::object(Phase::Networking, value));
    }
    let found = preflight(&double.cluster(), &desired).await.unwrap();
    assert!(found.is_blocked());
    let by = |subject: &str| {
        found.findings.iter().find(|f| f.subject == subject).unwrap_or_else(|| panic!("{subject}: {found:#?}"))
    };
    assert_eq!(by("storage").severity, Severity::Problem);
    assert!(by("kinds").remedy.contains("cert-manager"));
    assert!(by("metrics API").inert.contains("do not scale"));
    assert!(by("network policies").message.contains("kube-flannel-ds does not"));
    assert!(by("ingress").message.contains("no ingress class nginx"));
    assert_eq!((by("version").severity, by("nodes").severity), (Severity::Good, Severity::Good));
    assert!(by("permissions").message.contains("everything"));
    assert_eq!(by("encryption at rest").severity, Severity::Note);
    assert!(found.findings.is_sorted_by_key(|f| std::cmp::Reverse(f.severity)), "the worst first");

    double.state().denied.extend([Deny("patch", "secrets"), Deny("list", "events")]);
    let found = preflight(&double.cluster(), &desired).await.unwrap();
    let rights: Vec<_> = found
        .findings
        .iter()
        .filter(|f| f.subject == "permissions")
        .map(|f| (f.severity, f.message.as_str()))
        .collect();
    assert_eq!(
        rights,
        [
            (Severity::Problem, "You may not patch secrets in namespace shop."),
            (Severity::Warning, "You may not list events in namespace shop.")
        ]
    );
    double.state().minor = "30".into();
    assert!(matches!(require_version(&double.cluster()).await, Err(Error::TooOld { .. })));
}

#[tokio::test]
async fn status_tells_how_everything_is_and_whose_hands_are_in_it() {
    let (double, cluster, _) = deployed().await;
    double.edit("services", "shop", "data", "kubectl-edit", |o| o["spec"]["sessionAffinity"] = "ClientIP".into());
    double.behave("data", Behaviour::Waits("ImagePullBackOff", "manifest unknown"));
    double.edit("deployments", "shop", "data", "kubectl-scale", |o| o["spec"]["minReadySeconds"] = 1.into());
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let found = status(&cluster, "shop", "shop").await.unwrap();
    assert_eq!(found.release.unwrap().number, 1);
    let of = |name: &str| found.workloads.iter().find(|w| w.name == name).unwrap();
    assert_eq!((of("gateway").ready, of("gateway").desired, of("gateway").state.as_str()), (3, 3, "ready"));
    assert_eq!((of("data").ready, of("data").state.as_str()), (0, "0/2 ready"));
    assert_eq!(of("data").images, ["registry.test/mainstay:1"]);
    assert!(found.troubles.iter().any(|t| t.cause.contains("cannot be pulled")));
    let hands: Vec<_> =
        found.drift.iter().map(|d| (d.object.as_str(), d.manager.as_str(), d.fields[0].as_str())).collect();
    assert_eq!(
        hands,
        [
            ("Deployment data", "kubectl-scale", ".spec.minReadySeconds"),
            ("Service data", "kubectl-edit", ".spec.sessionAffinity")
        ]
    );
    assert_eq!((found.autoscalers[0].min, found.autoscalers[0].max), (2, 5));
}

#[tokio::test]
async fn logs_of_all_pods_of_a_component() {
    let (double, cluster, _) = deployed().await;
    double.state().logs.insert("data".into(), "one\ntwo\n".into());
    let request = LogRequest { component: Some("data".into()), ..LogRequest::default() };
    let mut lines = Vec::new();
    logs(&cluster, "shop", "shop", &request, |line| {
        lines.push(format!("{} {}", line.pod, line.line));
        true
    })
    .await
    .unwrap();
    lines.sort();
    assert_eq!(lines, ["data-1-0 one", "data-1-0 two", "data-1-1 one", "data-1-1 two"]);
    let request = LogRequest { component: Some("nothing".into()), ..LogRequest::default() };
    assert_eq!(logs(&cluster, "shop", "shop", &request, |_| true).await.unwrap_err().code(), "MC070");
}

#[tokio::test]
async fn addresses_of_ingress_load_balancer_and_node_port() {
    let (double, cluster, _) = deployed().await;
    double.create("nodes", node("amd64"));
    double.edit("services", "shop", "gateway", "cloud", |o| {
        o["spec"]["type"] = "LoadBalancer".into();
        o["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}});
    });
    double.edit("services", "shop", "data", "x", |o| {
        o["spec"]["type"] = "NodePort".into();
        o["spec"]["ports"][0]["nodePort"] = 30080.into();
    });
    let found = addresses(&cluster, "shop", "shop").await.unwrap();
    let found: Vec<_> = found.iter().map(|e| (e.via, e.url.as_deref().unwrap_or_default())).collect();
    assert_eq!(found, [(Via::NodePort, "http://10.1.2.3:30080/"), (Via::LoadBalancer, "http://192.0.2.7/")]);
}
