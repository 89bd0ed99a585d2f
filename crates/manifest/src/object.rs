//! One object and what is known about it beside its content.

use crate::Phase;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Which object: group, version, kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// API group; empty for the core group.
    pub group: String,
    /// API version (`v1`).
    pub version: String,
    /// Kind (`Deployment`).
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A desired object.
#[derive(Debug, Clone)]
pub struct Object {
    /// When it is applied.
    pub phase: Phase,
    /// Where it is written in a rendered tree, relative to the tree's root: `gateway/deployment.yaml`.
    pub path: String,
    /// Why it is there and what to know about it: the comment at the top of its file. Lines are separated by `\n`.
    pub why: String,
    /// Comments inside: (JSON pointer, sentence); written on the line before the value.
    pub notes: Vec<(String, String)>,
    /// The object itself.
    pub value: Value,
}

impl Object {
    /// An object of a typed value.
    ///
    /// # Panics
    /// Never for k8s-openapi types: they serialise to JSON objects.
    #[must_use]
    pub fn new(phase: Phase, path: impl Into<String>, why: impl Into<String>, typed: &impl Serialize) -> Self {
        let mut value = serde_json::to_value(typed).unwrap_or(Value::Null);
        drop_nulls(&mut value);
        Self { phase, path: path.into(), why: why.into(), notes: Vec::new(), value }
    }

    /// Adds a comment before the value at a JSON pointer.
    #[must_use]
    pub fn note(mut self, pointer: &str, sentence: &str) -> Self {
        self.notes.push((pointer.to_owned(), sentence.to_owned()));
        self
    }

    /// Which object it is.
    #[must_use]
    pub fn id(&self) -> Id {
        Id::of(&self.value)
    }

    /// The kind, for matching.
    #[must_use]
    pub fn kind(&self) -> &str {
        text(&self.value, "/kind")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.value, "/metadata/name")
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }
}

impl Id {
    /// The identity that a JSON object declares.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let api_version = text(value, "/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(value, "/kind").to_owned(),
            namespace: text(value, "/metadata/namespace").to_owned(),
            name: text(value, "/metadata/name").to_owned(),
        }
    }

    /// `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for Id {
    /// `Deployment gateway`: how people are told about an object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Kubernetes types write absent fields as absent; hand-made JSON may hold nulls, which server-side apply would own.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
