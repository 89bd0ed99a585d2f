//! The read plan as nested `SELECT`s: one lateral subquery per embed.

use super::condition::{by_join, condition, order_by, value};
use super::snippet::{Qualifier, Sql};
use super::{SOURCE, body, count, overrides, qualifier};
use crate::catalog::Cardinality;
use crate::plan::{Embed, Extent, Origin, Output, ReadNode, ReadPlan, Shape};
use crate::request::query::range::Range;
use crate::request::query::select::{Join, Placement};

/// The main statement of a read.
pub(super) fn main(plan: &ReadPlan) -> Sql {
    let mut sql = Sql::new("WITH pgrst_source AS (");
    select(&mut sql, &plan.root, None);
    sql.raw(")");
    count::cte(&mut sql, &plan.root, plan.count);
    sql.raw(" SELECT ");
    count::total(&mut sql, plan.count, "pg_catalog.count(*)");
    sql.raw(", pg_catalog.count(*), null, ");
    body::rows(&mut sql, plan.body);
    sql.raw(", ");
    overrides(&mut sql);
    sql.raw(", null FROM (SELECT * FROM pgrst_source) _postgrest_t");
    sql
}

/// How an embedded node hangs on its parent.
#[derive(Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) embed: &'a Embed,
    pub(super) parent: &'a ReadNode,
}

pub(super) fn select(sql: &mut Sql, node: &ReadNode, link: Option<Link<'_>>) {
    let table = qualifier(node);
    sql.raw("SELECT ");
    columns(sql, node, table);
    from(sql, node, link);
    for embed in &node.embeds {
        join(sql, node, embed);
    }
    filters(sql, node, link);
    group_by(sql, node, table);
    order_by(sql, table, &node.order);
    window(sql, node.range);
}

fn columns(sql: &mut Sql, node: &ReadNode, table: Qualifier<'_>) {
    let mut first = true;
    let mut next = |sql: &mut Sql| {
        if !std::mem::take(&mut first) {
            sql.raw(", ");
        }
    };
    for item in &node.select {
        next(sql);
        output(sql, table, item);
    }
    for embed in node.embeds.iter().filter(|e| e.extent == Extent::Shown) {
        match embed.placement {
            Placement::Nested => {
                next(sql);
                nested(sql, embed, comparison(node));
            }
            Placement::Spread => {
                for name in spread_names(&embed.node) {
                    next(sql);
                    sql.column(Qualifier::Alias(&embed.lateral), name);
                }
            }
        }
    }
    // an empty list would make rows that cannot be told from each other; what is not asked for is not read
    if first {
        if node.embeds.is_empty() {
            sql.column(table, "*")
        } else {
            sql.raw("1")
        };
    }
}

fn output(sql: &mut Sql, table: Qualifier<'_>, item: &Output) {
    if let Some(aggregate) = &item.aggregate {
        if aggregate.cast.is_some() {
            sql.raw("CAST(");
        }
        sql.raw(aggregate.function.sql()).raw("(");
        cast_value(sql, table, item);
        sql.raw(")");
        if let Some(cast) = &aggregate.cast {
            sql.raw(" AS ").cast_target(cast).raw(")");
        }
    } else {
        cast_value(sql, table, item);
    }
    if let Some(alias) = &item.alias {
        sql.raw(" AS ").ident(alias);
    }
}

fn cast_value(sql: &mut Sql, table: Qualifier<'_>, item: &Output) {
    let counts_rows = item.aggregate.is_some() && item.value.column == "*";
    match &item.cast {
        _ if counts_rows => {
            sql.raw("*");
        }
        Some(cast) => {
            sql.raw("CAST(");
            value(sql, table, &item.value);
            sql.raw(" AS ").cast_target(cast).raw(")");
        }
        None => value(sql, table, &item.value),
    }
}

/// `GROUP BY` compares; `json` cannot be compared, and `jsonb` costs a conversion, so it is for groups only.
fn comparison(node: &ReadNode) -> &'static str {
    if node.select.iter().any(|o| o.aggregate.is_some()) { "::jsonb" } else { "" }
}

fn nested(sql: &mut Sql, embed: &Embed, comparison: &'static str) {
    match embed.shape {
        Shape::Object => sql.raw("row_to_json(").ident(&embed.lateral).raw(".*)").raw(comparison),
        Shape::Array => sql.raw("COALESCE(").column(Qualifier::Alias(&embed.lateral), &embed.lateral).raw(", '[]')"),
    };
    sql.raw(" AS ").ident(embed.key());
}

/// The columns a spread node offers its parent.
fn spread_names(node: &ReadNode) -> Vec<&str> {
    let own = node.select.iter().map(|o| o.alias.as_deref().unwrap_or(&o.value.column));
    let inner = node.embeds.iter().filter(|e| e.extent == Extent::Shown).flat_map(|embed| match embed.placement {
        Placement::Nested => vec![embed.key()],
        Placement::Spread => spread_names(&embed.node),
    });
    own.chain(inner).collect()
}

fn from(sql: &mut Sql, node: &ReadNode, link: Option<Link<'_>>) {
    sql.raw(" FROM ");
    let computed = link.and_then(|link| match &link.embed.relationship.cardinality {
        Cardinality::Computed(c) => Some((c, link)),
        _ => None,
    });
    match (computed, &node.origin) {
        (Some((computed, link)), _) => {
            let parent = link.parent.alias.as_deref().unwrap_or(&link.parent.table.name);
            // the cast picks the overload for this table
            sql.qualified(&computed.function).raw("(").ident(parent).raw("::");
            sql.qualified(&link.embed.relationship.table).raw(")");
        }
        (None, Origin::Source) => {
            sql.raw(SOURCE);
        }
        (None, Origin::Table) => {
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
}

fn join(sql: &mut Sql, parent: &ReadNode, embed: &Embed) {
    sql.raw(match embed.join {
        Join::Inner => " INNER JOIN LATERAL (",
        Join::Left => " LEFT JOIN LATERAL (",
    });
    let link = Link { embed, parent };
    match embed.shape {
        Shape::Object => select(sql, &embed.node, Some(link)),
        Shape::Array => {
            let lateral = Qualifier::Alias(&embed.lateral);
            // the aggregate has the subquery's name, so that both name the whole
            sql.raw("SELECT json_agg(")
                .qualifier(lateral)
                .raw(")")
                .raw(comparison(parent))
                .raw(" AS ")
                .qualifier(lateral);
            if embed.placement == Placement::Spread {
                for name in spread_names(&embed.node) {
                    sql.raw(", COALESCE(json_agg(").column(lateral, name).raw("), '[]')");
                    sql.raw(comparison(parent)).raw(" AS ").ident(name);
                }
            }
            sql.raw(" FROM (");
            select(sql, &embed.node, Some(link));
            sql.raw(") AS ").qualifier(lateral);
        }
    }
    sql.raw(") AS ").ident(&embed.lateral).raw(" ON ");
    match (embed.join, embed.shape) {
        (Join::Inner, Shape::Array) => {
            sql.column(Qualifier::Alias(&embed.lateral), &embed.lateral).raw(" IS NOT NULL");
        }
        _ => {
            sql.raw("TRUE");
        }
    }
}

fn filters(sql: &mut Sql, node: &ReadNode, link: Option<Link<'_>>) {
    let mut keyword = " WHERE ";
    for found in &node.conditions {
        sql.raw(std::mem::replace(&mut keyword, " AND "));
        condition(sql, qualifier(node), found, &by_join);
    }
    if let Some(link) = link {
        join_conditions(sql, node, link, keyword);
    }
}

/// The columns that tie the node to its parent's row.
pub(super) fn join_conditions(sql: &mut Sql, node: &ReadNode, link: Link<'_>, mut keyword: &'static str) {
    let (own, parent) = (qualifier(node), qualifier(link.parent));
    let mut equal = |sql: &mut Sql, a: (Qualifier<'_>, &str), b: (Qualifier<'_>, &str)| {
        sql.raw(std::mem::replace(&mut keyword, " AND ")).column(a.0, a.1).raw(" = ").column(b.0, b.1);
    };
    match &link.embed.relationship.cardinality {
        Cardinality::OneToMany(key) | Cardinality::ManyToOne(key) | Cardinality::OneToOne(key) => {
            for (column, foreign) in &key.columns {
                equal(sql, (own, foreign), (parent, column));
            }
        }
        Cardinality::ManyToMany(through) => {
            let junction = Qualifier::Alias(&link.embed.junction);
            for (column, via) in &through.target {
                equal(sql, (own, column), (junction, via));
            }
            for (column, via) in &through.source {
                equal(sql, (junction, via), (parent, column));
            }
        }
        Cardinality::Computed(_) => {}
    }
}

fn group_by(sql: &mut Sql, node: &ReadNode, table: Qualifier<'_>) {
    if !node.select.iter().any(|o| o.aggregate.is_some()) {
        return;
    }
    let mut keyword = " GROUP BY ";
    for item in node.select.iter().filter(|o| o.aggregate.is_none()) {
        sql.raw(std::mem::replace(&mut keyword, ", "));
        match &item.alias {
            Some(alias) => {
                sql.ident(alias);
            }
            None => value(sql, table, &item.value),
        }
    }
    for embed in node.embeds.iter().filter(|e| e.extent == Extent::Shown) {
        match embed.placement {
            Placement::Nested => {
                sql.raw(std::mem::replace(&mut keyword, ", ")).ident(embed.key());
            }
            Placement::Spread => {
                for name in spread_names(&embed.node) {
                    sql.raw(std::mem::replace(&mut keyword, ", ")).column(Qualifier::Alias(&embed.lateral), name);
                }
            }
        }
    }
}

fn window(sql: &mut Sql, range: Range) {
    if let Some(limit) = range.limit {
        sql.raw(" LIMIT ").text(&limit.to_string());
    }
    if range.offset != 0 {
        sql.raw(" OFFSET ").text(&range.offset.to_string());
    }
}
