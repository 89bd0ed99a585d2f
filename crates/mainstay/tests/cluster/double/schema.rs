//! The kinds of the cluster room's double, and four more that only a whole project has.

#[path = "../../../../cluster/tests/double/schema.rs"]
mod base;

pub(crate) use base::*;

use serde_json::Value;
use std::sync::LazyLock;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let copy = |r: &Resource| Resource { ..*r };
    let more = [
        Resource { group: "", version: "v1", kind: "LimitRange", plural: "limitranges", namespaced: true },
        Resource { group: RBAC, version: "v1", kind: "Role", plural: "roles", namespaced: true },
        Resource { group: RBAC, version: "v1", kind: "ClusterRole", plural: "clusterroles", namespaced: false },
        Resource {
            group: RBAC,
            version: "v1",
            kind: "ClusterRoleBinding",
            plural: "clusterrolebindings",
            namespaced: false,
        },
    ];
    base::RESOURCES.iter().map(copy).chain(more).collect()
});

pub(crate) fn by_plural(plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.plural == plural)
}

/// The first field that the kind does not have.
pub(crate) fn unknown_field(object: &Value) -> Option<String> {
    let top: &[&str] = match object["kind"].as_str() {
        Some("Role" | "ClusterRole") => &["rules"],
        Some("ClusterRoleBinding") => &["roleRef", "subjects"],
        _ => return base::unknown_field(object),
    };
    let names = object.as_object()?.keys();
    let own = |name: &&String| ["apiVersion", "kind", "metadata"].contains(&name.as_str());
    names.filter(|name| !own(name)).find(|name| !top.contains(&name.as_str())).map(|name| format!(".{name}"))
}
