//! What the database offers: an immutable value, loaded, derived and swapped as a whole.

mod derive;
mod ident;
mod load;
mod node_tree;
mod raw;
mod relationship;
mod routine;
mod table;
mod watch;

use std::collections::HashMap;

pub(crate) use ident::{Expression, QualifiedName, TypeName};
pub(crate) use relationship::{Cardinality, KeyColumns, Relationship, Rows};
pub(crate) use routine::{Parameter, Returns, Routine, Volatility};
pub(crate) use table::{Column, Table};
pub(crate) use watch::{Snapshot, Watch};

/// One state of the database's catalog.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    tables: HashMap<QualifiedName, Table>,
    /// By the table that embeds.
    relationships: HashMap<QualifiedName, Vec<Relationship>>,
    routines: HashMap<QualifiedName, Vec<Routine>>,
    roles: HashMap<String, Vec<(String, String)>>,
}

impl Catalog {
    pub(crate) fn table(&self, name: &QualifiedName) -> Option<&Table> {
        self.tables.get(name)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    pub(crate) fn relationships(&self, table: &QualifiedName) -> &[Relationship] {
        self.relationships.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// Tables of a schema that have any relationship.
    pub(crate) fn related_tables<'a>(&'a self, schema: &'a str) -> impl Iterator<Item = &'a str> {
        self.relationships.keys().filter(move |t| t.schema == schema).map(|t| t.name.as_str())
    }

    /// All overloads of a function.
    pub(crate) fn overloads(&self, name: &QualifiedName) -> &[Routine] {
        self.routines.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn routines(&self) -> impl Iterator<Item = &Routine> {
        self.routines.values().flatten()
    }

    /// Settings of `ALTER ROLE … SET`, which PostgreSQL applies at login only and we on every change of role.
    pub(crate) fn role_settings(&self, role: &str) -> &[(String, String)] {
        self.roles.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// Counts for the log and the metrics: tables, relationships, functions.
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        (self.tables.len(), self.relationships.values().map(Vec::len).sum(), self.routines.values().map(Vec::len).sum())
    }

    /// A catalog from a JSON fixture (the shape of `raw::RawCatalog`).
    #[cfg(test)]
    pub(crate) fn from_fixture(json: &str) -> Self {
        let raw = serde_json::from_str(json).expect("the fixture is valid");
        derive::derive(raw, &["public".to_owned()])
    }
}
