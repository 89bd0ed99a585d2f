//! Whether a cluster can take the project, before anything is changed: one list of everything that is missing, and what does
//! nothing without it.

use crate::api::{JSON, PARALLEL, array, text};
use crate::discovery::{Discovery, Resource};
use crate::{Cluster, Desired, Error, capability};
use futures_util::{StreamExt as _, stream};
use mainstay_manifest::{Object, keys};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The oldest minor version of Kubernetes 1 that everything rendered is known to.
pub const OLDEST_MINOR: u32 = 31;
/// The newest minor version that was tried.
pub const NEWEST_MINOR: u32 = 37;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// As it should be.
    Good,
    /// It cannot be known, or is only worth knowing.
    Note,
    /// The project runs, and something in it does nothing.
    Warning,
    /// Deploying would fail.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at: `metrics API`.
    pub subject: String,
    /// What was found, in a sentence.
    pub message: String,
    /// What does nothing, or fails, without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub inert: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Preflight {
    /// The server's version, `v1.36.1`.
    pub version: String,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// Addresses and ports of the API server as pods see it, for policies: `10.0.0.1:6443`.
    pub api_server: Vec<String>,
}

impl Preflight {
    /// Whether deploying would fail.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Problem)
    }
}

pub(crate) fn finding(severity: Severity, subject: &str, message: impl Into<String>) -> Finding {
    Finding { severity, subject: subject.into(), message: message.into(), inert: String::new(), remedy: String::new() }
}

impl Finding {
    pub(crate) fn without(mut self, inert: &str, remedy: &str) -> Self {
        (self.inert, self.remedy) = (inert.into(), remedy.into());
        self
    }
}

/// Looks at a cluster with a project in mind; changes nothing.
///
/// # Errors
/// When the cluster cannot be asked at all. Everything else is a finding.
pub async fn preflight(cluster: &Cluster, desired: &Desired) -> Result<Preflight, Error> {
    let discovery = cluster.discovery().await?;
    let version = cluster.api.get("/version").await.map_err(|f| f.explain("get", "/version", None, ""))?;
    let mut findings = vec![judge_version(&version)];
    findings.extend(kinds(discovery, &desired.objects));
    let (rights, namespace, storage, ingress, network, nodes, server) = tokio::join!(
        rights(cluster, discovery, desired),
        namespace(cluster, desired),
        capability::storage(cluster, desired),
        capability::ingress(cluster, desired),
        capability::network_policies(cluster, desired),
        capability::nodes(cluster),
        capability::api_server(cluster),
    );
    findings.extend(rights);
    findings.extend([namespace, storage, ingress, network, nodes].into_iter().flatten());
    findings.extend(metrics(discovery, &desired.objects));
    if desired.objects.iter().any(|o| o.kind() == "Secret") || !desired.secrets.is_empty() {
        let unknown = "Whether Secrets are encrypted in etcd cannot be asked through the API.";
        findings.push(finding(Severity::Note, "encryption at rest", unknown).without(
            "",
            "Ask whoever runs the control plane for its EncryptionConfiguration; see docs/kubernetes/secrets.md.",
        ));
    }
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    Ok(Preflight { version: text(&version, "/gitVersion").to_owned(), findings, api_server: server })
}

/// Refuses a server that is too old.
///
/// # Errors
/// When it is older than 1.31.
pub async fn require_version(cluster: &Cluster) -> Result<(), Error> {
    let version = cluster.api.get("/version").await.map_err(|f| f.explain("get", "/version", None, ""))?;
    match minor(&version) {
        Some(minor) if minor < OLDEST_MINOR => {
            Err(Error::TooOld { found: text(&version, "/gitVersion").to_owned(), oldest: format!("v1.{OLDEST_MINOR}") })
        }
        _ => Ok(()),
    }
}

/// Providers write `36+` for a minor version of their own.
fn minor(version: &Value) -> Option<u32> {
    text(version, "/minor").trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

fn judge_version(version: &Value) -> Finding {
    let found = text(version, "/gitVersion");
    match minor(version) {
        Some(minor) if minor < OLDEST_MINOR => finding(
            Severity::Problem,
            "version",
            format!("The cluster runs {found}, which is older than v1.{OLDEST_MINOR}."),
        )
        .without("Fields of newer versions are refused.", "Upgrade the cluster."),
        Some(minor) if minor > NEWEST_MINOR => finding(
            Severity::Warning,
            "version",
            format!("The cluster runs {found}; v1.{NEWEST_MINOR} is the newest that the objects were checked for."),
        ),
        Some(_) => finding(Severity::Good, "version", format!("The cluster runs {found}.")),
        None => finding(Severity::Note, "version", "The cluster's version cannot be read."),
    }
}

fn kinds(discovery: &Discovery, objects: &[Object]) -> Vec<Finding> {
    let mut missing: BTreeMap<String, String> = BTreeMap::new();
    for object in objects {
        if let Err(Error::UnknownKind { kind, api_version, hint }) = discovery.of(&object.id()) {
            missing.insert(format!("{kind} ({api_version})"), hint);
        }
    }
    missing
        .into_iter()
        .map(|(kind, hint)| {
            finding(Severity::Problem, "kinds", format!("The cluster does not know {kind}.")).without("", &hint)
        })
        .collect()
}

fn metrics(discovery: &Discovery, objects: &[Object]) -> Option<Finding> {
    objects.iter().find(|o| o.kind() == "HorizontalPodAutoscaler")?;
    Some(if discovery.has_group("metrics.k8s.io") {
        finding(Severity::Good, "metrics API", "The metrics API is there.")
    } else {
        finding(Severity::Warning, "metrics API", "The metrics API is missing.")
            .without("Autoscalers do not scale.", "Install metrics-server (minikube addons enable metrics-server).")
    })
}

async fn namespace(cluster: &Cluster, desired: &Desired) -> Option<Finding> {
    const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
    let resource = Resource::core("", "v1", "Namespace", "namespaces");
    let subject = "namespace";
    let name = &desired.namespace;
    let live = match cluster.api.look(&resource.path(None, Some(name))).await {
        Ok(live) => live,
        Err(fault) if fault.is_not_found() => {
            return Some(match desired.objects.iter().any(|o| o.kind() == "Namespace" && o.name() == name) {
                true => finding(Severity::Good, subject, format!("The namespace {name} will be made.")),
                false => finding(Severity::Problem, subject, format!("The namespace {name} does not exist."))
                    .without("", "Create it, or let Mainstay render it."),
            });
        }
        Err(_) => return Some(finding(Severity::Note, subject, format!("The namespace {name} may not be looked at."))),
    };
    if text(&live, "/status/phase") == "Terminating" {
        return Some(finding(Severity::Problem, subject, format!("The namespace {name} is being deleted.")));
    }
    if !crate::prune::is_ours(&live, &desired.project) && desired.objects.iter().any(|o| o.kind() == "Namespace") {
        return Some(
            finding(Severity::Problem, subject, format!("The namespace {name} exists and is not this project's."))
                .without("", "Deploy with --adopt-namespace, or choose another name."),
        );
    }
    let level = |v: &Value| {
        v.pointer("/metadata/labels").and_then(|l| l.get(ENFORCE)).and_then(Value::as_str).map(str::to_owned)
    };
    Some(match level(&live) {
        Some(level) => {
            finding(Severity::Good, subject, format!("The namespace {name} enforces pod security level {level}."))
        }
        None => finding(Severity::Warning, subject, format!("The namespace {name} enforces no pod security level."))
            .without("Privileged pods could run in it.", "Deploying sets restricted."),
    })
}

/// One question per verb and kind, unless everything is allowed.
async fn rights(cluster: &Cluster, discovery: &Discovery, desired: &Desired) -> Vec<Finding> {
    const SUBJECT: &str = "permissions";
    let all = question("*", "*", "*", None);
    if allowed(cluster, &all).await == Some(true) {
        return vec![finding(Severity::Good, SUBJECT, "You may do everything on this cluster.")];
    }
    let mut wanted: BTreeSet<(String, String, String, String)> = BTreeSet::new();
    let mut add = |group: &str, plural: &str, namespace: &str, verbs: &[&str]| {
        for verb in verbs {
            wanted.insert((namespace.to_owned(), group.to_owned(), plural.to_owned(), (*verb).to_owned()));
        }
    };
    let home = desired.namespace.as_str();
    for object in &desired.objects {
        let Ok(resource) = discovery.of(&object.id()) else { continue };
        let id = object.id();
        let namespace = match (resource.namespaced, id.namespace.is_empty()) {
            (false, _) => "",
            (true, true) => home,
            (true, false) => &id.namespace,
        };
        let verbs: &[&str] = match resource.kind.as_str() {
            "Namespace" => &["get", "create", "patch"],
            "PersistentVolumeClaim" | "PersistentVolume" => &["get", "list", "create", "patch"],
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
                &["get", "list", "watch", "create", "patch", "delete"]
            }
            _ => &["get", "list", "create", "patch", "delete"],
        };
        add(&resource.group, &resource.plural, namespace, verbs);
    }
    add("", "configmaps", home, &["get", "create", "patch"]);
    add("", "secrets", home, &["get", "list", "create", "patch", "delete"]);
    add("coordination.k8s.io", "leases", home, &["get", "create", "update", "delete"]);
    add("", "pods", home, &["list"]);
    add("", "pods/log", home, &["get"]);
    add("", "events", home, &["list"]);
    add("apps", "replicasets", home, &["list"]);
    let answers: Vec<(String, String, Option<bool>)> = stream::iter(wanted)
        .map(|(namespace, group, plural, verb)| async move {
            let namespace = Some(namespace).filter(|n| !n.is_empty());
            let answer = allowed(cluster, &question(&verb, &group, &plural, namespace.as_deref())).await;
            let place = namespace.map_or_else(|| "the cluster".to_owned(), |n| format!("namespace {n}"));
            (format!("{} in {place}", crate::discovery::group_kind(&group, &plural)), verb, answer)
        })
        .buffered(PARALLEL)
        .collect()
        .await;
    let mut denied: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (what, verb, answer) in answers {
        match answer {
            Some(true) => {}
            Some(false) => denied.entry(what).or_default().push(verb),
            None => return vec![finding(Severity::Note, SUBJECT, "Your permissions cannot be asked for.")],
        }
    }
    if denied.is_empty() {
        return vec![finding(Severity::Good, SUBJECT, "You may do everything that deploying needs.")];
    }
    denied
        .into_iter()
        .map(|(what, verbs)| {
            // these are only for saying why something fails
            let only_told = ["pods/log", "events", "replicasets", "pods in"].iter().any(|p| what.starts_with(p));
            let severity = if only_told { Severity::Warning } else { Severity::Problem };
            let inert =
                if only_told { "A failing deployment cannot say why it fails." } else { "Deploying stops there." };
            finding(severity, SUBJECT, format!("You may not {} {what}.", verbs.join(", ")))
                .without(inert, "Ask for the Role in docs/kubernetes/permissions.md.")
        })
        .collect()
}

fn question(verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> Value {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource,
            "namespace": namespace.unwrap_or_default(),
        }},
    })
}

async fn allowed(cluster: &Cluster, question: &Value) -> Option<bool> {
    let answer = cluster.api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", question).await.ok()?;
    answer.pointer("/status/allowed").and_then(Value::as_bool)
}

/// All objects of a kind, or nothing when they may not be seen.
pub(crate) async fn seen(cluster: &Cluster, resource: &Resource) -> Option<Vec<Value>> {
    cluster.api.list(resource, None, "", JSON).await.ok().map(|(items, _)| items)
}

/// Whether an object carries the annotation that makes it the default of its kind.
pub(crate) fn is_default(object: &Value, annotation: &str) -> bool {
    object.pointer("/metadata/annotations").and_then(|a| a.get(annotation)).and_then(Value::as_str) == Some("true")
}

/// Whether any object of this project is of a kind.
pub(crate) fn wants<'a>(desired: &'a Desired, kind: &'a str) -> impl Iterator<Item = &'a Object> {
    desired.objects.iter().filter(move |o| o.kind() == kind)
}

/// The labels that tell which pods are the project's.
pub(crate) fn of_project(project: &str) -> String {
    format!("{}={project}", keys::INSTANCE)
}

/// The condition of a type, when it is true.
pub(crate) fn is_true(object: &Value, condition: &str) -> bool {
    array(object, "/status/conditions").iter().any(|c| text(c, "/type") == condition && text(c, "/status") == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_outside_the_window_are_told() {
        let severity = |minor: &str| judge_version(&json!({"gitVersion": "v", "minor": minor})).severity;
        assert_eq!(severity("30"), Severity::Problem);
        assert_eq!(severity("31+"), Severity::Good);
        assert_eq!(severity("36"), Severity::Good);
        assert_eq!(severity("38"), Severity::Warning);
        assert_eq!(severity(""), Severity::Note);
    }
}
