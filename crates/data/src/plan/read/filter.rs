//! Filters and logic trees, each to the node it names.

use super::node::{Condition, Presence, ReadNode, SearchValue};
use super::{Base, Context, descend, select};
use crate::catalog::{Catalog, QualifiedName};
use crate::error::{PlanError, RequestError};
use crate::request::query::filter::{Filter, IsValue, Operation, Sense};
use crate::request::query::logic::Logic;

/// Filters of a mutation's root chose the rows to change; on the rows returned they could be untrue by now.
fn skips_root(context: &Context<'_>, path: &[String]) -> bool {
    path.is_empty() && matches!(context.base, Base::Mutation(_))
}

pub(super) fn add_filters(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    for (path, filter) in &context.request.query.filters {
        if !skips_root(context, path) {
            let node = descend(&mut root, path)?;
            let condition = condition(context.catalog, &node.table, filter);
            node.conditions.push(condition);
        }
    }
    Ok(root)
}

pub(super) fn add_logic(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    for (path, logic) in &context.request.query.logic {
        if !skips_root(context, path) {
            let node = descend(&mut root, path)?;
            let condition = tree(context.catalog, &node.table, logic);
            node.conditions.push(condition);
        }
    }
    Ok(root)
}

/// A filter in the light of the column's type.
pub(crate) fn condition(catalog: &Catalog, table: &QualifiedName, filter: &Filter) -> Condition {
    // what is not known to be text may be a computed tsvector, and PostgreSQL searches text without help
    let column = catalog.table(table).and_then(|t| t.column(&filter.field.name));
    let is_text = column.is_some_and(|c| !c.type_name.is_tsvector());
    let searches = matches!(filter.test.operation, Operation::Search { .. });
    Condition::Test {
        value: select::value(catalog, table, &filter.field),
        search: if searches && is_text { SearchValue::ToTsVector } else { SearchValue::Plain },
        sense: filter.test.sense,
        operation: filter.test.operation.clone(),
    }
}

pub(crate) fn tree(catalog: &Catalog, table: &QualifiedName, logic: &Logic) -> Condition {
    match logic {
        Logic::Filter(filter) => condition(catalog, table, filter),
        Logic::Group { sense, operator, members } => Condition::Group {
            sense: *sense,
            operator: *operator,
            members: members.iter().map(|member| tree(catalog, table, member)).collect(),
        },
    }
}

/// `rel=is.null` on an embed asks whether it has rows; no other operator makes sense there.
pub(super) fn resolve_null_filters(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    resolve_node(context.catalog, &mut root)?;
    Ok(root)
}

fn resolve_node(catalog: &Catalog, node: &mut ReadNode) -> Result<(), PlanError> {
    if node.embeds.is_empty() {
        return Ok(());
    }
    let conditions = std::mem::take(&mut node.conditions);
    node.conditions = conditions.into_iter().map(|c| resolve(catalog, node, c)).collect::<Result<_, _>>()?;
    node.embeds.iter_mut().try_for_each(|embed| resolve_node(catalog, &mut embed.node))
}

fn resolve(catalog: &Catalog, node: &ReadNode, condition: Condition) -> Result<Condition, PlanError> {
    match condition {
        Condition::Group { sense, operator, members } => {
            let members = members.into_iter().map(|m| resolve(catalog, node, m)).collect::<Result<_, _>>()?;
            Ok(Condition::Group { sense, operator, members })
        }
        Condition::Test { value, search, sense, operation } => {
            let embed = node.embeds.iter().find(|e| value.path.is_empty() && e.key() == value.column);
            let Some(embed) = embed else { return Ok(Condition::Test { value, search, sense, operation }) };
            let presence = match (&operation, sense) {
                (Operation::Is(IsValue::Null), Sense::Plain) => Presence::Absent,
                (Operation::Is(IsValue::Null), Sense::Negated) => Presence::Present,
                (Operation::Is(IsValue::NotNull), Sense::Plain) => Presence::Present,
                (Operation::Is(IsValue::NotNull), Sense::Negated) => Presence::Absent,
                // the embed was asked for by its column's name, and this is about the column
                _ if catalog.table(&node.table).is_some_and(|t| t.column(&value.column).is_some()) => {
                    return Ok(Condition::Test { value, search, sense, operation });
                }
                _ => return Err(RequestError::EmbedFilter(value.column).into()),
            };
            Ok(Condition::Embedded { lateral: embed.lateral.clone(), presence })
        }
        embedded @ Condition::Embedded { .. } => Ok(embedded),
    }
}
