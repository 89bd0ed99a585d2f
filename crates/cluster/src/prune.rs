//! Removing: what the project no longer has, or all of it. Never what holds data, unless told.

use crate::api::{METADATA_LIST, text};
use crate::applyset::{ApplySet, Scope};
use crate::discovery::Resource;
use crate::kinds::{holds_data, phase_of};
use crate::members::{Depth, Key, Members, is_kept};
use crate::observe::{Applied, Change, Event, Observer};
use crate::watch::labels;
use crate::{Cluster, Error, release};
use mainstay_manifest::{Phase, keys};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// An object to remove.
#[derive(Debug, Clone)]
pub(crate) struct Doomed {
    pub(crate) object: Value,
    pub(crate) resource: Resource,
}

/// Members that are not wanted: (to remove, last phase first; to keep).
pub(crate) fn unwanted(members: &Members, set: &str, wanted: &BTreeSet<Key>) -> (Vec<Doomed>, Vec<Doomed>) {
    let all = members
        .of_set(set)
        .filter(|(key, ..)| !wanted.contains(*key))
        .map(|(_, object, resource)| Doomed { object: object.clone(), resource: resource.clone() });
    let (kept, mut gone): (Vec<_>, Vec<_>) = all.partition(|d| is_kept(&d.object, &d.resource));
    gone.sort_by_key(|d| std::cmp::Reverse(phase_of(&d.resource.kind)));
    (gone, kept)
}

impl Doomed {
    fn applied(&self, change: Change, note: &str) -> Applied {
        Applied {
            object: format!("{} {}", self.resource.kind, text(&self.object, "/metadata/name")),
            namespace: text(&self.object, "/metadata/namespace").to_owned(),
            change,
            note: note.to_owned(),
        }
    }

    fn path(&self) -> String {
        let namespace = text(&self.object, "/metadata/namespace");
        self.resource.path(Some(namespace), Some(text(&self.object, "/metadata/name")))
    }

    /// Removes it, if it is still the one that was seen.
    async fn remove(&self, cluster: &Cluster, propagation: &str) -> Result<(), Error> {
        let uid = text(&self.object, "/metadata/uid");
        let options = json!({"propagationPolicy": propagation, "preconditions": {"uid": uid}});
        match cluster.api.delete(&self.path(), &options).await {
            Err(fault) if !fault.is_not_found() => Err(fault.explain(
                "delete",
                &self.resource.kind,
                Some(text(&self.object, "/metadata/namespace")),
                text(&self.object, "/metadata/name"),
            )),
            _ => Ok(()),
        }
    }
}

/// Removes what is not wanted and tells about it.
pub(crate) async fn prune(
    cluster: &Cluster,
    members: &Members,
    set: &str,
    wanted: &BTreeSet<Key>,
    observer: &dyn Observer,
) -> Result<Vec<Applied>, Error> {
    let (gone, kept) = unwanted(members, set, wanted);
    let mut done = Vec::new();
    for doomed in gone {
        doomed.remove(cluster, "Background").await?;
        let applied = doomed.applied(Change::Pruned, "");
        observer.event(&Event::Applied(applied.clone()));
        done.push(applied);
    }
    for doomed in kept {
        let applied = doomed.applied(Change::Kept, "the project no longer has it; it is marked to be kept");
        observer.event(&Event::Applied(applied.clone()));
        done.push(applied);
    }
    Ok(done)
}

/// How much `destroy` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Volumes, generated Secrets and the namespace stay; a later deploy finds them.
    Keep,
    /// Everything goes, volumes and database included. There is no way back.
    Delete,
}

/// Removes a project from the cluster, last phase first.
///
/// # Errors
/// When something may not be removed, or another program keeps the set.
pub async fn destroy(
    cluster: &Cluster,
    project: &str,
    namespace: &str,
    data: Data,
    patience: Duration,
    observer: &dyn Observer,
) -> Result<Vec<Applied>, Error> {
    let discovery = cluster.discovery().await?;
    let mut set = ApplySet::read(&cluster.api, project, namespace).await?;
    let scope = set.recorded.clone().unwrap_or_default();
    let members = Members::read(cluster, discovery, &scope, namespace, Depth::Light).await?;
    let (gone, mut kept) = unwanted(&members, &set.id, &BTreeSet::new());
    let mut by_phase: BTreeMap<Phase, Vec<Doomed>> = BTreeMap::new();
    for doomed in gone {
        by_phase.entry(phase_of(&doomed.resource.kind)).or_default().push(doomed);
    }
    let deadline = Instant::now() + patience;
    let mut done = Vec::new();
    let mut tell = |applied: Applied| {
        observer.event(&Event::Applied(applied.clone()));
        done.push(applied);
    };
    for (phase, doomed) in by_phase.into_iter().rev() {
        observer.event(&Event::PhaseBegan { phase, objects: doomed.len() });
        for one in &doomed {
            one.remove(cluster, "Foreground").await?;
            tell(one.applied(Change::Pruned, ""));
        }
        for one in &doomed {
            vanished(cluster, one, deadline).await?;
        }
    }
    if data == Data::Delete {
        // claims of a StatefulSet's templates are no members: they carry its selector's labels
        kept.retain(|d| d.resource.kind != "Namespace");
        kept.extend(claims(cluster, project, namespace, &kept).await?);
        for one in kept.drain(..) {
            one.remove(cluster, "Background").await?;
            tell(one.applied(Change::Pruned, "data"));
        }
    }
    for one in kept {
        tell(one.applied(Change::Kept, "it holds data, or is marked to be kept"));
    }
    release::forget(cluster, namespace).await?;
    let left = Scope { namespaces: BTreeSet::new(), kinds: members_left(&done) };
    if left.kinds.is_empty() || data == Data::Delete {
        set.remove(&cluster.api).await?;
    } else {
        set.record(&cluster.api, &scope).await?;
    }
    if data == Data::Delete
        && let Some(applied) = delete_namespace(cluster, project, namespace).await?
    {
        observer.event(&Event::Applied(applied.clone()));
        done.push(applied);
    }
    Ok(done)
}

fn members_left(done: &[Applied]) -> BTreeSet<String> {
    let kind = |a: &Applied| a.object.split(' ').next().unwrap_or_default().to_owned();
    done.iter().filter(|a| a.change == Change::Kept).map(kind).collect()
}

async fn vanished(cluster: &Cluster, doomed: &Doomed, deadline: Instant) -> Result<(), Error> {
    let uid = text(&doomed.object, "/metadata/uid");
    loop {
        match cluster.api.get(&doomed.path()).await {
            Err(fault) if fault.is_not_found() => return Ok(()),
            // something of the same name is there again: not ours to wait for
            Ok(live) if text(&live, "/metadata/uid") != uid => return Ok(()),
            _ if Instant::now() >= deadline => {
                let name = doomed.applied(Change::Pruned, "").object;
                return Err(Error::Deadline {
                    seconds: 0,
                    waiting: vec![format!("{name}: still being removed")],
                    troubles: Vec::new(),
                });
            }
            _ => tokio::time::sleep(cluster.pace.look.min(Duration::from_millis(500))).await,
        }
    }
}

/// The claims of the project that are not members.
async fn claims(cluster: &Cluster, project: &str, namespace: &str, known: &[Doomed]) -> Result<Vec<Doomed>, Error> {
    let resource = Resource::core("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
    debug_assert!(holds_data("", &resource.kind));
    let selector = labels(&format!("{}={project}", keys::INSTANCE));
    let (items, _) = cluster
        .api
        .list(&resource, Some(namespace), &selector, METADATA_LIST)
        .await
        .map_err(|fault| fault.explain("list", "PersistentVolumeClaim", Some(namespace), ""))?;
    let known: BTreeSet<&str> = known.iter().map(|d| text(&d.object, "/metadata/uid")).collect();
    let new = items.into_iter().filter(|item| !known.contains(text(item, "/metadata/uid")));
    Ok(new.map(|object| Doomed { object, resource: resource.clone() }).collect())
}

/// Deletes the namespace when Mainstay made it for this project.
async fn delete_namespace(cluster: &Cluster, project: &str, namespace: &str) -> Result<Option<Applied>, Error> {
    let resource = Resource::core("", "v1", "Namespace", "namespaces");
    let path = resource.path(None, Some(namespace));
    let explain = |fault: crate::api::Fault, verb| fault.explain(verb, "Namespace", None, namespace);
    let live = match cluster.api.get(&path).await {
        Ok(live) => live,
        Err(fault) if fault.is_not_found() => return Ok(None),
        Err(fault) => return Err(explain(fault, "get")),
    };
    if !is_ours(&live, project) || crate::deploy::is_adopted(&live) {
        return Ok(None);
    }
    cluster.api.delete(&path, &json!({})).await.map_err(|fault| explain(fault, "delete"))?;
    let applied = Applied {
        object: format!("Namespace {namespace}"),
        namespace: String::new(),
        change: Change::Pruned,
        note: "with everything in it".into(),
    };
    Ok(Some(applied))
}

/// Whether a namespace carries the labels that Mainstay gives it for this project.
pub(crate) fn is_ours(namespace: &Value, project: &str) -> bool {
    let label = |key: &str| namespace.pointer("/metadata/labels").and_then(|l| l.get(key)).and_then(Value::as_str);
    label(keys::MANAGED_BY) == Some(keys::MANAGER) && label(keys::INSTANCE) == Some(project)
}
