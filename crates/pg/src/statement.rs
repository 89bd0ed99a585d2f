//! Statements and their results. Parameters and results travel in PostgreSQL's text format.

use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// One statement with its parameters.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// SQL text with `$1 …`. Types are inferred by the server, so write casts where they matter.
    pub sql: Cow<'a, str>,
    /// Values in text format; `None` is NULL.
    pub params: Vec<Option<Bytes>>,
    /// Whether to keep the plan.
    pub reuse: Reuse,
}

/// Whether PostgreSQL should keep a statement's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Prepared under a name and kept per connection, least recently used dropped first. For text that comes again.
    Prepared,
    /// Parsed for this time only.
    Once,
}

/// A value that can be bound to a parameter.
pub trait IntoParam {
    /// The value in text format; `None` is NULL.
    fn into_param(self) -> Option<Bytes>;
}

/// What one statement returned.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Names and types of the columns.
    pub columns: Arc<[Column]>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Command tag, for example `INSERT 0 1`.
    pub tag: String,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// OID of its type.
    pub type_oid: u32,
}

/// A row; values are slices of the read buffer.
#[derive(Debug, Clone)]
pub struct Row(pub(crate) Vec<Option<Bytes>>);

// === impl Statement ===

impl<'a> Statement<'a> {
    /// A statement whose plan is kept.
    #[must_use]
    pub fn prepared(sql: impl Into<Cow<'a, str>>) -> Self {
        Self { sql: sql.into(), params: Vec::new(), reuse: Reuse::Prepared }
    }

    /// A statement that is parsed for this time only.
    #[must_use]
    pub fn once(sql: impl Into<Cow<'a, str>>) -> Self {
        Self { sql: sql.into(), params: Vec::new(), reuse: Reuse::Once }
    }

    /// Adds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl IntoParam) -> Self {
        self.params.push(value.into_param());
        self
    }
}

// === impl IntoParam ===

impl IntoParam for &str {
    fn into_param(self) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(self.as_bytes()))
    }
}

impl IntoParam for &String {
    fn into_param(self) -> Option<Bytes> {
        self.as_str().into_param()
    }
}

impl IntoParam for String {
    fn into_param(self) -> Option<Bytes> {
        Some(Bytes::from(self))
    }
}

impl IntoParam for Bytes {
    fn into_param(self) -> Option<Bytes> {
        Some(self)
    }
}

impl IntoParam for bool {
    fn into_param(self) -> Option<Bytes> {
        Some(Bytes::from_static(if self { b"t" } else { b"f" }))
    }
}

impl<T: IntoParam> IntoParam for Option<T> {
    fn into_param(self) -> Option<Bytes> {
        self.and_then(IntoParam::into_param)
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => { $(
        impl IntoParam for $kind {
            fn into_param(self) -> Option<Bytes> {
                Some(Bytes::from(self.to_string()))
            }
        }
    )* };
}
numbers!(i16, i32, i64, u16, u32, u64, usize, f64);

// === impl Rows, Row ===

impl Rows {
    /// Rows inserted, updated, deleted or returned, from the command tag.
    #[must_use]
    pub fn affected(&self) -> u64 {
        self.tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<&Row> {
        self.rows.first()
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Row {
    /// The value of column `i` (from 0) in text format; `None` when it is NULL or there is no such column.
    #[must_use]
    pub fn bytes(&self, i: usize) -> Option<&Bytes> {
        self.0.get(i)?.as_ref()
    }

    /// The value of column `i` as text; `None` also when it is not UTF-8.
    #[must_use]
    pub fn text(&self, i: usize) -> Option<&str> {
        std::str::from_utf8(self.bytes(i)?).ok()
    }
}
