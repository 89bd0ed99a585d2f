//! What of the set is on the cluster now: one list per kind.

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
    /// Enough to tell whether something changes: of Secrets and ConfigMaps, which only people and deployers write, no
    /// more than the metadata.
    Light,
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
        let accept = |resource: &Resource| match resource.kind.as_str() {
            "Secret" | "ConfigMap" if depth == Depth::Light => METADATA_LIST,
            _ => JSON,
        };
        let lists: Vec<Vec<(Value, Resource)>> = stream::iter(wanted)
            .map(|(resource, namespace)| {
                let (selector, accept) = (&selector, &accept);
                async move {
                    let (items, _) = cluster
                        .api
                        .list(resource, namespace, selector, accept(resource))
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
/// write the status of some kinds all the time, and servers may move the time of our managed fields without a change, so
/// where there is content it is the content that counts.
pub(crate) fn differs(before: &Value, after: &Value) -> bool {
    if text(before, "/metadata/resourceVersion") == text(after, "/metadata/resourceVersion") {
        return false;
    }
    let only_metadata = before
        .as_object()
        .is_some_and(|map| map.keys().all(|k| ["apiVersion", "kind", "metadata"].contains(&k.as_str())));
    let has_more = after.as_object().is_some_and(|map| map.len() > 3);
    (only_metadata && has_more) || !crate::compare::changes(before, after).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_controllers_write_is_not_our_change() {
        let object = |version: &str, replicas: i64, used: i64| {
            json!({"apiVersion": "v1", "kind": "K", "metadata": {"resourceVersion": version, "managedFields": [{"time": version}]},
                "spec": {"replicas": replicas}, "status": {"used": used}})
        };
        let before = object("1", 1, 1);
        assert!(!differs(&before, &object("1", 1, 1)));
        assert!(!differs(&before, &object("2", 1, 2)), "status only");
        assert!(differs(&before, &object("2", 2, 1)));
        let light = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"resourceVersion": "1"}});
        let answer = |version: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"resourceVersion": version}, "data": {}});
        assert!(differs(&light, &answer("2")));
        assert!(!differs(&light, &answer("1")));
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
