//! Sets of fields (`fieldsV1`) and merging by them: what structured-merge-diff does, for the lists that matter here.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A path of `f:name`, `k:{…}` and `v:…` elements.
pub(crate) type Path = Vec<String>;
pub(crate) type Set = BTreeSet<Path>;

/// How a list is merged.
enum Kind {
    Atomic,
    Keys(&'static [&'static str]),
    Values,
}

fn kind(path: &[String], items: &[Value]) -> Kind {
    let parent = path.last().map_or("", |e| e.trim_start_matches("f:"));
    match parent {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" | "secrets" => Kind::Keys(&["name"]),
        "volumeMounts" => Kind::Keys(&["mountPath"]),
        "conditions" => Kind::Keys(&["type"]),
        "ports" if items.iter().any(|i| i.get("containerPort").is_some()) => Kind::Keys(&["containerPort", "protocol"]),
        "ports" if items.iter().any(|i| i.get("port").is_some()) && path.len() == 2 => {
            Kind::Keys(&["port", "protocol"])
        }
        "finalizers" => Kind::Values,
        _ => Kind::Atomic,
    }
}

fn is_atomic_map(path: &[String]) -> bool {
    matches!(path.last().map(String::as_str), Some("f:selector" | "f:nodeSelector" | "f:scaleTargetRef"))
}

fn key(keys: &[&str], item: &Value) -> String {
    let mut map = Map::new();
    for k in keys {
        // protocol has a default, which is part of the key when it is left out
        let value = item.get(*k).cloned().unwrap_or_else(|| if *k == "protocol" { json!("TCP") } else { Value::Null });
        map.insert((*k).to_owned(), value);
    }
    format!("k:{}", Value::Object(map))
}

/// The fields of an object, without its identity.
pub(crate) fn set_of(object: &Value) -> Set {
    let mut object = object.clone();
    let map = object.as_object_mut().unwrap();
    for own in ["apiVersion", "kind"] {
        map.remove(own);
    }
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        for own in ["name", "namespace", "managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"] {
            metadata.remove(own);
        }
        if metadata.is_empty() {
            map.remove("metadata");
        }
    }
    let mut set = Set::new();
    collect(&object, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, path: &mut Path, set: &mut Set) {
    match value {
        Value::Object(map) if !map.is_empty() && !is_atomic_map(path) => {
            for (name, value) in map {
                path.push(format!("f:{name}"));
                collect(value, path, set);
                path.pop();
            }
        }
        Value::Array(items) => match kind(path, items) {
            Kind::Atomic => {
                set.insert(path.clone());
            }
            Kind::Keys(keys) => {
                for item in items {
                    path.push(key(keys, item));
                    set.insert(path.clone());
                    collect(item, path, set);
                    path.pop();
                }
            }
            Kind::Values => {
                for item in items {
                    path.push(format!("v:{item}"));
                    set.insert(path.clone());
                    path.pop();
                }
            }
        },
        _ if path.is_empty() => {}
        _ => {
            set.insert(path.clone());
        }
    }
}

/// The value at a path.
pub(crate) fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value) };
    let next = match first.split_once(':')? {
        ("f", name) => value.get(name)?,
        ("k", keys) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
            value.as_array()?.iter().find(|item| matches(item, &keys))?
        }
        (_, literal) => {
            let literal: Value = serde_json::from_str(literal).ok()?;
            value.as_array()?.iter().find(|item| **item == literal)?
        }
    };
    at(next, rest)
}

fn matches(item: &Value, keys: &Map<String, Value>) -> bool {
    keys.iter().all(|(k, v)| item.get(k).unwrap_or(&if k == "protocol" { json!("TCP") } else { Value::Null }) == v)
}

/// Removes the value at a path.
pub(crate) fn remove(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match first.split_once(':') {
        Some(("f", name)) => {
            if rest.is_empty() {
                if let Some(map) = value.as_object_mut() {
                    map.remove(name);
                }
            } else if let Some(next) = value.get_mut(name) {
                remove(next, rest);
            }
        }
        Some(("k", keys)) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap();
            let Some(items) = value.as_array_mut() else { return };
            if rest.is_empty() {
                items.retain(|item| !matches(item, &keys));
            } else if let Some(item) = items.iter_mut().find(|item| matches(item, &keys)) {
                remove(item, rest);
            }
        }
        Some((_, literal)) => {
            let literal: Value = serde_json::from_str(literal).unwrap();
            if let Some(items) = value.as_array_mut() {
                items.retain(|item| *item != literal);
            }
        }
        None => {}
    }
}

/// Lays an applied configuration over an object.
pub(crate) fn merge(live: &mut Value, applied: &Value, path: &mut Path) {
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) if !is_atomic_map(path) => {
            for (name, value) in applied {
                path.push(format!("f:{name}"));
                match live.get_mut(name) {
                    Some(old) => merge(old, value, path),
                    None => {
                        live.insert(name.clone(), value.clone());
                    }
                }
                path.pop();
            }
        }
        (Value::Array(live), Value::Array(applied)) => match kind(path, applied) {
            Kind::Keys(keys) => {
                for item in applied {
                    let name = key(keys, item);
                    match live.iter_mut().find(|old| key(keys, old) == name) {
                        Some(old) => {
                            path.push(name);
                            merge(old, item, path);
                            path.pop();
                        }
                        None => live.push(item.clone()),
                    }
                }
            }
            Kind::Values => {
                for item in applied {
                    if !live.contains(item) {
                        live.push(item.clone());
                    }
                }
            }
            Kind::Atomic => *live = applied.clone(),
        },
        (live, applied) => *live = applied.clone(),
    }
}

/// `.spec.containers[name="web"].image`.
pub(crate) fn display(path: &[String]) -> String {
    path.iter()
        .map(|element| match element.split_once(':').unwrap() {
            ("f", name) => format!(".{name}"),
            ("k", keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap();
                let pairs: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
                format!("[{}]", pairs.join(","))
            }
            (_, literal) => format!("[={literal}]"),
        })
        .collect()
}

/// The nested form of `fieldsV1`.
pub(crate) fn to_json(set: &Set) -> Value {
    let mut root = json!({});
    for path in set {
        let mut place = &mut root;
        for element in path {
            place = place.as_object_mut().unwrap().entry(element.clone()).or_insert_with(|| json!({}));
        }
        if path.last().is_some_and(|e| !e.starts_with("f:")) {
            place["."] = json!({});
        }
    }
    root
}

/// Back from the nested form.
pub(crate) fn from_json(value: &Value) -> Set {
    fn walk(value: &Value, path: &mut Path, set: &mut Set) {
        let map = value.as_object().unwrap();
        if !path.is_empty() && (map.contains_key(".") || map.is_empty()) {
            set.insert(path.clone());
        }
        for (name, inner) in map.iter().filter(|(name, _)| *name != ".") {
            path.push(name.clone());
            walk(inner, path, set);
            path.pop();
        }
    }
    let mut set = Set::new();
    walk(value, &mut Vec::new(), &mut set);
    set
}
