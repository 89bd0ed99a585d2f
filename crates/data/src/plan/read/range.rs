//! Windows, each to the node it names, and the cap on all of them.

use super::node::ReadNode;
use super::{Base, Context, descend};
use crate::error::{PlanError, RangeFault, RequestError};

/// The rows a mutation changed are all returned; pages exist for reads only.
fn is_mutation(context: &Context<'_>) -> bool {
    matches!(context.base, Base::Mutation(_))
}

pub(super) fn add(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    if is_mutation(context) {
        return Ok(root);
    }
    for (path, range) in context.request.query.ranges.iter().filter(|(path, _)| !path.is_empty()) {
        if range.limit.is_some_and(|limit| limit < 0) {
            return Err(RequestError::Range(RangeFault::NegativeLimit).into());
        }
        descend(&mut root, path)?.range = *range;
    }
    root.range = context.request.range;
    Ok(root)
}

/// Setting `max_rows`: on every level, so that embedding is no way around it.
pub(super) fn cap(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    if !is_mutation(context) {
        cap_node(&mut root, context.rules.max_rows);
    }
    Ok(root)
}

fn cap_node(node: &mut ReadNode, most: Option<i64>) {
    node.range = node.range.capped(most);
    for embed in &mut node.embeds {
        cap_node(&mut embed.node, most);
    }
}
