//! A JSON body as rows: one parameter, unpacked by PostgreSQL with the columns' types.

use super::snippet::Sql;
use crate::catalog::{Column, Expression, TypeName};
use crate::request::payload::{Payload, PayloadKind};
use crate::request::prefer::Missing;

/// A member to take from the body.
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) type_name: &'a TypeName,
    pub(super) default: Option<&'a Expression>,
}

impl<'a> From<&'a Column> for Member<'a> {
    fn from(column: &'a Column) -> Self {
        Self { name: &column.name, type_name: &column.type_name, default: column.default.as_ref() }
    }
}

/// How many rows of the body count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    All,
    First,
}

/// `FROM (the body) pgrst_payload, LATERAL (its members) pgrst_body`.
pub(super) fn from(sql: &mut Sql, payload: &Payload, members: &[Member<'_>], missing: Missing, take: Take) {
    let object = payload.kind == PayloadKind::JsonObject;
    let defaults = missing == Missing::Default;
    sql.raw("FROM (SELECT ").bind(payload.body.clone());
    sql.raw(if defaults { "::jsonb" } else { "::json" }).raw(" AS json_data) pgrst_payload, ");
    if defaults {
        fill(sql, members, object);
    }
    let data = if defaults { "pgrst_json_defs.val" } else { "pgrst_payload.json_data" };
    sql.raw("LATERAL (SELECT ");
    names(sql, members);
    sql.raw(" FROM ");
    match (members.is_empty(), object, defaults) {
        (true, true, _) => sql.raw("(values(1)) _"),
        (true, false, false) => sql.raw("json_array_elements(").raw(data).raw(") _"),
        (true, false, true) => sql.raw("jsonb_array_elements(").raw(data).raw(") _"),
        (false, true, false) => sql.raw("json_to_record(").raw(data).raw(")"),
        (false, true, true) => sql.raw("jsonb_to_record(").raw(data).raw(")"),
        (false, false, false) => sql.raw("json_to_recordset(").raw(data).raw(")"),
        (false, false, true) => sql.raw("jsonb_to_recordset(").raw(data).raw(")"),
    };
    if !members.is_empty() {
        sql.raw(" AS _(").join(", ", members, |sql, member| {
            sql.ident(member.name).raw(" ").type_name(member.type_name);
        });
        sql.raw(")");
    }
    sql.raw(if take == Take::First { " LIMIT 1) pgrst_body" } else { ") pgrst_body" });
}

pub(super) fn names(sql: &mut Sql, members: &[Member<'_>]) {
    sql.join(", ", members, |sql, member| {
        sql.ident(member.name);
    });
}

/// The columns' defaults under the body's members (`Prefer: missing=default`).
fn fill(sql: &mut Sql, members: &[Member<'_>], object: bool) {
    if object {
        sql.raw("LATERAL (SELECT ");
        defaults(sql, members);
        sql.raw(" || pgrst_payload.json_data AS val) pgrst_json_defs, ");
    } else {
        sql.raw("LATERAL (SELECT jsonb_agg(");
        defaults(sql, members);
        sql.raw(" || elem) AS val FROM jsonb_array_elements(pgrst_payload.json_data) elem) pgrst_json_defs, ");
    }
}

fn defaults(sql: &mut Sql, members: &[Member<'_>]) {
    sql.raw("jsonb_build_object(");
    let known = members.iter().filter_map(|member| member.default.map(|default| (member.name, default)));
    sql.join(", ", known, |sql, (name, default)| {
        sql.text(name).raw("::text, ").expression(default);
    });
    sql.raw(")");
}
