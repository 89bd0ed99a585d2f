//! What of the set is on the cluster now: one list per kind, metadata only.

use crate::api::{JSON, METADATA_LIST, PARALLEL, text};
use crate::applyset::{PART_OF, Scope};
use crate::discovery::{Discovery, Resource};
use crate::watch::labels;
use crate::{Cluster, Error};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mainstay_manifest::{Id, keys};
use serde_json::Value;
use std::collections::BTreeMap;

/// An object's identity without its version, which differs between what was applied and what is listed.
pub(crate) type Key = (String, String, String, String);

/// How much of each object is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Metadata,
    Whole,
}

/// Live objects that carry the label of any set.
#[derive(Debug, Default)]
pub(crate) struct Members {
    live: BTreeMap<Key, (Value, Resource)>,
}

pub(crate) fn key_of(id: &Id) -> Key {
    (id.group.clone(), id.kind.clone(), id.namespace.clone(), id.name.clone())
}

impl Members {
    /// Lists all kinds of the scope. Namespaces are not listed: they are looked at one by one, by name.
    pub(crate) async fn read(
        cluster: &Cluster,
        discovery: &Discovery,
        scope: &Scope,
        home: &str,
        depth: Depth,
    ) -> Result<Self, Error> {
        let mut wanted: Vec<(&Resource, Option<&str>)> = Vec::new();
        for resource in scope.resources(discovery).into_iter().filter(|r| r.kind != "Namespace") {
            if resource.namespaced {
                wanted.push((resource, Some(home)));
                wanted.extend(scope.namespaces.iter().map(|n| (resource, Some(n.as_str()))));
            } else {
                wanted.push((resource, None));
            }
        }
        let selector = labels(PART_OF);
        let accept = if depth == Depth::Metadata { METADATA_LIST } else { JSON };
        let lists: Vec<Vec<(Value, Resource)>> = stream::iter(wanted)
            .map(|(resource, namespace)| {
                let selector = &selector;
                async move {
                    let (items, _) = cluster
                        .api
                        .list(resource, namespace, selector, accept)
                        .await
                        .map_err(|fault| fault.explain("list", &resource.kind, namespace, ""))?;
                    Ok::<_, Error>(items.into_iter().map(|item| (item, resource.clone())).collect())
                }
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        let live = lists.into_iter().flatten().map(|(item, r)| (key_of(&Id::of(&item)), (item, r))).collect();
        Ok(Self { live })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.live.get(key).map(|(value, _)| value)
    }

    /// Takes an object in, such as a Namespace that was looked at by name.
    pub(crate) fn insert(&mut self, object: Value, resource: Resource) {
        self.live.insert(key_of(&Id::of(&object)), (object, resource));
    }

    /// The members of one set, and not those that a controller made of them.
    pub(crate) fn of_set<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a Key, &'a Value, &'a Resource)> {
        self.live
            .iter()
            .filter(move |(_, (object, _))| {
                set_of(object) == Some(id) && crate::api::array(object, "/metadata/ownerReferences").is_empty()
            })
            .map(|(key, (object, resource))| (key, object, resource))
    }
}

/// The set that an object says it belongs to.
pub(crate) fn set_of(object: &Value) -> Option<&str> {
    object.pointer("/metadata/labels")?.get(PART_OF)?.as_str()
}

/// Whether removal must leave an object alone: it holds data, or it is marked.
pub(crate) fn is_kept(object: &Value, resource: &Resource) -> bool {
    let annotation =
        |key: &str| object.pointer("/metadata/annotations").and_then(|a| a.get(key)).and_then(Value::as_str);
    crate::kinds::holds_data(&resource.group, &resource.kind)
        || annotation(keys::KEEP) == Some("true")
        || (resource.kind == "Secret" && annotation(keys::SECRET_KEYS).is_some())
}

/// Whether an object was changed by our patch, judged by what it was before and what the server answered. Controllers
/// write the status of some kinds all the time, so a new resourceVersion alone says nothing about those.
pub(crate) fn differs(before: &Value, after: &Value) -> bool {
    let at = |v: &Value, p: &str| v.pointer(p).cloned();
    if text(before, "/metadata/resourceVersion") == text(after, "/metadata/resourceVersion") {
        return false;
    }
    if at(before, "/metadata/generation") != at(after, "/metadata/generation") || after.get("status").is_none() {
        return true;
    }
    // the server moves the time of our entry when, and only when, our patch changed something
    let entry =
        |v| crate::path::entry_of(v, keys::MANAGER).map(|e| (e.get("time").cloned(), e.get("fieldsV1").cloned()));
    entry(before) != entry(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_controllers_write_is_not_our_change() {
        let object = |version: &str, generation: i64, time: &str| {
            json!({"metadata": {"resourceVersion": version, "generation": generation, "managedFields": [
                {"manager": "mainstay", "operation": "Apply", "time": time, "fieldsV1": {}}]}, "status": {}})
        };
        let before = object("1", 1, "a");
        assert!(!differs(&before, &object("1", 1, "a")));
        assert!(!differs(&before, &object("2", 1, "a")), "status only");
        assert!(differs(&before, &object("2", 2, "a")));
        assert!(differs(&before, &object("2", 1, "b")));
        let plain = |version: &str| json!({"metadata": {"resourceVersion": version}, "data": {}});
        assert!(differs(&plain("1"), &plain("2")));
    }

    #[test]
    fn data_is_kept() {
        let resource = |kind: &str| Resource::core("", "v1", kind, "x");
        let with = |key: &str| json!({"metadata": {"annotations": {key: "true"}}});
        assert!(is_kept(&json!({}), &resource("PersistentVolumeClaim")));
        assert!(is_kept(&with(keys::SECRET_KEYS), &resource("Secret")));
        assert!(is_kept(&with(keys::KEEP), &resource("ConfigMap")));
        assert!(!is_kept(&json!({}), &resource("Secret")));
        assert!(!is_kept(&with(keys::SECRET_KEYS), &resource("ConfigMap")));
    }
}
