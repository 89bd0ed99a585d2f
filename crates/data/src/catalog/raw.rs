//! What the catalog queries return, as JSON; also the format of the test fixture.

use serde::Deserialize;

use super::ident::QualifiedName;
use super::routine::Routine;
use super::table::{Access, Column, TableKind};

/// All rows of one load.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawCatalog {
    pub(crate) tables: Vec<RawTable>,
    pub(crate) foreign_keys: Vec<RawForeignKey>,
    pub(crate) routines: Vec<Routine>,
    pub(crate) computed: Vec<RawComputed>,
    pub(crate) views: Vec<RawView>,
    pub(crate) roles: Vec<RawRole>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawTable {
    pub(crate) oid: u32,
    #[serde(flatten)]
    pub(crate) name: QualifiedName,
    pub(crate) kind: TableKind,
    pub(crate) description: Option<String>,
    pub(crate) access: Access,
    #[serde(default)]
    pub(crate) primary_key: Vec<String>,
    /// By attribute number; dropped columns are absent.
    #[serde(default)]
    pub(crate) attributes: Vec<(u32, String)>,
    #[serde(default)]
    pub(crate) columns: Vec<Column>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawForeignKey {
    pub(crate) constraint: String,
    pub(crate) table: QualifiedName,
    pub(crate) foreign: QualifiedName,
    /// Pairs of (column, referenced column), in the constraint's order.
    pub(crate) columns: Vec<(String, String)>,
    /// The referencing columns are unique, so each row is referenced at most once.
    pub(crate) unique: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawComputed {
    pub(crate) function: QualifiedName,
    pub(crate) table: QualifiedName,
    pub(crate) foreign: QualifiedName,
    pub(crate) single: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawView {
    pub(crate) oid: u32,
    /// The rewrite rule's action as PostgreSQL stores it (`pg_node_tree`).
    pub(crate) action: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RawRole {
    pub(crate) name: String,
    pub(crate) settings: Vec<(String, String)>,
}
