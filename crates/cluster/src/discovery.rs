//! Which kinds the cluster knows, by the aggregated discovery documents (KEP-3352) or, without them, group by group.

use crate::Error;
use crate::api::{Api, Fault, JSON, PARALLEL, array, text};
use crate::kinds;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mainstay_manifest::Id;
use serde_json::Value;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// How a kind is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

/// All kinds of the cluster, in the server's order of preference.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    resources: Vec<Resource>,
}

impl Resource {
    /// One of the kinds that every cluster has.
    pub(crate) fn core(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        let [group, version, kind, plural] = [group, version, kind, plural].map(str::to_owned);
        Self { namespaced: kind != "Namespace", group, version, kind, plural }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `Kind.group`, as an ApplySet names it; `Kind` for the core group.
    pub(crate) fn group_kind(&self) -> String {
        group_kind(&self.group, &self.kind)
    }

    pub(crate) fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if let Some(namespace) = namespace.filter(|n| self.namespaced && !n.is_empty()) {
            path.push_str(&format!("/namespaces/{namespace}"));
        }
        path.push('/');
        path.push_str(&self.plural);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }
}

pub(crate) fn group_kind(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

impl Discovery {
    pub(crate) async fn read(api: &Api) -> Result<Self, Error> {
        let explain = |fault: Fault| fault.explain("get", "/apis (discovery)", None, "");
        let (core, groups) =
            tokio::try_join!(api.get_as("/api", AGGREGATED), api.get_as("/apis", AGGREGATED)).map_err(explain)?;
        if text(&core, "/kind") == "APIGroupDiscoveryList" && text(&groups, "/kind") == "APIGroupDiscoveryList" {
            return Ok(Self { resources: [core, groups].iter().flat_map(aggregated).collect() });
        }
        let versions = array(&core, "/versions").iter().filter_map(Value::as_str).map(|v| format!("/api/{v}"));
        let grouped = array(&groups, "/groups").iter().flat_map(|group| {
            array(group, "/versions").iter().map(|v| format!("/apis/{}", text(v, "/groupVersion"))).collect::<Vec<_>>()
        });
        let paths: Vec<String> = versions.chain(grouped).collect();
        let lists: Vec<Option<Value>> = stream::iter(paths)
            .map(|path| async move {
                match api.get_as(&path, JSON).await {
                    Ok(list) => Ok(Some(list)),
                    // an extension API server that is down must not stop everything else
                    Err(fault) if fault.code() >= 500 || fault.is_not_found() => Ok(None),
                    Err(fault) => Err(explain(fault)),
                }
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        Ok(Self { resources: lists.iter().flatten().flat_map(listed).collect() })
    }

    /// How to reach exactly this kind and version.
    pub(crate) fn of(&self, id: &Id) -> Result<&Resource, Error> {
        self.resources.iter().find(|r| r.group == id.group && r.version == id.version && r.kind == id.kind).ok_or_else(
            || Error::UnknownKind {
                kind: id.kind.clone(),
                api_version: id.api_version(),
                hint: match self.by_group_kind(&id.group, &id.kind) {
                    Some(other) => format!("It serves {} of it.", other.api_version()),
                    None => kinds::install_hint(&id.group, &id.kind).to_owned(),
                },
            },
        )
    }

    /// The preferred version of a kind.
    pub(crate) fn by_group_kind(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.resources.iter().find(|r| r.group == group && r.kind == kind)
    }

    /// Whether any kind of the group is served.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.resources.iter().any(|r| r.group == group)
    }
}

fn aggregated(list: &Value) -> Vec<Resource> {
    let mut found = Vec::new();
    for group in array(list, "/items") {
        let name = text(group, "/metadata/name");
        for version in array(group, "/versions") {
            for resource in array(version, "/resources") {
                let kind = text(resource, "/responseKind/kind");
                // the group and version of responseKind may be empty and then are those of the list
                found.push(Resource {
                    group: name.to_owned(),
                    version: text(version, "/version").to_owned(),
                    kind: kind.to_owned(),
                    plural: text(resource, "/resource").to_owned(),
                    namespaced: text(resource, "/scope") == "Namespaced",
                });
            }
        }
    }
    found
}

fn listed(list: &Value) -> Vec<Resource> {
    let (group, version) = match text(list, "/groupVersion").split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", text(list, "/groupVersion")),
    };
    array(list, "/resources")
        .iter()
        .filter(|r| !text(r, "/name").contains('/'))
        .map(|r| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(r, "/kind").to_owned(),
            plural: text(r, "/name").to_owned(),
            namespaced: r.get("namespaced").and_then(Value::as_bool).unwrap_or(false),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_of_discovery_give_the_same_resource() {
        let new = aggregated(
            &json!({"items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
            {"resource": "deployments", "responseKind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "scope": "Namespaced",
             "subresources": [{"subresource": "scale"}]}]}]}]}),
        );
        let old = listed(&json!({"groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": true}]}));
        assert_eq!(new, old);
        assert_eq!(new[0].path(Some("shop"), Some("web")), "/apis/apps/v1/namespaces/shop/deployments/web");
        assert_eq!(new[0].group_kind(), "Deployment.apps");
    }

    #[test]
    fn an_unknown_kind_names_what_to_install() {
        let id = Id::of(&json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {}}));
        let error = Discovery::default().of(&id).unwrap_err().to_string();
        assert!(error.contains("Prometheus operator"), "{error}");
    }
}
