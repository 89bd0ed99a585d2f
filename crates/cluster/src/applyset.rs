//! The set of objects that belong together, as KEP-3659 (ApplySet) writes it down, so that other tools can read it. The
//! parent is a ConfigMap `mainstay` in the project's namespace; members carry its identity in a label.

use crate::Error;
use crate::api::{Api, Patch};
use crate::discovery::{Discovery, Resource, group_kind};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_manifest::{Object, keys};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Label of members; its value is the identity of the set.
pub(crate) const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// Label of the parent.
const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
pub(crate) const NAME: &str = "mainstay";

/// What the parent says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    /// `Kind.group`.
    pub(crate) kinds: BTreeSet<String>,
    /// Namespaces beside the parent's.
    pub(crate) namespaces: BTreeSet<String>,
}

/// A project's set.
#[derive(Debug, Clone)]
pub(crate) struct ApplySet {
    pub(crate) id: String,
    pub(crate) namespace: String,
    project: String,
    /// As the parent says now; nothing when there is no parent.
    pub(crate) recorded: Option<Scope>,
}

/// `applyset-<base64url(sha256(name.namespace.kind.group))>-v1`.
pub(crate) fn id(namespace: &str) -> String {
    let sum = digest(&SHA256, format!("{NAME}.{namespace}.ConfigMap.").as_bytes());
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(sum.as_ref()))
}

pub(crate) fn parent_resource() -> Resource {
    Resource::core("", "v1", "ConfigMap", "configmaps")
}

impl Scope {
    /// The scope of a list of objects.
    pub(crate) fn of(objects: &[Object], home: &str) -> Self {
        let mut scope = Self::default();
        for id in objects.iter().map(Object::id) {
            scope.kinds.insert(group_kind(&id.group, &id.kind));
            if !id.namespace.is_empty() && id.namespace != home {
                scope.namespaces.insert(id.namespace);
            }
        }
        scope
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self { kinds: &self.kinds | &other.kinds, namespaces: &self.namespaces | &other.namespaces }
    }

    /// The kinds as resources; kinds that the cluster no longer knows have no objects.
    pub(crate) fn resources<'a>(&self, discovery: &'a Discovery) -> Vec<&'a Resource> {
        let split = |kind: &str| match kind.split_once('.') {
            Some((kind, group)) => (group.to_owned(), kind.to_owned()),
            None => (String::new(), kind.to_owned()),
        };
        self.kinds
            .iter()
            .filter_map(|k| {
                let (group, kind) = split(k);
                discovery.by_group_kind(&group, &kind)
            })
            .collect()
    }
}

impl ApplySet {
    /// Reads the parent.
    pub(crate) async fn read(api: &Api, project: &str, namespace: &str) -> Result<Self, Error> {
        let mut set =
            Self { id: id(namespace), namespace: namespace.to_owned(), project: project.to_owned(), recorded: None };
        let parent = match api.get(&parent_resource().path(Some(namespace), Some(NAME))).await {
            Ok(parent) => parent,
            Err(fault) if fault.is_not_found() => return Ok(set),
            Err(fault) => return Err(fault.explain("get", "ConfigMap", Some(namespace), NAME)),
        };
        let annotation = |key: &str| {
            parent.pointer("/metadata/annotations").and_then(|a| a.get(key)).and_then(Value::as_str).unwrap_or_default()
        };
        let label = parent.pointer("/metadata/labels").and_then(|l| l.get(ID)).and_then(Value::as_str);
        let tooling = annotation(TOOLING);
        if tooling.split('/').next() != Some("mainstay") || label != Some(set.id.as_str()) {
            let tooling = if tooling.is_empty() { "an unknown program" } else { tooling }.to_owned();
            return Err(Error::ForeignSet { namespace: namespace.to_owned(), tooling });
        }
        let names = |text: &str| text.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        set.recorded = Some(Scope { kinds: names(annotation(KINDS)), namespaces: names(annotation(NAMESPACES)) });
        Ok(set)
    }

    /// Writes the scope to the parent unless it says so already. Must happen before members of new kinds are applied, and
    /// after members of old kinds are gone.
    pub(crate) async fn record(&mut self, api: &Api, scope: &Scope) -> Result<(), Error> {
        if self.recorded.as_ref() == Some(scope) {
            return Ok(());
        }
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let parent = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": NAME,
                "namespace": self.namespace,
                "labels": {
                    ID: self.id,
                    keys::INSTANCE: self.project,
                    keys::PART_OF: self.project,
                    keys::MANAGED_BY: keys::MANAGER,
                },
                "annotations": {
                    TOOLING: format!("mainstay/{}", env!("CARGO_PKG_VERSION")),
                    KINDS: list(&scope.kinds),
                    NAMESPACES: list(&scope.namespaces),
                },
            },
        });
        let path = parent_resource().path(Some(&self.namespace), Some(NAME));
        let patch = Patch::Apply { manager: keys::MANAGER, force: true, dry_run: false };
        api.patch(&path, &parent, patch)
            .await
            .map_err(|fault| fault.explain("patch", "ConfigMap", Some(&self.namespace), NAME))?;
        self.recorded = Some(scope.clone());
        Ok(())
    }

    /// Removes the parent, when the set is empty.
    pub(crate) async fn remove(&self, api: &Api) -> Result<(), Error> {
        match api.delete(&parent_resource().path(Some(&self.namespace), Some(NAME)), &json!({})).await {
            Err(fault) if !fault.is_not_found() => {
                Err(fault.explain("delete", "ConfigMap", Some(&self.namespace), NAME))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_a_label_value() {
        // echo -n mainstay.shop.ConfigMap. | sha256sum, as base64url
        let id = id("shop");
        assert!(id.starts_with("applyset-") && id.ends_with("-v1") && id.len() == 55, "{id}");
        assert_ne!(id, super::id("shop2"));
    }
}
