//! Reading fields of any JSON: what has another shape than expected counts as absent.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The value at a dotted path; `null` counts as absent.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(value, |value, key| value.get(key))?;
    (!found.is_null()).then_some(found)
}

/// The text at a path.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    at(value, path)?.as_str()
}

/// The text at a path, or an empty one.
pub(crate) fn word<'a>(value: &'a Value, path: &str) -> &'a str {
    text(value, path).unwrap_or_default()
}

/// The list at a path, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The map at a path.
pub(crate) fn map<'a>(value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
    at(value, path)?.as_object()
}

/// The keys and values of the map at a path.
pub(crate) fn entries<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    map(value, path).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The whole number at a path.
pub(crate) fn number(value: &Value, path: &str) -> Option<i64> {
    at(value, path)?.as_i64()
}

/// The truth value at a path.
pub(crate) fn truth(value: &Value, path: &str) -> Option<bool> {
    at(value, path)?.as_bool()
}

/// Whether the truth value at a path is `true`.
pub(crate) fn is_true(value: &Value, path: &str) -> bool {
    truth(value, path) == Some(true)
}

/// The texts of a list.
pub(crate) fn words<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    list(value, path).iter().filter_map(Value::as_str).collect()
}

/// The texts of a map of texts: labels, match labels, annotations.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> BTreeMap<&'a str, &'a str> {
    entries(value, path).filter_map(|(key, value)| Some((key, value.as_str()?))).collect()
}

/// A value in a sentence: what is long or deep is only named.
pub(crate) fn brief(value: &Value) -> String {
    match value {
        Value::Object(_) => "a map".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        other => other.to_string(),
    }
}

/// A text or number as people write ports, quantities and percentages.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
