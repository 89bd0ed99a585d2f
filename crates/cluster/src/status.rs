//! How a project is doing on the cluster.

use crate::api::{Fault, JSON, METADATA_LIST, array, number, text};
use crate::applyset::ApplySet;
use crate::diagnose::{Scene, Trouble, symptoms};
use crate::discovery::Resource;
use crate::members::{Depth, Members};
use crate::preflight::of_project;
use crate::readiness::{Readiness, judge};
use crate::release::{Release, history};
use crate::watch::labels;
use crate::{Cluster, Error};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a project is doing.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Its namespace.
    pub namespace: String,
    /// The newest release.
    pub release: Option<Release>,
    /// Deployments, StatefulSets, DaemonSets and Jobs.
    pub workloads: Vec<Workload>,
    /// Autoscalers.
    pub autoscalers: Vec<Autoscaler>,
    /// Volume claims.
    pub volumes: Vec<Volume>,
    /// Certificates in TLS Secrets.
    pub certificates: Vec<CertificateEnd>,
    /// Fields that others own in objects of ours.
    pub drift: Vec<Drift>,
    /// What is wrong right now.
    pub troubles: Vec<Trouble>,
}

/// A workload.
#[derive(Debug, Clone, Serialize)]
pub struct Workload {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Pods that are ready.
    pub ready: i64,
    /// Pods that are wanted.
    pub desired: i64,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Restarts of its pods' containers, all together.
    pub restarts: i64,
    /// `ready`, or what it waits for.
    pub state: String,
}

/// An autoscaler.
#[derive(Debug, Clone, Serialize)]
pub struct Autoscaler {
    /// Name.
    pub name: String,
    /// Name of what it scales.
    pub target: String,
    /// Replicas now.
    pub current: i64,
    /// Fewest.
    pub min: i64,
    /// Most.
    pub max: i64,
    /// Why it does not scale, when it does not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trouble: String,
}

/// A volume claim.
#[derive(Debug, Clone, Serialize)]
pub struct Volume {
    /// Name.
    pub name: String,
    /// `Bound`, `Pending`, `Lost`.
    pub phase: String,
    /// Size that it has, or that was asked for.
    pub size: String,
    /// Storage class.
    pub class: String,
}

/// When a certificate ends.
#[derive(Debug, Clone, Serialize)]
pub struct CertificateEnd {
    /// Secret that holds it.
    pub secret: String,
    /// Whole days left; negative when it has ended.
    pub days_left: i64,
}

/// Somebody else's hand in an object of ours.
#[derive(Debug, Clone, Serialize)]
pub struct Drift {
    /// The object.
    pub object: String,
    /// The other field manager.
    pub manager: String,
    /// What it owns.
    pub fields: Vec<String>,
}

/// Looks at everything; changes nothing.
///
/// # Errors
/// When the cluster cannot be asked, or the namespace is not there.
pub async fn status(cluster: &Cluster, project: &str, namespace: &str) -> Result<Status, Error> {
    let ours = labels(&of_project(project));
    let list = |group: &'static str, version: &'static str, kind: &'static str, plural: &'static str| {
        let ours = ours.clone();
        async move {
            let resource = Resource::core(group, version, kind, plural);
            let listed = cluster.api.list(&resource, Some(namespace), &ours, JSON).await;
            listed
                .map(|(items, _)| items)
                .or_else(|fault| if fault.code() == 404 { Ok(Vec::new()) } else { Err(fault) })
        }
    };
    let (deployments, sets, daemons, jobs, pods, replica_sets) = tokio::try_join!(
        list("apps", "v1", "Deployment", "deployments"),
        list("apps", "v1", "StatefulSet", "statefulsets"),
        list("apps", "v1", "DaemonSet", "daemonsets"),
        list("batch", "v1", "Job", "jobs"),
        list("", "v1", "Pod", "pods"),
        list("apps", "v1", "ReplicaSet", "replicasets"),
    )
    .map_err(|fault: Fault| fault.explain("list", "workloads", Some(namespace), ""))?;
    let warnings = Resource::core("", "v1", "Event", "events");
    let (scalers, claims, events, releases) = tokio::join!(
        list("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        list("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
        cluster.api.list(&warnings, Some(namespace), "&fieldSelector=type%3DWarning", JSON),
        history(cluster, namespace),
    );
    let scene = Scene { pods, replica_sets, events: events.map(|(items, _)| items).unwrap_or_default() };
    let all = [deployments, sets, daemons, jobs].concat();
    let troubles = all
        .iter()
        .filter(|object| judge(object) != Readiness::Ready)
        .flat_map(|object| symptoms(object, &scene))
        .map(|symptom| symptom.trouble)
        .collect();
    Ok(Status {
        namespace: namespace.to_owned(),
        release: releases.ok().and_then(|r| r.into_iter().next()),
        workloads: all.iter().map(|object| workload(object, &scene)).collect(),
        autoscalers: scalers.unwrap_or_default().iter().map(autoscaler).collect(),
        volumes: claims.unwrap_or_default().iter().map(volume).collect(),
        certificates: certificates(cluster, namespace).await,
        drift: drift(cluster, project, namespace).await.unwrap_or_default(),
        troubles,
    })
}

fn workload(object: &Value, scene: &Scene) -> Workload {
    let kind = text(object, "/kind");
    let (ready, desired) = match kind {
        "DaemonSet" => (number(object, "/status/numberReady"), number(object, "/status/desiredNumberScheduled")),
        "Job" => (
            number(object, "/status/succeeded"),
            object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1),
        ),
        _ => (
            number(object, "/status/readyReplicas"),
            object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1),
        ),
    };
    let state = match judge(object) {
        Readiness::Ready => "ready".to_owned(),
        Readiness::Waiting(state) => state,
        Readiness::Failed(cause, _) => cause,
    };
    let wanted = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let matches = |pod: &&Value| {
        wanted.is_some_and(|wanted| {
            wanted.iter().all(|(k, v)| pod.pointer("/metadata/labels").and_then(|l| l.get(k)) == Some(v))
        })
    };
    let restarts = scene.pods.iter().filter(matches).flat_map(|p| array(p, "/status/containerStatuses"));
    Workload {
        kind: kind.to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        ready,
        desired,
        images: array(object, "/spec/template/spec/containers").iter().map(|c| text(c, "/image").to_owned()).collect(),
        restarts: restarts.map(|c| number(c, "/restartCount")).sum(),
        state,
    }
}

fn autoscaler(object: &Value) -> Autoscaler {
    let trouble = array(object, "/status/conditions")
        .iter()
        .find(|c| matches!(text(c, "/type"), "AbleToScale" | "ScalingActive") && text(c, "/status") == "False")
        .map(|c| text(c, "/message").to_owned());
    Autoscaler {
        name: text(object, "/metadata/name").to_owned(),
        target: text(object, "/spec/scaleTargetRef/name").to_owned(),
        current: number(object, "/status/currentReplicas"),
        min: object.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1),
        max: number(object, "/spec/maxReplicas"),
        trouble: trouble.unwrap_or_default(),
    }
}

fn volume(object: &Value) -> Volume {
    let has = text(object, "/status/capacity/storage");
    let asked = text(object, "/spec/resources/requests/storage");
    Volume {
        name: text(object, "/metadata/name").to_owned(),
        phase: text(object, "/status/phase").to_owned(),
        size: if has.is_empty() { asked } else { has }.to_owned(),
        class: text(object, "/spec/storageClassName").to_owned(),
    }
}

async fn certificates(cluster: &Cluster, namespace: &str) -> Vec<CertificateEnd> {
    use base64::Engine as _;
    let resource = crate::secrets::resource();
    let query = "&fieldSelector=type%3Dkubernetes.io%2Ftls";
    // names first: other Secrets of the namespace are none of our business
    let Ok((items, _)) = cluster.api.list(&resource, Some(namespace), query, METADATA_LIST).await else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items.iter().take(20) {
        let name = text(item, "/metadata/name");
        let Ok(secret) = cluster.api.look(&resource.path(Some(namespace), Some(name))).await else { continue };
        let encoded = secret.get("data").and_then(|d| d.get("tls.crt")).and_then(Value::as_str).unwrap_or_default();
        let pem = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
        if let Some(ends) = crate::certificate::not_after(&String::from_utf8_lossy(&pem)) {
            let days_left = (ends - cluster.clock.unix()).div_euclid(24 * 3600);
            found.push(CertificateEnd { secret: name.to_owned(), days_left });
        }
    }
    found
}

/// Managers whose work on our objects is expected.
fn is_expected(entry: &Value) -> bool {
    let manager = text(entry, "/manager");
    let subresource = text(entry, "/subresource");
    manager.starts_with("mainstay")
        || !subresource.is_empty()
        || ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver", "cloud-controller-manager", "k3s"]
            .contains(&manager)
        || manager.starts_with("cert-manager")
        || manager.starts_with("cilium")
}

async fn drift(cluster: &Cluster, project: &str, namespace: &str) -> Result<Vec<Drift>, Error> {
    let set = ApplySet::read(&cluster.api, project, namespace).await?;
    let scope = set.recorded.unwrap_or_default();
    let members = Members::read(cluster, cluster.discovery().await?, &scope, namespace, Depth::Light).await?;
    let mut found = Vec::new();
    for (key, object, _) in members.of_set(&set.id) {
        for entry in array(object, "/metadata/managedFields").iter().filter(|e| !is_expected(e)) {
            let mut fields = BTreeSet::new();
            paths(entry.get("fieldsV1").unwrap_or(&Value::Null), String::new(), &mut fields);
            fields.retain(|f| !f.starts_with(".status"));
            if !fields.is_empty() {
                let manager = text(entry, "/manager").to_owned();
                found.push(Drift {
                    object: format!("{} {}", key.1, key.3),
                    manager,
                    fields: fields.into_iter().take(20).collect(),
                });
            }
        }
    }
    found.sort_by(|a, b| (&a.object, &a.manager).cmp(&(&b.object, &b.manager)));
    Ok(found)
}

/// The leaves of a `fieldsV1` set as paths.
fn paths(fields: &Value, path: String, found: &mut BTreeSet<String>) {
    let Some(map) = fields.as_object() else { return };
    let below = |key: &str| match key.split_once(':') {
        Some(("f", name)) => format!("{path}.{name}"),
        Some((_, key)) => format!("{path}[{key}]"),
        None => path.clone(),
    };
    for (key, value) in map.iter().filter(|(key, _)| *key != ".") {
        match value.as_object() {
            Some(inner) if inner.keys().any(|k| k != ".") => paths(value, below(key), found),
            _ => {
                found.insert(below(key));
            }
        }
    }
}
