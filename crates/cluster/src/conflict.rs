//! Conflicts of field managers (server-side apply answers 409): who owns what, what they want, what we want.

use crate::api::Status;
use crate::path;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// The conflicts of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictReport {
    /// The object as `Kind/name`, the form that `--take-ownership` takes.
    pub object: String,
    /// The fields.
    pub fields: Vec<Conflict>,
}

/// One field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Path of the field.
    pub field: String,
    /// The other manager, as the server names it.
    pub owner: String,
    /// Its value; hidden for Secrets.
    pub theirs: String,
    /// Ours; hidden for Secrets.
    pub ours: String,
}

impl ConflictReport {
    /// The report of a 409 answer, or nothing when it is no conflict of field managers. `live` may be absent.
    pub(crate) fn of(status: &Status, ours: &Value, live: Option<&Value>) -> Option<Self> {
        if status.code != 409 {
            return None;
        }
        let kind = crate::api::text(ours, "/kind");
        let show = |object: Option<&Value>, field: &str| match object.and_then(|o| path::lookup(o, field)) {
            _ if kind == "Secret" => "(hidden)".to_owned(),
            Some(value) => short(value),
            None => "(absent)".to_owned(),
        };
        let fields: Vec<Conflict> = status
            .causes
            .iter()
            .filter(|(reason, ..)| reason == "FieldManagerConflict")
            .map(|(_, field, message)| Conflict {
                owner: owner(message),
                theirs: show(live, field),
                ours: show(Some(ours), field),
                field: field.clone(),
            })
            .collect();
        let object = format!("{kind}/{}", crate::api::text(ours, "/metadata/name"));
        (!fields.is_empty()).then_some(Self { object, fields })
    }

    /// Whether the person asked to take all of these.
    pub(crate) fn taken_by(&self, wishes: &[String]) -> bool {
        wishes.iter().any(|wish| wish.eq_ignore_ascii_case(&self.object))
            || self.fields.iter().all(|conflict| wishes.contains(&conflict.field))
    }
}

/// `conflict with "kubectl" with subresource "scale" using apps/v1 at …` without its first words.
fn owner(message: &str) -> String {
    message.strip_prefix("conflict with ").unwrap_or(message).replace('"', "")
}

/// A value on one short line.
pub(crate) fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    if text.chars().count() > 120 { format!("{}…", text.chars().take(117).collect::<String>()) } else { text }
}

impl fmt::Display for ConflictReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} has fields that others own:", self.object)?;
        for c in &self.fields {
            writeln!(f, "  {} → {}: theirs {}, ours {}", c.field, c.owner, c.theirs, c.ours)?;
        }
        write!(f, "Take them with --take-ownership={}", self.object)?;
        if let [only] = self.fields.as_slice() {
            write!(f, " or --take-ownership={}", only.field)?;
        }
        write!(f, ", or leave these fields out of the project's settings.")
    }
}
