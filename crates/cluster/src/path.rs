//! Field paths as structured-merge-diff writes them: `.spec.template.spec.containers[name="web"].image`, and the
//! `fieldsV1` form of ownership (`f:spec`, `k:{"name":"web"}`).

use serde_json::Value;

/// The value at a path, when the path leads anywhere. Names of labels and annotations hold dots, so the longest name that
/// the object has is taken at each step.
pub(crate) fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (inside, rest) = split_bracket(rest)?;
        let items = value.as_array()?;
        let item = if let Some(literal) = inside.strip_prefix('=') {
            let wanted: Value = serde_json::from_str(literal).ok()?;
            items.iter().find(|item| **item == wanted)?
        } else if let Ok(index) = inside.parse::<usize>() {
            items.get(index)?
        } else {
            let keys = keys_of(inside)?;
            items.iter().find(|item| keys.iter().all(|(k, v)| item.get(k) == Some(v)))?
        };
        return lookup(item, rest);
    }
    let rest = path.strip_prefix('.').unwrap_or(path);
    let map = value.as_object()?;
    let mut names: Vec<&String> = map.keys().filter(|name| follows(rest, name)).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.into_iter().find_map(|name| lookup(&map[name], &rest[name.len()..]))
}

fn follows(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The text inside a bracket and what follows it; brackets inside strings do not count.
fn split_bracket(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// `name="web",port=80` as pairs.
fn keys_of(text: &str) -> Option<Vec<(String, Value)>> {
    let mut keys = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let mut stream = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        let value = stream.next()?.ok()?;
        rest = after[stream.byte_offset()..].trim_start_matches(',');
        keys.push((name.to_owned(), value));
    }
    Some(keys)
}

/// The managedFields entry of an applier, for the object itself and not for a subresource.
pub(crate) fn entry_of<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    object.pointer("/metadata/managedFields")?.as_array()?.iter().find(|entry| {
        entry.get("manager").and_then(Value::as_str) == Some(manager)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
            && entry.get("subresource").and_then(Value::as_str).is_none_or(str::is_empty)
    })
}

/// Whether an applier owns a field, given as steps of names.
pub(crate) fn owns(object: &Value, manager: &str, steps: &[&str]) -> bool {
    let Some(mut fields) = entry_of(object, manager).and_then(|e| e.get("fieldsV1")) else { return false };
    for step in steps {
        match fields.get(format!("f:{step}")) {
            Some(next) => fields = next,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_through_names_with_dots_keys_and_values() {
        let object = json!({
            "metadata": {"annotations": {"example.com/a.b": "x"}, "finalizers": ["keep.me/it"]},
            "spec": {"containers": [{"name": "a", "image": "one"}, {"name": "we]b", "image": "two"}],
                     "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}
        });
        let at = |path: &str| lookup(&object, path).cloned();
        assert_eq!(at(".metadata.annotations.example.com/a.b"), Some(json!("x")));
        assert_eq!(at(".spec.containers[name=\"we]b\"].image"), Some(json!("two")));
        assert_eq!(at(".spec.ports[port=80,protocol=\"TCP\"].nodePort"), Some(json!(30080)));
        assert_eq!(at(".metadata.finalizers[=\"keep.me/it\"]"), Some(json!("keep.me/it")));
        for wrong in [
            ".spec.nothing",
            ".spec.containers[name=\"z\"].image",
            ".spec.containers[",
            ".metadata.annotations.example",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ownership_is_read_from_the_appliers_own_entry() {
        let entry = |manager: &str, operation: &str, sub: &str| json!({"manager": manager, "operation": operation, "subresource": sub, "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        let with = |entry| json!({"metadata": {"managedFields": [entry]}});
        assert!(owns(&with(entry("mainstay", "Apply", "")), "mainstay", &["spec", "replicas"]));
        assert!(!owns(&with(entry("mainstay", "Update", "")), "mainstay", &["spec", "replicas"]));
        assert!(!owns(&with(entry("mainstay", "Apply", "scale")), "mainstay", &["spec", "replicas"]));
        assert!(!owns(&with(entry("other", "Apply", "")), "mainstay", &["spec", "replicas"]));
    }
}
