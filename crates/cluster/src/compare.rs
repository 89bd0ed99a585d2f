//! What differs between two states of an object, as paths with the old and the new value.

use crate::conflict::short;
use serde::Serialize;
use serde_json::{Map, Value};

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Path of the field.
    pub field: String,
    /// What it is; absent when the field appears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it will be; absent when the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// The changes from `live` to `next`, without what the server keeps for itself.
pub(crate) fn changes(live: &Value, next: &Value) -> Vec<FieldChange> {
    let (mut live, mut next) = (live.clone(), next.clone());
    let secret = crate::api::text(&next, "/kind") == "Secret";
    if secret {
        for value in [&mut live, &mut next] {
            hide(value);
        }
    }
    let mut found = Vec::new();
    walk(&quiet(live), &quiet(next), String::new(), &mut found);
    found
}

/// Values of a Secret never leave it, not even into a comparison.
pub(crate) fn hide(secret: &mut Value) {
    if let Value::Object(map) = secret {
        for field in ["data", "stringData"] {
            map.remove(field);
        }
        // kubectl apply keeps the whole object, values included, in this annotation
        if let Some(Value::Object(annotations)) = map.get_mut("metadata").and_then(|m| m.get_mut("annotations")) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
}

fn quiet(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.remove("status");
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            for noise in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
                metadata.remove(noise);
            }
        }
    }
    value
}

fn walk(old: &Value, new: &Value, path: String, found: &mut Vec<FieldChange>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(a), Value::Object(b)) => walk_maps(a, b, &path, found),
        (Value::Array(a), Value::Array(b)) => match (keyed(a), keyed(b)) {
            (Some(a), Some(b)) => walk_maps(&a, &b, &path, found),
            _ => found.push(change(path, Some(old), Some(new))),
        },
        _ => found.push(change(path, Some(old), Some(new))),
    }
}

fn walk_maps(a: &Map<String, Value>, b: &Map<String, Value>, path: &str, found: &mut Vec<FieldChange>) {
    let below = |key: &str| if key.starts_with('[') { format!("{path}{key}") } else { format!("{path}.{key}") };
    for (key, old) in a {
        match b.get(key) {
            Some(new) => walk(old, new, below(key), found),
            None => found.push(change(below(key), Some(old), None)),
        }
    }
    for (key, new) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
        found.push(change(below(key), None, Some(new)));
    }
}

/// A list of named things as a map, so that one that moves or comes between does not count as a change of all.
fn keyed(items: &[Value]) -> Option<Map<String, Value>> {
    let key = ["name", "mountPath", "containerPort", "port"]
        .into_iter()
        .find(|key| items.iter().all(|item| item.get(key).is_some_and(|v| v.is_string() || v.is_number())))?;
    let map: Map<String, Value> = items.iter().map(|item| (format!("[{key}={}]", item[key]), item.clone())).collect();
    (map.len() == items.len()).then_some(map)
}

fn change(field: String, old: Option<&Value>, new: Option<&Value>) -> FieldChange {
    FieldChange { field, old: old.map(short), new: new.map(short) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_paths_and_noise_is_left_out() {
        let live = json!({"metadata": {"resourceVersion": "1", "generation": 1, "managedFields": [1]}, "status": {"a": 1},
            "spec": {"replicas": 1, "containers": [{"name": "a", "image": "x"}, {"name": "b"}]}});
        let next = json!({"metadata": {"resourceVersion": "2", "generation": 2},
            "spec": {"containers": [{"name": "z"}, {"name": "a", "image": "y"}, {"name": "b"}]}});
        let found = changes(&live, &next);
        let fields: Vec<_> = found.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(fields, [".spec.containers[name=\"a\"].image", ".spec.containers[name=\"z\"]", ".spec.replicas"]);
        assert_eq!((found[0].old.as_deref(), found[0].new.as_deref()), (Some("\"x\""), Some("\"y\"")));
        assert_eq!(found[2].new, None);
    }

    #[test]
    fn values_of_secrets_are_never_compared_in_the_open() {
        let secret = |v: &str| {
            json!({"kind": "Secret", "data": {"a": v}, "metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": v}}})
        };
        assert_eq!(changes(&secret("b2xk"), &secret("bmV3")), []);
    }
}
