//! Whether an object is what it should be, by the rules of kstatus and of Helm's HIP-22. Pure.

use crate::api::{array, number, text};
use serde_json::Value;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is there, or there is nothing to wait for.
    Ready,
    /// Not yet; `1/2 ready`.
    Waiting(String),
    /// It will not get there by itself: (cause, hint).
    Failed(String, String),
}

use Readiness::{Failed, Ready, Waiting};

/// Judges a live object. The observed generation comes first: an older status says nothing about the newer wish.
pub(crate) fn judge(object: &Value) -> Readiness {
    let generation = number(object, "/metadata/generation");
    if let Some(observed) = object.pointer("/status/observedGeneration").and_then(Value::as_i64)
        && observed < generation
    {
        return Waiting("its controller has not looked yet".into());
    }
    match text(object, "/kind") {
        "Deployment" => deployment(object),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "Job" => job(object),
        "Pod" => pod(object),
        "PersistentVolumeClaim" => match text(object, "/status/phase") {
            "Bound" => Ready,
            "Lost" => Failed(
                "the volume behind it is gone".into(),
                "Restore the volume, or the database from a backup.".into(),
            ),
            _ => Waiting("not bound".into()),
        },
        // until it is counted, everything that it limits is refused
        "ResourceQuota" if object.pointer("/status/hard") != object.pointer("/spec/hard") => {
            Waiting("not counted yet".into())
        }
        "Namespace" if text(object, "/status/phase") == "Terminating" => {
            Failed("it is being deleted".into(), "Wait until it is gone.".into())
        }
        "CustomResourceDefinition" => condition(object, "Established", true),
        // cert-manager and CloudNativePG fill the condition in some time after creation
        "Certificate" | "Issuer" | "ClusterIssuer" => condition(object, "Ready", true),
        "Cluster" if text(object, "/apiVersion").starts_with("postgresql.cnpg.io/") => condition(object, "Ready", true),
        // built-in kinds that nobody waits for
        _ if !text(object, "/apiVersion").contains('.') => Ready,
        _ if text(object, "/apiVersion").contains(".k8s.io/") => Ready,
        _ => condition(object, "Ready", false),
    }
}

fn condition(object: &Value, kind: &str, required: bool) -> Readiness {
    let found = array(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind);
    match found {
        Some(c) if text(c, "/status") == "True" => Ready,
        Some(c) => Waiting(format!("{} {}", text(c, "/reason"), text(c, "/message")).trim().to_owned()),
        None if required => Waiting(format!("not {kind}")),
        None => Ready,
    }
}

fn deployment(object: &Value) -> Readiness {
    let status = |name: &str| number(object, &format!("/status/{name}"));
    for c in array(object, "/status/conditions") {
        if text(c, "/type") == "Progressing" && text(c, "/reason") == "ProgressDeadlineExceeded" {
            return Failed(
                text(c, "/message").to_owned(),
                "Look at its pods; a slow start needs a longer startup probe.".into(),
            );
        }
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    if object.pointer("/status/observedGeneration").is_none() {
        return Waiting(format!("0/{wanted} ready"));
    }
    let (updated, available, all) = (status("updatedReplicas"), status("availableReplicas"), status("replicas"));
    if updated < wanted || available < wanted {
        let mut state = format!("{}/{wanted} ready", available.min(updated));
        if available > updated {
            state.push_str(&format!(", {updated} updated"));
        }
        return Waiting(state);
    }
    if all > updated {
        return Waiting(format!("{} old to go", all - updated));
    }
    if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Waiting("its rollout is paused".into());
    }
    Ready
}

fn stateful_set(object: &Value) -> Readiness {
    let status = |name: &str| number(object, &format!("/status/{name}"));
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    if object.pointer("/status/observedGeneration").is_none() {
        return Waiting(format!("0/{wanted} ready"));
    }
    if status("readyReplicas") < wanted {
        return Waiting(format!("{}/{wanted} ready", status("readyReplicas")));
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Ready;
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    if status("updatedReplicas") < (wanted - partition).max(0)
        && text(object, "/status/currentRevision") != text(object, "/status/updateRevision")
    {
        return Waiting(format!("{}/{wanted} updated", status("updatedReplicas")));
    }
    if partition == 0 && text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
        return Waiting("old pods to go".into());
    }
    if status("replicas") > wanted {
        return Waiting(format!("{} to go", status("replicas") - wanted));
    }
    Ready
}

fn daemon_set(object: &Value) -> Readiness {
    let status = |name: &str| number(object, &format!("/status/{name}"));
    if object.pointer("/status/observedGeneration").is_none() {
        return Waiting("no node looked at".into());
    }
    let wanted = status("desiredNumberScheduled");
    let least = status("updatedNumberScheduled").min(status("numberAvailable"));
    if least < wanted { Waiting(format!("{least}/{wanted} ready")) } else { Ready }
}

fn job(object: &Value) -> Readiness {
    for c in array(object, "/status/conditions").iter().filter(|c| text(c, "/status") == "True") {
        match text(c, "/type") {
            "Complete" | "SuccessCriteriaMet" => return Ready,
            "Failed" | "FailureTarget" => {
                let why = format!("{}: {}", text(c, "/reason"), text(c, "/message"));
                return Failed(why, "Look at its log; correct the cause and deploy again.".into());
            }
            "Suspended" => return Waiting("suspended".into()),
            _ => {}
        }
    }
    let failed = number(object, "/status/failed");
    let tries = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    Waiting(format!("{} running{tries}", number(object, "/status/active")))
}

fn pod(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Ready,
        "Failed" => Failed(text(object, "/status/message").to_owned(), String::new()),
        _ => condition(object, "Ready", true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_old_status_does_not_count() {
        let object = |observed: i64| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2},
                "status": {"observedGeneration": observed, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}})
        };
        assert_eq!(judge(&object(2)), Ready);
        assert!(matches!(judge(&object(1)), Waiting(_)));
    }

    #[test]
    fn a_deployment_is_ready_when_the_new_pods_are_available_and_the_old_gone() {
        let object = |replicas: i64, updated: i64, available: i64| {
            judge(
                &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}, "spec": {"replicas": 2},
                "status": {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}}),
            )
        };
        assert_eq!(object(2, 2, 2), Ready);
        assert_eq!(object(3, 2, 3), Waiting("1 old to go".into()));
        assert_eq!(object(3, 1, 2), Waiting("1/2 ready, 1 updated".into()));
        assert_eq!(object(2, 2, 1), Waiting("1/2 ready".into()));
        let never = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}, "spec": {"replicas": 0}});
        assert!(matches!(judge(&never), Waiting(_)), "no status yet");
    }

    #[test]
    fn jobs_sets_and_custom_resources() {
        let job = |kind: &str| {
            judge(
                &json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": [{"type": kind, "status": "True", "reason": "R", "message": "m"}]}}),
            )
        };
        assert_eq!(job("Complete"), Ready);
        assert!(matches!(job("Failed"), Failed(why, _) if why == "R: m"));
        let set = |current: &str| {
            judge(
                &json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 1}, "spec": {"replicas": 1},
                "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "currentRevision": current, "updateRevision": "b"}}),
            )
        };
        assert_eq!((set("b"), set("a")), (Ready, Waiting("old pods to go".into())));
        let custom = |status: &str, version: &str, kind: &str| {
            judge(
                &json!({"apiVersion": version, "kind": kind, "status": {"conditions": [{"type": "Ready", "status": status, "reason": "Issuing"}]}}),
            )
        };
        assert_eq!(custom("True", "cert-manager.io/v1", "Certificate"), Ready);
        assert_eq!(custom("False", "cert-manager.io/v1", "Certificate"), Waiting("Issuing".into()));
        assert_eq!(
            judge(&json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate"})),
            Waiting("not Ready".into())
        );
        assert_eq!(judge(&json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor"})), Ready);
        assert_eq!(judge(&json!({"apiVersion": "v1", "kind": "ConfigMap"})), Ready);
    }
}
