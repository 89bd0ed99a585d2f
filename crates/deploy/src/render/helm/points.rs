//! Where in an object the things lie that people change.

use mainstay_manifest::Object;
use serde_json::Value;

/// JSON pointer of the pod specification of an object that makes pods.
pub(in crate::render) fn pod_of(object: &Object) -> Option<&'static str> {
    match object.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => Some("/spec/template/spec"),
        "CronJob" => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// The containers of a pod with their pointers, the init containers last.
pub(in crate::render) fn containers<'a>(object: &'a Object, pod: &str) -> Vec<(String, &'a Value)> {
    ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| {
            let at = format!("{pod}/{list}");
            let items = object.value.pointer(&at).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            items.iter().enumerate().map(move |(index, item)| (format!("{at}/{index}"), item))
        })
        .collect()
}

/// Every text of a value with its pointer.
pub(super) fn texts(value: &Value) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    collect(value, &mut String::new(), &mut all);
    all
}

fn collect<'a>(value: &'a Value, at: &mut String, all: &mut Vec<(String, &'a str)>) {
    let length = at.len();
    match value {
        Value::String(text) => all.push((at.clone(), text)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                collect(item, at, all);
                at.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                at.push('/');
                at.push_str(&escape(key));
                collect(item, at, all);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// A key as part of a JSON pointer (RFC 6901).
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether the text at a pointer is a reference to a Secret by name.
pub(super) fn is_secret_reference(pointer: &str) -> bool {
    let mut parts = pointer.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some("secretName"), _) => true,
        (Some("name"), Some(parent)) => ["secretKeyRef", "secretRef", "superuserSecret"].contains(&parent),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_found_with_their_pointers() {
        let value = json!({"a": ["x", {"b/c": "y"}], "n": 1});
        assert_eq!(texts(&value), [("/a/0".to_owned(), "x"), ("/a/1/b~1c".to_owned(), "y")]);
        assert_eq!(value.pointer("/a/1/b~1c"), Some(&json!("y")));
    }

    #[test]
    fn only_names_of_secrets_are_references() {
        assert!(is_secret_reference("/spec/volumes/0/secret/secretName"));
        assert!(is_secret_reference("/spec/containers/0/env/1/valueFrom/secretKeyRef/name"));
        assert!(!is_secret_reference("/spec/containers/0/env/1/valueFrom/configMapKeyRef/name"));
        assert!(!is_secret_reference("/metadata/name"));
    }
}
