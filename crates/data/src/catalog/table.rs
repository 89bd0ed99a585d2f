//! Tables, views and their columns.

use std::collections::HashMap;

use serde::Deserialize;

use super::ident::{Expression, QualifiedName, TypeName};

/// A table, view, materialised view or foreign table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) name: QualifiedName,
    pub(crate) kind: TableKind,
    pub(crate) description: Option<String>,
    pub(crate) access: Access,
    /// In key order; for views, the view's columns that show the table's key.
    pub(crate) primary_key: Vec<String>,
    columns: Vec<Column>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TableKind {
    Table,
    View,
}

/// Which changes the relation can take at all (privileges are PostgreSQL's to judge).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Access {
    pub(crate) insert: bool,
    pub(crate) update: bool,
    pub(crate) delete: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: TypeName,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Expression>,
    #[serde(default)]
    pub(crate) description: Option<String>,
}

impl Table {
    pub(crate) fn new(
        name: QualifiedName,
        kind: TableKind,
        description: Option<String>,
        access: Access,
        primary_key: Vec<String>,
        columns: Vec<Column>,
    ) -> Self {
        let by_name = columns.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        Self { name, kind, description, access, primary_key, columns, by_name }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.by_name.get(name).map(|&i| &self.columns[i])
    }

    /// In the table's order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }
}
