//! Sort keys, each to the node it names.

use super::node::{ReadNode, Shape, SortKey, Value};
use super::{Context, descend, select};
use crate::error::{PlanError, RequestError};
use crate::request::query::order::OrderTerm;

pub(super) fn add(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    for (path, terms) in &context.request.query.order {
        let node = descend(&mut root, path)?;
        let keys: Vec<_> = terms.iter().map(|term| key(context, node, term)).collect::<Result<_, _>>()?;
        node.order.extend(keys);
    }
    Ok(root)
}

fn key(context: &Context<'_>, node: &ReadNode, term: &OrderTerm) -> Result<SortKey, PlanError> {
    let (lateral, value) = match &term.relation {
        None => (None, select::value(context.catalog, &node.table, &term.field)),
        Some(relation) => (Some(related(node, relation)?), Value::unresolved(&term.field)),
    };
    Ok(SortKey { lateral, value, direction: term.direction, nulls: term.nulls })
}

/// The joined subquery of a to-one embed; many rows per parent have no one value to sort by.
fn related(node: &ReadNode, relation: &str) -> Result<String, PlanError> {
    let embed = node
        .embeds
        .iter()
        .find(|e| e.key() == relation)
        .ok_or_else(|| RequestError::NotEmbedded(relation.to_owned()))?;
    match embed.shape {
        Shape::Object => Ok(embed.lateral.clone()),
        Shape::Array => {
            Err(RequestError::RelatedOrder { origin: node.table.name.clone(), target: embed.key().to_owned() }.into())
        }
    }
}
