//! The read plan: a tree with one node per resource.

use crate::catalog::{QualifiedName, Relationship};
use crate::request::query::field::{Field, Step};
use crate::request::query::filter::{Operation, Sense};
use crate::request::query::logic::Connective;
use crate::request::query::order::{Direction, Nulls};
use crate::request::query::range::Range;
use crate::request::query::select::{Aggregate, Cast, Join, Placement};

/// One `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadNode {
    /// The relation the columns belong to.
    pub(crate) table: QualifiedName,
    pub(crate) origin: Origin,
    /// What columns are qualified with, when not with the table's own name.
    pub(crate) alias: Option<String>,
    pub(crate) select: Vec<Output>,
    pub(crate) embeds: Vec<Embed>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) range: Range,
}

/// What `FROM` reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Table,
    /// The rows a mutation or function returned.
    Source,
}

/// A column of the output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) value: Value,
    pub(crate) cast: Option<Cast>,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) alias: Option<String>,
}

/// A column or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) column: String,
    pub(crate) path: Vec<Step>,
    pub(crate) conversion: Conversion,
}

/// What must happen to a column before its JSON path or search applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// The type takes it as it is. Converting would keep indexes from being used.
    None,
    /// `to_jsonb(column)`, for arrows on arrays and composites.
    ToJson,
}

/// A resource inside another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Embed {
    /// The name asked for; filters may use it.
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) join: Join,
    pub(crate) placement: Placement,
    pub(crate) shape: Shape,
    /// Whether it shows in the output; `rel()` only filters.
    pub(crate) extent: Extent,
    /// Names the joined subquery.
    pub(crate) lateral: String,
    /// Names the junction table, where there is one.
    pub(crate) junction: String,
    pub(crate) relationship: Relationship,
    pub(crate) node: ReadNode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Shown,
    Hidden,
}

impl Embed {
    /// The key in the output.
    pub(crate) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias.as_deref() == Some(name)
    }
}

/// A `WHERE` condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Group {
        sense: Sense,
        operator: Connective,
        members: Vec<Condition>,
    },
    Test {
        value: Value,
        search: SearchValue,
        sense: Sense,
        operation: Operation,
    },
    /// Whether an embedded resource has rows.
    Embedded {
        lateral: String,
        presence: Presence,
    },
}

/// Whether the column is text that a search must first turn into a `tsvector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchValue {
    Plain,
    ToTsVector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    Present,
}

/// An `ORDER BY` term.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    /// The embed whose column it is.
    pub(crate) lateral: Option<String>,
    pub(crate) value: Value,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

impl Value {
    pub(crate) fn unresolved(field: &Field) -> Self {
        let conversion = if field.path.is_empty() { Conversion::None } else { Conversion::ToJson };
        Self { column: field.name.clone(), path: field.path.clone(), conversion }
    }
}
