//! Label selectors, as the API machinery evaluates them.

use crate::lookup;
use serde_json::Value;
use std::collections::BTreeMap;

/// Labels of a pod or a namespace.
pub(crate) type Labels<'a> = BTreeMap<&'a str, &'a str>;

#[derive(Debug, Clone)]
enum Requirement<'a> {
    In(&'a str, Vec<&'a str>),
    NotIn(&'a str, Vec<&'a str>),
    Exists(&'a str),
    DoesNotExist(&'a str),
}

/// A parsed selector. Without requirements it matches everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector<'a> {
    /// The plain equalities.
    pub(crate) labels: Labels<'a>,
    expressions: Vec<Requirement<'a>>,
    /// An operator that does not exist: matches nothing, as the API would refuse it.
    broken: bool,
}

impl<'a> Selector<'a> {
    /// Of a `LabelSelector`: `matchLabels` and `matchExpressions`.
    pub(crate) fn of(value: &'a Value) -> Self {
        let mut selector = Self { labels: lookup::texts(value, "matchLabels"), ..Self::default() };
        for expression in lookup::list(value, "matchExpressions") {
            let key = lookup::word(expression, "key");
            let values = lookup::words(expression, "values");
            match lookup::word(expression, "operator") {
                "In" => selector.expressions.push(Requirement::In(key, values)),
                "NotIn" => selector.expressions.push(Requirement::NotIn(key, values)),
                "Exists" => selector.expressions.push(Requirement::Exists(key)),
                "DoesNotExist" => selector.expressions.push(Requirement::DoesNotExist(key)),
                _ => selector.broken = true,
            }
        }
        selector
    }

    /// Of a plain map, as Services have.
    pub(crate) fn of_labels(labels: Labels<'a>) -> Self {
        Self { labels, ..Self::default() }
    }

    /// Whether it has no requirement at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty() && !self.broken
    }

    pub(crate) fn matches(&self, labels: &Labels<'_>) -> bool {
        !self.broken
            && self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|requirement| match requirement {
                Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
                Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
                Requirement::Exists(key) => labels.contains_key(key),
                Requirement::DoesNotExist(key) => !labels.contains_key(key),
            })
    }

    /// Labels of which a match has at least one; `None` when nothing but a look at every pod tells.
    pub(crate) fn one_of(&self) -> Option<Vec<(&'a str, &'a str)>> {
        self.expressions.iter().find_map(|requirement| match requirement {
            Requirement::In(key, values) => Some(values.iter().map(|value| (*key, *value)).collect()),
            _ => None,
        })
    }

    /// The label keys it asks about.
    pub(crate) fn keys(&self) -> Vec<&'a str> {
        let of_expressions = self.expressions.iter().map(|requirement| match requirement {
            Requirement::In(key, _)
            | Requirement::NotIn(key, _)
            | Requirement::Exists(key)
            | Requirement::DoesNotExist(key) => *key,
        });
        self.labels.keys().copied().chain(of_expressions).collect()
    }
}

impl std::fmt::Display for Selector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        parts.extend(self.expressions.iter().map(|requirement| match requirement {
            Requirement::In(key, values) => format!("{key} in ({})", values.join(",")),
            Requirement::NotIn(key, values) => format!("{key} not in ({})", values.join(",")),
            Requirement::Exists(key) => (*key).to_owned(),
            Requirement::DoesNotExist(key) => format!("!{key}"),
        }));
        f.write_str(&if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_as_the_api_machinery_says() {
        let labels = Labels::from([("app", "a"), ("tier", "web")]);
        let matches = |value: Value| Selector::of(&value).matches(&labels);
        let expression = |key: &str, operator: &str, values: Value| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        assert!(matches(json!({})));
        assert!(matches(json!({"matchLabels": {"app": "a"}})));
        assert!(!matches(json!({"matchLabels": {"app": "b"}})));
        assert!(matches(expression("app", "In", json!(["a", "b"]))));
        assert!(!matches(expression("none", "In", json!(["a"]))));
        assert!(matches(expression("none", "NotIn", json!(["a"]))));
        assert!(!matches(expression("app", "NotIn", json!(["a"]))));
        assert!(matches(expression("app", "Exists", json!(null))));
        assert!(matches(expression("none", "DoesNotExist", json!([]))));
        assert!(!matches(expression("app", "DoesNotExist", json!([]))));
        assert!(!matches(expression("app", "Equals", json!(["a"]))));
        assert!(!matches(
            json!({"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": []}]})
        ));
    }
}
