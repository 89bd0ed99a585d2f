//! Names of the database's objects.

use std::fmt;

use serde::Deserialize;

/// A name with its schema. Equality is exact: PostgreSQL's names are case-sensitive once quoted, and we always quote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub(crate) struct QualifiedName {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl QualifiedName {
    pub(crate) fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// For messages only; SQL quotes (see `sql::Sql`).
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A type's name as PostgreSQL itself prints it (`format_type`), and therefore printable into SQL as it is.
/// Only the catalog makes these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct TypeName(String);

impl TypeName {
    pub(crate) fn as_sql(&self) -> &str {
        &self.0
    }

    /// `json` and `jsonb` need no conversion before an arrow.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.0.as_str(), "json" | "jsonb")
    }

    pub(crate) fn is_tsvector(&self) -> bool {
        self.0 == "tsvector"
    }
}

/// An expression as PostgreSQL itself prints it (a column's default). Only the catalog makes these.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Expression(String);

impl Expression {
    pub(crate) fn as_sql(&self) -> &str {
        &self.0
    }
}
