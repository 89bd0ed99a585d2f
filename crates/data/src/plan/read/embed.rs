//! Embedded resources: which relationship, and the names in SQL.

use super::node::{Embed, Origin, ReadNode, Shape};
use super::{Context, select};
use crate::catalog::{Cardinality, Rows};
use crate::error::PlanError;
use crate::plan::resolve;
use crate::request::query::select::{SelectItem, SelectRelation};

/// PostgreSQL cuts identifiers at 63 bytes; two names cut to the same text would join a table to itself.
const ALIAS_STEM: usize = 48;

pub(super) fn add(context: &Context<'_>, mut root: ReadNode) -> Result<ReadNode, PlanError> {
    let mut counter = 0;
    add_to(context, &mut root, &context.request.query.select, 1, &mut counter)?;
    Ok(root)
}

fn add_to(
    context: &Context<'_>,
    node: &mut ReadNode,
    items: &[SelectItem],
    depth: usize,
    counter: &mut usize,
) -> Result<(), PlanError> {
    for item in items {
        if let SelectItem::Relation(asked) = item {
            *counter += 1;
            let embed = embed(context, node, asked, depth, counter)?;
            node.embeds.push(embed);
        }
    }
    Ok(())
}

fn embed(
    context: &Context<'_>,
    parent: &ReadNode,
    asked: &SelectRelation,
    depth: usize,
    counter: &mut usize,
) -> Result<Embed, PlanError> {
    let found = resolve::relationship(context.catalog, &parent.table, &asked.name, asked.hint.as_deref())?;
    let table = found.foreign.clone();
    let alias = numbered(&table.name, depth);
    let lateral = format!("embed_{counter}");
    let junction = match &found.cardinality {
        Cardinality::ManyToMany(j) => numbered(&j.table.name, depth) + "_j",
        _ => String::new(),
    };
    let mut node = select::node(table, Origin::Table, Some(alias), &asked.items, context.catalog);
    add_to(context, &mut node, &asked.items, depth + 1, counter)?;
    Ok(Embed {
        name: asked.name.clone(),
        alias: asked.alias.clone(),
        hint: asked.hint.clone(),
        join: asked.join,
        placement: asked.placement,
        shape: if found.rows() == Rows::One { Shape::Object } else { Shape::Array },
        extent: select::extent(&node, asked.placement),
        lateral,
        junction,
        relationship: found.clone(),
        node,
    })
}

/// `films_1`: the table's name and the level, so that PostgreSQL's messages stay readable.
fn numbered(name: &str, depth: usize) -> String {
    let mut end = name.len().min(ALIAS_STEM);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{depth}", &name[..end])
}
