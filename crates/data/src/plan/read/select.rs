//! Columns of each node.

use super::Context;
use super::node::{Embed, Extent, Origin, Output, ReadNode, Shape, Value};
use crate::catalog::{Catalog, QualifiedName};
use crate::error::{PlanError, RequestError};
use crate::plan::Aggregates;
use crate::request::query::field::Field;
use crate::request::query::range::Range;
use crate::request::query::select::{Placement, SelectColumn, SelectItem};

/// A node with its own columns; its embeds come in the embed pass.
pub(super) fn node(
    table: QualifiedName,
    origin: Origin,
    alias: Option<String>,
    items: &[SelectItem],
    catalog: &Catalog,
) -> ReadNode {
    let select = items
        .iter()
        .filter_map(|item| match item {
            SelectItem::Column(column) => Some(output(column, &table, catalog)),
            SelectItem::Relation(_) => None,
        })
        .collect();
    ReadNode {
        table,
        origin,
        alias,
        select,
        embeds: Vec::new(),
        conditions: Vec::new(),
        order: Vec::new(),
        range: Range::default(),
    }
}

fn output(column: &SelectColumn, table: &QualifiedName, catalog: &Catalog) -> Output {
    let implied = match &column.aggregate {
        Some(_) => None,
        None => column.field.implied_alias().map(str::to_owned),
    };
    Output {
        value: value(catalog, table, &column.field),
        cast: column.cast.clone(),
        aggregate: column.aggregate.clone(),
        alias: column.alias.clone().or(implied),
    }
}

/// A column in the light of its type. Unknown names stay: they may be computed columns, and if not, PostgreSQL's
/// 42703 says so better.
pub(super) fn value(catalog: &Catalog, table: &QualifiedName, field: &Field) -> Value {
    let mut value = Value::unresolved(field);
    let column = catalog.table(table).and_then(|t| t.column(&field.name));
    if column.is_some_and(|c| c.type_name.is_json()) {
        value.conversion = super::node::Conversion::None;
    }
    value
}

/// PGRST123 unless switched on. Inside spreads they would have to move to the parent, which is not built.
pub(super) fn check_aggregates(context: &Context<'_>, node: ReadNode) -> Result<ReadNode, PlanError> {
    check(&node, context.rules.aggregates, Placement::Nested)?;
    Ok(node)
}

fn check(node: &ReadNode, aggregates: Aggregates, placement: Placement) -> Result<(), PlanError> {
    if node.select.iter().any(|output| output.aggregate.is_some()) {
        if aggregates == Aggregates::Refused {
            return Err(RequestError::AggregatesDisabled.into());
        }
        if placement == Placement::Spread {
            return Err(RequestError::NotImplemented("Aggregate functions in spread embeds are not available").into());
        }
    }
    node.embeds.iter().try_for_each(|embed| check(&embed.node, aggregates, embed.placement))
}

/// `*` becomes a list of columns where a list is needed: beside aggregates, and in to-many spreads, where every
/// column becomes an array of its own.
pub(super) fn expand_stars(context: &Context<'_>, mut node: ReadNode) -> Result<ReadNode, PlanError> {
    expand(context.catalog, &mut node, false);
    Ok(node)
}

fn expand(catalog: &Catalog, node: &mut ReadNode, listed: bool) {
    let aggregated = node.select.iter().any(|output| output.aggregate.is_some());
    if (listed || aggregated)
        && let Some(table) = catalog.table(&node.table)
    {
        let old = std::mem::take(&mut node.select);
        for output in old {
            if output.value.column == "*" && output.aggregate.is_none() {
                let columns = table.columns().iter().map(|c| Output {
                    value: Value::unresolved(&Field::plain(c.name.clone())),
                    cast: None,
                    aggregate: None,
                    alias: None,
                });
                node.select.extend(columns);
            } else {
                node.select.push(output);
            }
        }
    }
    for embed in &mut node.embeds {
        let listed = embed.placement == Placement::Spread && embed.shape == Shape::Array;
        expand(catalog, &mut embed.node, listed);
    }
}

/// An embed without columns, however deep, only joins and filters.
pub(super) fn extent(node: &ReadNode, placement: Placement) -> Extent {
    let empty = node.select.is_empty() && node.embeds.iter().all(|e: &Embed| e.extent == Extent::Hidden);
    if empty && placement == Placement::Nested { Extent::Hidden } else { Extent::Shown }
}
