//! Waiting until objects are ready: by watch, with a regular look at pods and events, failing early with the cause.

use crate::api::{Fault, JSON, array, text};
use crate::diagnose::{Class, Scene, Symptom, Trouble, failed_log, symptoms};
use crate::discovery::Resource;
use crate::observe::{Event, Observer};
use crate::readiness::{Readiness, judge};
use crate::secrets::Vault;
use crate::watch::{Sight, follow, labels};
use crate::{Cluster, Error};
use futures_util::{StreamExt as _, stream};
use mainstay_manifest::keys;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

const LOG_LINES: u32 = 20;

/// An object to wait for, as last seen.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) object: Value,
    pub(crate) resource: Resource,
}

/// Waits for objects of one project.
pub(crate) struct Waiter<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) project: &'a str,
    /// Label selector of the set.
    pub(crate) selector: String,
    pub(crate) deadline: Instant,
    pub(crate) total: Duration,
}

struct Pending {
    target: Target,
    state: String,
}

/// Bad signs and since when they are there.
#[derive(Default)]
struct Signs {
    since: BTreeMap<String, Instant>,
    latest: Vec<Symptom>,
    told: BTreeSet<String>,
}

impl Waiter<'_> {
    /// Returns when all are ready; with the Jobs that completed.
    pub(crate) async fn until_ready(&self, targets: Vec<Target>, vault: &Vault) -> Result<(), Error> {
        let mut pending: BTreeMap<String, Pending> = BTreeMap::new();
        for target in targets {
            let key = key(&target.object);
            if let Some(left) = self.judged(Pending { target, state: String::new() }, vault).await? {
                pending.insert(key, left);
            }
        }
        if pending.is_empty() {
            return Ok(());
        }
        let groups: BTreeMap<(String, String), Resource> = pending
            .values()
            .map(|p| {
                let namespace = text(&p.target.object, "/metadata/namespace").to_owned();
                ((p.target.resource.group_kind(), namespace), p.target.resource.clone())
            })
            .collect();
        let selector = labels(&self.selector);
        let mut sights = stream::select_all(groups.iter().map(|((_, namespace), resource)| {
            follow(&self.cluster.api, resource, Some(namespace), &selector, self.cluster.pace.look).boxed()
        }));
        let mut look = tokio::time::interval_at(Instant::now() + self.cluster.pace.look, self.cluster.pace.look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut signs = Signs::default();
        while !pending.is_empty() {
            tokio::select! {
                () = tokio::time::sleep_until(self.deadline) => return Err(self.too_late(&pending, signs, vault).await),
                sight = sights.next() => match sight {
                    Some(sight) => self.saw(sight?, &mut pending, vault).await?,
                    None => return Ok(()),
                },
                _ = look.tick() => self.look_around(&mut pending, &mut signs, vault).await?,
            }
        }
        Ok(())
    }

    async fn saw(&self, sight: Sight, pending: &mut BTreeMap<String, Pending>, vault: &Vault) -> Result<(), Error> {
        let objects = match sight {
            Sight::All(objects) => objects,
            Sight::One(object) => vec![object],
            Sight::Gone(object) => {
                if pending.contains_key(&key(&object)) {
                    return Err(Error::Failed(Box::new(plain(
                        &object,
                        "it was deleted while it was waited for",
                        "Who else works on this namespace?",
                    ))));
                }
                return Ok(());
            }
        };
        for object in objects {
            let key = key(&object);
            let Some(mut known) = pending.remove(&key) else { continue };
            // a list may be older than what the patch answered
            let older = text(&object, "/metadata/uid") != text(&known.target.object, "/metadata/uid")
                || crate::api::number(&object, "/metadata/generation")
                    < crate::api::number(&known.target.object, "/metadata/generation");
            if !older {
                known.target.object = object;
            }
            if let Some(left) = self.judged(known, vault).await? {
                pending.insert(key, left);
            }
        }
        Ok(())
    }

    /// Judges one and tells; gives it back while it is not ready.
    async fn judged(&self, mut pending: Pending, vault: &Vault) -> Result<Option<Pending>, Error> {
        let object = &pending.target.object;
        let name = name(object);
        match judge(object) {
            Readiness::Ready => {
                if !pending.state.is_empty() {
                    self.observer.event(&Event::Ready { object: name });
                }
                Ok(None)
            }
            Readiness::Waiting(state) if self.need_not_wait(object).await => {
                tracing::debug!(object = name, state, "not waited for");
                Ok(None)
            }
            Readiness::Waiting(state) => {
                if state != pending.state {
                    self.observer.event(&Event::Waiting { object: name, state: state.clone() });
                    pending.state = state;
                }
                Ok(Some(pending))
            }
            Readiness::Failed(cause, hint) => Err(self.failed(object, cause, hint, vault).await),
        }
    }

    /// A claim whose class binds with the first consumer stays pending until a pod comes, in the same phase or later.
    async fn need_not_wait(&self, object: &Value) -> bool {
        if text(object, "/kind") != "PersistentVolumeClaim" {
            return false;
        }
        let classes =
            Resource { namespaced: false, ..Resource::core("storage.k8s.io", "v1", "StorageClass", "storageclasses") };
        let class = text(object, "/spec/storageClassName");
        if class.is_empty() {
            // with "" only a volume made by hand fits, and it binds at once; without any, there is no default class
            return object.pointer("/spec/storageClassName").is_none();
        }
        match self.cluster.api.look(&classes.path(None, Some(class))).await {
            Ok(class) => text(&class, "/volumeBindingMode") == "WaitForFirstConsumer",
            // not allowed to look: the pods will tell
            Err(fault) => fault.code() == 403,
        }
    }

    async fn failed(&self, object: &Value, cause: String, hint: String, vault: &Vault) -> Error {
        let mut trouble = plain(object, &cause, &hint);
        let scene = self.scene(text(object, "/metadata/namespace")).await;
        let signs = symptoms(object, &scene);
        let known = signs.into_iter().max_by_key(|s| s.class != Class::Soft);
        let mut log = failed_log(object, &scene).filter(|_| text(object, "/kind") == "Job");
        if let Some(symptom) = known {
            trouble.cause = format!("{cause}; {}", symptom.trouble.cause);
            trouble.hint = symptom.trouble.hint;
            trouble.pod = symptom.trouble.pod;
            log = log.or(symptom.log);
        }
        if let Some((pod, container, previous)) = log {
            trouble.log = self.tail(text(object, "/metadata/namespace"), &pod, &container, previous, vault).await;
            trouble.pod = Some(pod);
        }
        Error::Failed(Box::new(trouble))
    }

    async fn look_around(
        &self,
        pending: &mut BTreeMap<String, Pending>,
        signs: &mut Signs,
        vault: &Vault,
    ) -> Result<(), Error> {
        let namespaces: BTreeSet<String> =
            pending.values().map(|p| text(&p.target.object, "/metadata/namespace").to_owned()).collect();
        let mut found = Vec::new();
        for namespace in namespaces.iter().filter(|n| !n.is_empty()) {
            let scene = self.scene(namespace).await;
            for p in pending.values().filter(|p| text(&p.target.object, "/metadata/namespace") == namespace) {
                let observed = p.target.object.pointer("/status/observedGeneration").and_then(Value::as_i64);
                // before its controller has looked, the newest pods are still those of the version before
                if observed.is_none_or(|o| o >= crate::api::number(&p.target.object, "/metadata/generation")) {
                    found.extend(symptoms(&p.target.object, &scene).into_iter().map(|s| (namespace.clone(), s)));
                }
            }
        }
        let now = Instant::now();
        let seen: BTreeSet<String> = found.iter().map(|(_, s)| sign_key(s)).collect();
        signs.since.retain(|key, _| seen.contains(key));
        for (namespace, symptom) in &found {
            let key = sign_key(symptom);
            let since = *signs.since.entry(key.clone()).or_insert(now);
            if self.hopeless(symptom.class, now - since) {
                let mut trouble = symptom.trouble.clone();
                if let Some((pod, container, previous)) = &symptom.log {
                    trouble.log = self.tail(namespace, pod, container, *previous, vault).await;
                }
                return Err(Error::Failed(Box::new(trouble)));
            }
            if signs.told.insert(key) {
                self.observer.event(&Event::Trouble(symptom.trouble.clone()));
            }
        }
        signs.latest = found.into_iter().map(|(_, s)| s).collect();
        Ok(())
    }

    fn hopeless(&self, class: Class, lasted: Duration) -> bool {
        let pace = &self.cluster.pace;
        match class {
            Class::Now => true,
            Class::Container => lasted >= pace.container,
            Class::Schedule => lasted >= pace.schedule,
            Class::Create => lasted >= pace.create,
            Class::Volume => lasted >= pace.volume,
            Class::Soft => false,
        }
    }

    async fn too_late(&self, pending: &BTreeMap<String, Pending>, signs: Signs, vault: &Vault) -> Error {
        let mut troubles = Vec::new();
        for symptom in signs.latest.into_iter().take(10) {
            let mut trouble = symptom.trouble;
            if let Some((pod, container, previous)) = symptom.log {
                let namespace = pending.values().next().map(|p| text(&p.target.object, "/metadata/namespace"));
                trouble.log = self.tail(namespace.unwrap_or_default(), &pod, &container, previous, vault).await;
            }
            troubles.push(trouble);
        }
        let waiting = pending.values().map(|p| format!("{}: {}", name(&p.target.object), p.state)).collect();
        Error::Deadline { seconds: self.total.as_secs(), waiting, troubles }
    }

    /// Pods, replica sets and warnings of a namespace; what may not be seen is left out.
    async fn scene(&self, namespace: &str) -> Scene {
        let api = &self.cluster.api;
        let ours = labels(&format!("{}={}", keys::INSTANCE, self.project));
        let pods = Resource::core("", "v1", "Pod", "pods");
        let sets = Resource::core("apps", "v1", "ReplicaSet", "replicasets");
        let events = Resource::core("", "v1", "Event", "events");
        let (pods, sets, events) = tokio::join!(
            api.list(&pods, Some(namespace), &ours, JSON),
            api.list(&sets, Some(namespace), &ours, JSON),
            api.list(&events, Some(namespace), "&fieldSelector=type%3DWarning", JSON),
        );
        let items = |result: Result<(Vec<Value>, String), Fault>| result.map(|(items, _)| items).unwrap_or_default();
        Scene { pods: items(pods), replica_sets: items(sets), events: items(events) }
    }

    async fn tail(&self, namespace: &str, pod: &str, container: &str, previous: bool, vault: &Vault) -> Vec<String> {
        let pods = Resource::core("", "v1", "Pod", "pods");
        let path = |previous: bool| {
            let base = pods.path(Some(namespace), Some(pod));
            format!(
                "{base}/log?container={container}&tailLines={LOG_LINES}&limitBytes=16384{}",
                if previous { "&previous=true" } else { "" }
            )
        };
        let text = match self.cluster.api.text(&path(previous)).await {
            Ok(text) => text,
            Err(_) => self.cluster.api.text(&path(!previous)).await.unwrap_or_default(),
        };
        vault.redact(&text).lines().map(str::to_owned).collect()
    }
}

/// Whether a Job's status says that it has completed.
pub(crate) fn completed(object: &Value) -> bool {
    text(object, "/kind") == "Job" && has_condition(object, "Complete")
}

/// Whether a Job's status says that it has failed.
pub(crate) fn job_failed(object: &Value) -> bool {
    text(object, "/kind") == "Job" && has_condition(object, "Failed")
}

fn has_condition(object: &Value, kind: &str) -> bool {
    array(object, "/status/conditions").iter().any(|c| text(c, "/type") == kind && text(c, "/status") == "True")
}

fn plain(object: &Value, cause: &str, hint: &str) -> Trouble {
    Trouble { object: name(object), pod: None, cause: cause.to_owned(), hint: hint.to_owned(), log: Vec::new() }
}

fn name(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))
}

fn key(object: &Value) -> String {
    let group = text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    format!(
        "{group}/{}/{}/{}",
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name")
    )
}

/// What makes two signs the same: numbers in messages (restarts, times) may move.
fn sign_key(symptom: &Symptom) -> String {
    let cause: String = symptom.trouble.cause.chars().filter(|c| !c.is_ascii_digit()).take(80).collect();
    format!("{}|{:?}|{cause}", symptom.trouble.object, symptom.class)
}
