//! Why something does not become ready: read from pods, replica sets and events. Pure; the looking is `wait`'s.

use crate::api::{array, number, text};
use crate::container::{of_container, pull_event};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// What is wrong with an object, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The object that was waited for, `Deployment gateway`.
    pub object: String,
    /// The pod that shows it, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// What happened, in the words of Kubernetes where they help.
    pub cause: String,
    /// What to do.
    pub hint: String,
    /// The last lines of the container's log. Known secret values are replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.cause)?;
        if let Some(pod) = &self.pod {
            write!(f, " (pod {pod})")?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        for line in &self.log {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}

/// How long a symptom may last before it counts as hopeless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Hopeless at once.
    Now,
    Container,
    Schedule,
    Create,
    Volume,
    /// Only told; the deadline decides.
    Soft,
}

/// A bad sign.
#[derive(Debug, Clone)]
pub(crate) struct Symptom {
    pub(crate) class: Class,
    pub(crate) trouble: Trouble,
    /// Container whose log says more: (pod, container, whether of the previous run).
    pub(crate) log: Option<(String, String, bool)>,
}

/// What was seen in a namespace.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) pods: Vec<Value>,
    pub(crate) replica_sets: Vec<Value>,
    pub(crate) events: Vec<Value>,
}

/// The bad signs around one workload. Only what belongs to its newest revision counts.
pub(crate) fn symptoms(target: &Value, scene: &Scene) -> Vec<Symptom> {
    let object = format!("{} {}", text(target, "/kind"), text(target, "/metadata/name"));
    let uid = text(target, "/metadata/uid");
    let mut found = Vec::new();
    let owner = match text(target, "/kind") {
        "Deployment" => match newest_set(uid, &scene.replica_sets) {
            Some(set) => {
                for c in array(set, "/status/conditions").iter().chain(array(target, "/status/conditions")) {
                    if text(c, "/type") == "ReplicaFailure" && text(c, "/status") == "True" {
                        found.push(not_created(&object, text(c, "/message")));
                        break;
                    }
                }
                text(set, "/metadata/uid")
            }
            None => return found,
        },
        "StatefulSet" | "DaemonSet" | "Job" => {
            // a pod that came later shows that the refusal has passed: while an old pod ends, its share of the quota is
            // counted twice for a moment
            // (times have whole seconds: an event of the second of our own change counts, one of a pod's second does not)
            let (since, pod) = (since(target), newest_pod(uid, &scene.pods));
            let fresh = |time: Timestamp| time >= since && time > pod;
            let failed = |e: &&Value| text(e, "/reason") == "FailedCreate" && fresh(event_time(e));
            if let Some(event) = events_of(scene, uid).filter(failed).last() {
                found.push(not_created(&object, text(event, "/message")));
            }
            uid
        }
        "PersistentVolumeClaim" => {
            found.extend(events_of(scene, uid).filter(|e| text(e, "/reason") == "ProvisioningFailed").last().map(
                |event| {
                    sign(
                        Class::Volume,
                        &object,
                        None,
                        format!("no volume is provisioned: {}", text(event, "/message")),
                        VOLUME,
                    )
                },
            ));
            return found;
        }
        "Pod" => uid,
        _ => return found,
    };
    let revision = text(target, "/status/updateRevision");
    for pod in &scene.pods {
        let owned = text(pod, "/metadata/uid") == owner
            || array(pod, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == owner);
        if !owned || pod.pointer("/metadata/deletionTimestamp").is_some() {
            continue;
        }
        let hash = pod.pointer("/metadata/labels/controller-revision-hash").and_then(Value::as_str);
        let old = text(target, "/kind") == "StatefulSet" && !revision.is_empty() && hash.is_some_and(|h| h != revision);
        let mut signs = of_pod(&object, pod, scene);
        if old {
            for symptom in &mut signs {
                symptom.trouble.hint = format!(
                    "This pod is of the version before, and its StatefulSet waits for it. Delete it: kubectl delete pod {} -n {}",
                    text(pod, "/metadata/name"),
                    text(pod, "/metadata/namespace")
                );
            }
        }
        found.append(&mut signs);
    }
    found
}

/// The log that explains a failed Job: of its last pod that failed.
pub(crate) fn failed_log(target: &Value, scene: &Scene) -> Option<(String, String, bool)> {
    let uid = text(target, "/metadata/uid");
    let mut pods: Vec<&Value> = scene
        .pods
        .iter()
        .filter(|pod| array(pod, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid))
        .filter(|pod| text(pod, "/status/phase") != "Succeeded")
        .collect();
    pods.sort_by_key(|pod| text(pod, "/metadata/creationTimestamp").to_owned());
    let pod = pods.last()?;
    let name = text(pod, "/metadata/name");
    let ended =
        |s: &&Value| ["/state/terminated/exitCode", "/lastState/terminated/exitCode"].iter().any(|p| number(s, p) != 0);
    let statuses = || array(pod, "/status/initContainerStatuses").iter().chain(array(pod, "/status/containerStatuses"));
    let status = statuses().find(ended).or_else(|| statuses().last())?;
    Some((name.to_owned(), text(status, "/name").to_owned(), status.pointer("/state/terminated").is_none()))
}

const VOLUME: &str = "Look at the StorageClass and its provisioner: kubectl describe pvc.";

pub(crate) fn sign(class: Class, object: &str, pod: Option<&Value>, cause: String, hint: &str) -> Symptom {
    let trouble = Trouble {
        object: object.to_owned(),
        pod: pod.map(|p| text(p, "/metadata/name").to_owned()),
        cause,
        hint: hint.to_owned(),
        log: Vec::new(),
    };
    Symptom { class, trouble, log: None }
}

fn newest_set<'a>(uid: &str, sets: &'a [Value]) -> Option<&'a Value> {
    let revision = |set: &&Value| {
        set.pointer("/metadata/annotations/deployment.kubernetes.io~1revision")
            .and_then(Value::as_str)
            .and_then(|r| r.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let owned = |set: &&Value| array(set, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid);
    sets.iter().filter(owned).max_by_key(revision)
}

fn not_created(object: &str, message: &str) -> Symptom {
    let hint = if message.contains("exceeded quota") {
        "The namespace's quota is used up: lower the sizes; the quota follows from them, so something else uses the namespace too."
    } else if message.contains("violates PodSecurity") {
        "The pod does not meet the namespace's pod security level: correct what the message lists."
    } else if message.contains("serviceaccount") {
        "Its service account is missing: deploy again, or create it."
    } else if message.contains("admission webhook") || message.contains("ValidatingAdmissionPolicy") {
        "A policy of the cluster refuses the pod: meet it, or ask its owners for an exception."
    } else {
        "Kubernetes could not create the pod."
    };
    sign(Class::Create, object, None, format!("no pod can be created: {message}"), hint)
}

fn of_pod(object: &str, pod: &Value, scene: &Scene) -> Vec<Symptom> {
    let mut found = Vec::new();
    for c in array(pod, "/status/conditions") {
        if text(c, "/type") == "PodScheduled" && text(c, "/status") == "False" && text(c, "/reason") == "Unschedulable"
        {
            let message = text(c, "/message");
            let (class, hint) =
                if message.contains("PersistentVolumeClaim") || message.contains("persistentvolumeclaim") {
                    (Class::Volume, VOLUME)
                } else if message.contains("Insufficient") {
                    (Class::Schedule, "No node has this much free: lower the requests, or add a node.")
                } else {
                    (Class::Schedule, "No node fits: look at taints, affinity and node selectors.")
                };
            found.push(sign(class, object, Some(pod), format!("no node takes the pod: {message}"), hint));
        }
    }
    let statuses = array(pod, "/status/initContainerStatuses").iter().chain(array(pod, "/status/containerStatuses"));
    let pull = pull_event(pod, scene);
    found.extend(statuses.filter_map(|status| of_container(object, pod, status, pull)));
    // A bad container says more than what follows from it.
    if found.is_empty() {
        found.extend(of_events(object, pod, scene));
    }
    found
}

fn of_events(object: &str, pod: &Value, scene: &Scene) -> Option<Symptom> {
    let uid = text(pod, "/metadata/uid");
    let running = text(pod, "/status/phase") == "Running";
    let claims: Vec<&str> = array(pod, "/spec/volumes")
        .iter()
        .map(|v| text(v, "/persistentVolumeClaim/claimName"))
        .filter(|name| !name.is_empty())
        .collect();
    for event in scene.events.iter().rev() {
        let message = text(event, "/message");
        let claim = text(event, "/involvedObject/kind") == "PersistentVolumeClaim"
            && claims.contains(&text(event, "/involvedObject/name"));
        let own = text(event, "/involvedObject/uid") == uid;
        return Some(match text(event, "/reason") {
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" if own && !running => {
                let hint = if message.contains("not found") {
                    "Create what the message names."
                } else if message.contains("to sync secret cache") || message.contains("to sync configmap cache") {
                    "The node has not fetched it yet; it tries again by itself."
                } else {
                    VOLUME
                };
                sign(Class::Volume, object, Some(pod), format!("a volume cannot be mounted: {message}"), hint)
            }
            "ProvisioningFailed" if claim => {
                sign(Class::Volume, object, Some(pod), format!("no volume is provisioned: {message}"), VOLUME)
            }
            "FailedCreatePodSandBox" if own && !running => sign(
                Class::Soft,
                object,
                Some(pod),
                format!("the node cannot start the pod: {message}"),
                "Look at the node's network plug-in.",
            ),
            "Unhealthy" if own => {
                let hint = if message.starts_with("Startup") {
                    "It may need longer to start, or its port or path is another."
                } else {
                    "It runs and does not answer as the probe expects."
                };
                let mut symptom = sign(Class::Soft, object, Some(pod), message.to_owned(), hint);
                let container = text(pod, "/status/containerStatuses/0/name").to_owned();
                symptom.log = Some((text(pod, "/metadata/name").to_owned(), container, false));
                symptom
            }
            _ => continue,
        });
    }
    None
}

pub(crate) fn events_of<'a>(scene: &'a Scene, uid: &str) -> impl Iterator<Item = &'a Value> {
    scene.events.iter().filter(move |e| text(e, "/involvedObject/uid") == uid)
}

fn event_time(event: &Value) -> Timestamp {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|p| text(event, p).parse().ok())
        .unwrap_or(Timestamp::MIN)
}

/// When the newest pod of an owner was made.
fn newest_pod(uid: &str, pods: &[Value]) -> Timestamp {
    pods.iter()
        .filter(|pod| array(pod, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid))
        .filter_map(|pod| text(pod, "/metadata/creationTimestamp").parse().ok())
        .max()
        .unwrap_or(Timestamp::MIN)
}

/// When we last changed an object, by the server's clock: what happened before is of an older version.
fn since(object: &Value) -> Timestamp {
    let time = crate::path::entry_of(object, mainstay_manifest::keys::MANAGER).map(|e| text(e, "/time"));
    time.and_then(|t| t.parse().ok()).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scene(status: Value) -> (Value, Scene) {
        let target = json!({"kind": "Deployment", "metadata": {"name": "web", "uid": "d"}});
        let set = |uid: &str, revision: &str| {
            json!({"metadata": {"uid": uid, "ownerReferences": [{"uid": "d"}],
                "annotations": {"deployment.kubernetes.io/revision": revision}}})
        };
        let pod = |name: &str, owner: &str, status: &Value| json!({"metadata": {"name": name, "uid": name, "ownerReferences": [{"uid": owner}]}, "status": status});
        let broken =
            json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
        let pods = vec![pod("old", "r9", &broken), pod("new", "r10", &status)];
        (target, Scene { pods, replica_sets: vec![set("r9", "9"), set("r10", "10")], events: Vec::new() })
    }

    #[test]
    fn only_the_newest_revision_counts() {
        let (target, scene) = scene(json!({}));
        assert!(symptoms(&target, &scene).is_empty());
    }

    #[test]
    fn containers_tell_their_cause() {
        let cases = [
            (
                json!({"name": "c", "image": "x:1", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}}),
                Class::Container,
                "push it",
            ),
            (
                json!({"name": "c", "image": "x:1", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}),
                Class::Container,
                "mainstay image",
            ),
            (
                json!({"name": "c", "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "couldn't find key A in Secret n/s"}}}),
                Class::Container,
                "Add the key",
            ),
            (
                json!({"name": "c", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
                Class::Now,
                "memory limit",
            ),
            (
                json!({"name": "c", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 64}}}),
                Class::Soft,
                "which key",
            ),
        ];
        for (status, class, hint) in cases {
            for list in ["containerStatuses", "initContainerStatuses"] {
                let (target, scene) = scene(json!({list: [status]}));
                let found = symptoms(&target, &scene);
                assert_eq!(found.len(), 1, "{status}");
                assert_eq!(found[0].class, class, "{status}");
                assert!(found[0].trouble.hint.contains(hint), "{:?}", found[0]);
            }
        }
    }

    #[test]
    fn a_container_that_recovered_is_no_trouble() {
        let status = json!({"name": "c", "ready": true, "restartCount": 7, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}});
        let (target, scene) = scene(json!({"containerStatuses": [status]}));
        assert!(symptoms(&target, &scene).is_empty());
    }

    #[test]
    fn old_events_of_a_set_do_not_count() {
        let target = json!({"kind": "StatefulSet", "metadata": {"name": "db", "uid": "s", "managedFields": [
            {"manager": "mainstay", "operation": "Apply", "time": "2026-11-21T10:00:00Z"}]}});
        let event = |time: &str| json!({"reason": "FailedCreate", "message": "exceeded quota: q", "lastTimestamp": time, "involvedObject": {"uid": "s"}});
        let with = |time| symptoms(&target, &Scene { events: vec![event(time)], ..Scene::default() }).len();
        assert_eq!((with("2026-11-21T09:00:00Z"), with("2026-11-21T10:00:05Z")), (0, 1));
        let pod = |time: &str| json!({"metadata": {"name": "db-0", "creationTimestamp": time, "ownerReferences": [{"uid": "s"}]}});
        let with = |made: &str| {
            let scene =
                Scene { pods: vec![pod(made)], events: vec![event("2026-11-21T10:00:05Z")], ..Scene::default() };
            symptoms(&target, &scene).len()
        };
        assert_eq!((with("2026-11-21T10:00:06Z"), with("2026-11-21T10:00:01Z")), (0, 1));
    }
}
