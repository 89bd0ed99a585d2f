//! Inserts, updates, upserts and deletes, with the read side on what they return.

use super::condition::{by_join, condition};
use super::payload::{self, Member, Take};
use super::snippet::{Qualifier, Sql, array_literal};
use super::{body, overrides, read};
use crate::catalog::{Column, QualifiedName};
use crate::plan::{BodyBuilder, Change, Condition, MutatePlan, OnConflict};
use crate::request::prefer::Missing;

/// The main statement of a mutation.
pub(super) fn main(plan: &MutatePlan) -> Sql {
    let mut sql = Sql::new("WITH pgrst_source AS (");
    change(&mut sql, plan);
    sql.raw(") SELECT null::bigint, pg_catalog.count(*), ");
    location(&mut sql, plan);
    sql.raw(", ");
    body::rows(&mut sql, plan.body);
    sql.raw(", ");
    overrides(&mut sql);
    sql.raw(if counts_inserts(plan) { ", nullif(current_setting('pgrst.inserted', true), '')" } else { ", null" });
    sql.raw(" FROM (");
    match plan.body {
        // the columns in ?select= need not even exist when nothing is shown
        BodyBuilder::Omitted => {
            sql.raw("SELECT * FROM pgrst_source");
        }
        _ => read::select(&mut sql, &plan.read, None),
    }
    sql.raw(") _postgrest_t");
    sql
}

fn counts_inserts(plan: &MutatePlan) -> bool {
    match &plan.change {
        Change::Upsert { .. } => true,
        Change::Insert { on_conflict, .. } => matches!(on_conflict, OnConflict::Merge(_)),
        Change::Update { .. } | Change::Delete { .. } => false,
    }
}

/// Key and value pairs of the one inserted row, for `Location`, which only `return=headers-only` sends.
fn location(sql: &mut Sql, plan: &MutatePlan) {
    let wanted = matches!(plan.change, Change::Insert { .. }) && plan.body == BodyBuilder::Omitted;
    if !wanted || plan.returning.is_empty() || plan.primary_key.is_empty() {
        sql.raw("null");
        return;
    }
    sql.raw("CASE WHEN pg_catalog.count(*) = 1 THEN (SELECT json_agg(json_build_array(m.key, ");
    sql.raw(
        "coalesce('eq.' || m.value, 'is.null'))) FROM (SELECT row_to_json(s) AS row FROM pgrst_source AS s LIMIT 1) ",
    );
    sql.raw("d CROSS JOIN json_each_text(d.row) AS m WHERE m.key = ANY(");
    sql.bind(array_literal(plan.primary_key.iter().map(String::as_str))).raw("::text[])) END");
}

fn change(sql: &mut Sql, plan: &MutatePlan) {
    match &plan.change {
        Change::Insert { columns, payload, missing, on_conflict } => {
            let members = into_table(sql, plan, columns);
            payload::from(sql, payload, &members, *missing, Take::All);
            if matches!(on_conflict, OnConflict::Merge(_)) {
                sql.raw(" WHERE ").raw(COUNT_UP);
            }
            conflict(sql, on_conflict, columns);
            returning(sql, plan);
        }
        Change::Upsert { columns, payload, key, conditions } => {
            let members = into_table(sql, plan, columns);
            payload::from(sql, payload, &members, Missing::Null, Take::All);
            sql.raw(" WHERE ").raw(COUNT_UP);
            for found in conditions {
                sql.raw(" AND ");
                condition(sql, Qualifier::Alias("pgrst_body"), found, &by_join);
            }
            conflict(sql, &OnConflict::Merge(key.clone()), columns);
            returning(sql, plan);
        }
        Change::Update { columns, payload, missing, conditions } if columns.is_empty() => {
            let _ = (payload, missing, conditions);
            nothing(sql, plan);
        }
        Change::Update { columns, payload, missing, conditions } => {
            sql.raw("UPDATE ").qualified(&plan.table).raw(" SET ").join(", ", columns, |sql, column| {
                sql.ident(&column.name).raw(" = ").column(Qualifier::Alias("pgrst_body"), &column.name);
            });
            sql.raw(" ");
            let members: Vec<_> = columns.iter().map(Member::from).collect();
            payload::from(sql, payload, &members, *missing, Take::All);
            filters(sql, &plan.table, conditions);
            returning(sql, plan);
        }
        Change::Delete { conditions } => {
            sql.raw("DELETE FROM ").qualified(&plan.table);
            filters(sql, &plan.table, conditions);
            returning(sql, plan);
        }
    }
}

/// Counts rows about to be inserted; a conflict takes its row off again. The only way to tell inserts from updates
/// apart without another column.
const COUNT_UP: &str = "set_config('pgrst.inserted', \
    (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) + 1)::text, true) <> '0'";
const COUNT_DOWN: &str = "set_config('pgrst.inserted', \
    (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) - 1)::text, true) <> '-1'";

fn into_table<'a>(sql: &mut Sql, plan: &MutatePlan, columns: &'a [Column]) -> Vec<Member<'a>> {
    let members: Vec<_> = columns.iter().map(Member::from).collect();
    sql.raw("INSERT INTO ").qualified(&plan.table);
    if !members.is_empty() {
        sql.raw("(");
        payload::names(sql, &members);
        sql.raw(")");
    }
    sql.raw(" SELECT ").join(", ", columns, |sql, column| {
        sql.column(Qualifier::Alias("pgrst_body"), &column.name);
    });
    sql.raw(" ");
    members
}

fn conflict(sql: &mut Sql, on_conflict: &OnConflict, columns: &[Column]) {
    let (target, merge) = match on_conflict {
        OnConflict::Fail => return,
        OnConflict::Ignore(target) => (target, false),
        OnConflict::Merge(target) => (target, !columns.is_empty()),
    };
    sql.raw(" ON CONFLICT (").join(", ", target, |sql, name| {
        sql.ident(name);
    });
    if !merge {
        sql.raw(") DO NOTHING");
        return;
    }
    sql.raw(") DO UPDATE SET ").join(", ", columns, |sql, column| {
        sql.ident(&column.name).raw(" = EXCLUDED.").ident(&column.name);
    });
    sql.raw(" WHERE ").raw(COUNT_DOWN);
}

/// `UPDATE` without a column is no SQL; no row of the right shape is what it would have changed.
fn nothing(sql: &mut Sql, plan: &MutatePlan) {
    sql.raw("SELECT ");
    if plan.returning.is_empty() {
        sql.raw("NULL");
    } else {
        sql.join(", ", &plan.returning, |sql, column| {
            sql.column(Qualifier::Table(&plan.table), column);
        });
    }
    sql.raw(" FROM ").qualified(&plan.table).raw(" WHERE false");
}

fn filters(sql: &mut Sql, table: &QualifiedName, conditions: &[Condition]) {
    let mut keyword = " WHERE ";
    for found in conditions {
        sql.raw(std::mem::replace(&mut keyword, " AND "));
        condition(sql, Qualifier::Table(table), found, &by_join);
    }
}

fn returning(sql: &mut Sql, plan: &MutatePlan) {
    if plan.returning.is_empty() {
        // a privilege to read is not needed to know how many rows there were
        sql.raw(" RETURNING 1");
        return;
    }
    sql.raw(" RETURNING ").join(", ", &plan.returning, |sql, column| {
        sql.column(Qualifier::Table(&plan.table), column);
    });
}
