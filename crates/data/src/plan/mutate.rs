//! Inserts, updates, upserts and deletes.

use std::collections::BTreeSet;

use super::negotiate::{BodyBuilder, Wanted, negotiate};
use super::read::node::{Condition, ReadNode};
use super::read::{self, Base, filter_condition, filter_tree};
use super::{PlanRules, resolve};
use crate::catalog::{Catalog, Column, QualifiedName, Table};
use crate::error::{PlanError, RequestError};
use crate::request::ApiRequest;
use crate::request::media::MediaType;
use crate::request::payload::Payload;
use crate::request::prefer::{Missing, Representation, Resolution};
use crate::request::query::filter::{Comparison, Operation, Sense};
use crate::request::target::Mutation;

/// A change and how its rows are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MutatePlan {
    pub(crate) table: QualifiedName,
    pub(crate) mutation: Mutation,
    pub(crate) change: Change,
    pub(crate) read: ReadNode,
    /// Columns the change returns; empty when nobody looks at them.
    pub(crate) returning: Vec<String>,
    pub(crate) primary_key: Vec<String>,
    pub(crate) body: BodyBuilder,
    pub(crate) media: MediaType,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Insert {
        columns: Vec<Column>,
        payload: Payload,
        missing: Missing,
        on_conflict: OnConflict,
    },
    /// PUT: an insert or update of the one row the URL names.
    Upsert {
        columns: Vec<Column>,
        payload: Payload,
        key: Vec<String>,
        conditions: Vec<Condition>,
    },
    Update {
        columns: Vec<Column>,
        payload: Payload,
        missing: Missing,
        conditions: Vec<Condition>,
    },
    Delete {
        conditions: Vec<Condition>,
    },
}

/// What an insert does about a row that exists.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OnConflict {
    Fail,
    Ignore(Vec<String>),
    Merge(Vec<String>),
}

pub(super) fn plan(
    catalog: &Catalog,
    rules: &PlanRules,
    request: &ApiRequest,
    table: &str,
    mutation: Mutation,
) -> Result<MutatePlan, PlanError> {
    let table = resolve::table(catalog, &request.schema.name, table)?;
    let read = read::plan(catalog, rules, request, &Base::Mutation(&table.name))?;
    let change = change(catalog, request, table, mutation)?;
    let wanted = match request.prefer.representation {
        Some(Representation::Full) => Wanted::Rows,
        _ => Wanted::Nothing,
    };
    let (body, media) = negotiate(request, wanted)?;
    let returning = match request.prefer.representation {
        None | Some(Representation::Minimal) => Vec::new(),
        Some(Representation::Full | Representation::HeadersOnly) => columns_needed(&read, &table.primary_key),
    };
    let primary_key = table.primary_key.clone();
    Ok(MutatePlan { table: table.name.clone(), mutation, change, read, returning, primary_key, body, media })
}

fn change(catalog: &Catalog, request: &ApiRequest, table: &Table, mutation: Mutation) -> Result<Change, PlanError> {
    let missing = request.prefer.missing.unwrap_or(Missing::Null);
    match mutation {
        Mutation::Delete => Ok(Change::Delete { conditions: conditions(catalog, request, table) }),
        Mutation::Insert => {
            let (columns, payload) = input(request, table)?;
            Ok(Change::Insert { columns, payload, missing, on_conflict: on_conflict(request, table) })
        }
        Mutation::Update => {
            let (columns, payload) = input(request, table)?;
            Ok(Change::Update { columns, payload, missing, conditions: conditions(catalog, request, table) })
        }
        Mutation::Upsert => {
            if !names_one_row(request, table) {
                return Err(RequestError::PutFilters.into());
            }
            let (columns, payload) = input(request, table)?;
            let key = table.primary_key.clone();
            Ok(Change::Upsert { columns, payload, key, conditions: conditions(catalog, request, table) })
        }
    }
}

fn input(request: &ApiRequest, table: &Table) -> Result<(Vec<Column>, Payload), PlanError> {
    let payload = request.payload.clone().ok_or_else(|| RequestError::Body("Empty or invalid json".into()))?;
    let columns = payload.keys.iter().map(|key| resolve::column(table, key).cloned()).collect::<Result<_, _>>()?;
    Ok((columns, payload))
}

fn on_conflict(request: &ApiRequest, table: &Table) -> OnConflict {
    let columns = request.query.on_conflict.clone().unwrap_or_else(|| table.primary_key.clone());
    match request.prefer.resolution {
        None => OnConflict::Fail,
        Some(_) if columns.is_empty() => OnConflict::Fail,
        Some(Resolution::Ignore) => OnConflict::Ignore(columns),
        Some(Resolution::Merge) => OnConflict::Merge(columns),
    }
}

/// The root's filters, in terms of the table itself.
fn conditions(catalog: &Catalog, request: &ApiRequest, table: &Table) -> Vec<Condition> {
    let filters = request.query.filters.iter().filter(|(path, _)| path.is_empty());
    let logic = request.query.logic.iter().filter(|(path, _)| path.is_empty());
    filters
        .map(|(_, filter)| filter_condition(catalog, &table.name, filter))
        .chain(logic.map(|(_, tree)| filter_tree(catalog, &table.name, tree)))
        .collect()
}

/// PUT needs `eq` on all and only the primary key.
fn names_one_row(request: &ApiRequest, table: &Table) -> bool {
    let mut named = BTreeSet::new();
    for (path, filter) in &request.query.filters {
        let equal = matches!(
            &filter.test.operation,
            Operation::Compare { operator: Comparison::Eq, quantifier: None, .. } if filter.test.sense == Sense::Plain
        );
        if !path.is_empty() || !equal || !filter.field.path.is_empty() {
            return false;
        }
        named.insert(&filter.field.name);
    }
    let key: BTreeSet<_> = table.primary_key.iter().collect();
    !key.is_empty() && named == key && request.query.logic.is_empty()
}

/// What the read side needs of the changed rows: its columns, its embeds' join columns, and the key for `Location`.
pub(super) fn columns_needed(read: &ReadNode, primary_key: &[String]) -> Vec<String> {
    let all = || vec!["*".to_owned()];
    if read.select.iter().any(|output| output.value.column == "*") || read.select.is_empty() && read.embeds.is_empty() {
        return all();
    }
    let mut needed: BTreeSet<String> = read.select.iter().map(|output| output.value.column.clone()).collect();
    needed.extend(primary_key.iter().cloned());
    needed.extend(read.order.iter().filter(|k| k.lateral.is_none()).map(|k| k.value.column.clone()));
    for embed in &read.embeds {
        match embed.relationship.source_columns() {
            Some(columns) => needed.extend(columns.into_iter().map(str::to_owned)),
            // a function may look at any column
            None => return all(),
        }
    }
    needed.into_iter().collect()
}
