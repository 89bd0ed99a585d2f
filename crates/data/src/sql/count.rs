//! The total beyond the page: the root's conditions without its columns, order and window.

use super::condition::condition;
use super::qualifier;
use super::read::{Link, join_conditions};
use super::snippet::Sql;
use crate::catalog::Cardinality;
use crate::plan::read::node::Presence;
use crate::plan::{Counting, Origin, ReadNode};
use crate::request::query::select::Join;

/// The CTE that counts, when one is needed.
pub(super) fn cte(sql: &mut Sql, root: &ReadNode, count: Counting) {
    let limit = match count {
        Counting::Query { limit } | Counting::Both { limit } => limit,
        Counting::None | Counting::Page | Counting::Estimate => return,
    };
    sql.raw(", pgrst_source_count AS (");
    query(sql, root, None);
    if let Some(limit) = limit {
        sql.raw(" LIMIT ").text(&limit.to_string());
    }
    sql.raw(")");
}

/// The total's expression; `page` is the page's size.
pub(super) fn total(sql: &mut Sql, count: Counting, page: &'static str) {
    sql.raw(match count {
        Counting::None | Counting::Estimate => "null::bigint",
        Counting::Page => page,
        Counting::Query { .. } | Counting::Both { .. } => "(SELECT pg_catalog.count(*) FROM pgrst_source_count)",
    });
}

/// `SELECT 1` per row that the request is about. Inner joins and null filters become `EXISTS`.
pub(super) fn query(sql: &mut Sql, node: &ReadNode, link: Option<Link<'_>>) {
    sql.raw("SELECT 1 FROM ");
    match (link.map(|l| &l.embed.relationship.cardinality), &node.origin) {
        (Some(Cardinality::Computed(computed)), _) => {
            let link_parent = link.map(|l| l.parent.alias.as_deref().unwrap_or(&l.parent.table.name));
            sql.qualified(&computed.function).raw("(").ident(link_parent.unwrap_or_default()).raw("::");
            sql.qualified(link.map_or(&node.table, |l| &l.embed.relationship.table)).raw(")");
        }
        (_, Origin::Source) => {
            sql.raw(super::SOURCE);
        }
        (_, Origin::Table) => {
            sql.qualified(&node.table);
        }
    }
    if let Some(alias) = &node.alias {
        sql.raw(" AS ").ident(alias);
    }
    if let Some(Link { embed, .. }) = link
        && let Cardinality::ManyToMany(junction) = &embed.relationship.cardinality
    {
        sql.raw(", ").qualified(&junction.table).raw(" AS ").ident(&embed.junction);
    }
    let mut keyword = " WHERE ";
    let mut next = || std::mem::replace(&mut keyword, " AND ");
    for found in &node.conditions {
        sql.raw(next());
        condition(sql, qualifier(node), found, &|sql, lateral, presence| exists(sql, node, lateral, presence));
    }
    for embed in node.embeds.iter().filter(|e| e.join == Join::Inner) {
        sql.raw(next()).raw("EXISTS (");
        query(sql, &embed.node, Some(Link { embed, parent: node }));
        sql.raw(")");
    }
    if let Some(link) = link {
        join_conditions(sql, node, link, next());
    }
}

fn exists(sql: &mut Sql, node: &ReadNode, lateral: &str, presence: Presence) {
    let Some(embed) = node.embeds.iter().find(|e| e.lateral == lateral) else { return };
    sql.raw(match presence {
        Presence::Absent => "NOT EXISTS (",
        Presence::Present => "EXISTS (",
    });
    query(sql, &embed.node, Some(Link { embed, parent: node }));
    sql.raw(")");
}
