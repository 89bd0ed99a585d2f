//! Function calls, with the read side on what they return.

use super::payload::{self, Member, Take};
use super::snippet::{Qualifier, Sql, array_literal};
use super::{body, count, overrides, read};
use crate::catalog::{Parameter, Returns};
use crate::plan::{Arguments, BodyBuilder, CallPlan};
use crate::request::prefer::Missing;

/// The main statement of a call.
pub(super) fn main(plan: &CallPlan) -> Sql {
    // inlining a call whose result nobody reads would drop it
    let unread = plan.body == BodyBuilder::Omitted || plan.routine.returns == Returns::Void;
    let mut sql = Sql::new(if unread { "WITH pgrst_source AS MATERIALIZED (" } else { "WITH pgrst_source AS (" });
    call(&mut sql, plan);
    sql.raw(")");
    count::cte(&mut sql, &plan.read, plan.count);
    sql.raw(" SELECT ");
    let page = if plan.routine.returns_set() { "pg_catalog.count(*)" } else { "1::bigint" };
    count::total(&mut sql, plan.count, page);
    sql.raw(", ").raw(page).raw(", null, ");
    body::result(&mut sql, plan.body, &plan.routine.returns);
    sql.raw(", ");
    overrides(&mut sql);
    sql.raw(", null FROM (");
    if plan.routine.returns_values() {
        values(&mut sql, plan);
    } else {
        read::select(&mut sql, &plan.read, None);
    }
    sql.raw(") _postgrest_t");
    sql
}

/// A list of values has no columns to select, filter or order by, but it has a page.
fn values(sql: &mut Sql, plan: &CallPlan) {
    let mut node = plan.read.clone();
    node.select.clear();
    node.embeds.clear();
    read::select(sql, &node, None);
}

fn call(sql: &mut Sql, plan: &CallPlan) {
    sql.raw("SELECT ");
    if plan.routine.returns_values() {
        sql.raw("pgrst_call.pgrst_scalar");
    } else {
        sql.join(", ", &plan.returning, |sql, column| {
            sql.column(Qualifier::Alias("pgrst_call"), column);
        });
    }
    sql.raw(" ");
    match &plan.arguments {
        Arguments::None => {
            sql.raw("FROM ");
            invoke(sql, plan, |_| {});
        }
        Arguments::Single(parameter, payload) => {
            sql.raw("FROM ");
            invoke(sql, plan, |sql| match parameter.type_name.as_sql() {
                "bytea" => {
                    // values travel as text; hex is bytea's
                    sql.bind(hex(&payload.body)).raw("::bytea");
                }
                _ => {
                    sql.bind(payload.body.clone()).raw("::").type_name(&parameter.type_name);
                }
            });
        }
        Arguments::Direct(values) => {
            sql.raw("FROM ");
            invoke(sql, plan, |sql| {
                sql.join(", ", values, |sql, (parameter, values)| {
                    named(sql, parameter);
                    match parameter.variadic {
                        true => sql.bind(array_literal(values.iter().map(String::as_str))),
                        false => sql.text(values.last().map(String::as_str).unwrap_or_default()),
                    };
                    sql.raw("::").type_name(&parameter.type_name);
                });
            });
        }
        Arguments::Json(parameters, payload) => {
            let members: Vec<_> =
                parameters.iter().map(|p| Member { name: &p.name, type_name: &p.type_name, default: None }).collect();
            payload::from(sql, payload, &members, Missing::Null, Take::First);
            sql.raw(", LATERAL ");
            invoke(sql, plan, |sql| {
                sql.join(", ", parameters, |sql, parameter| {
                    named(sql, parameter);
                    sql.column(Qualifier::Alias("pgrst_body"), &parameter.name);
                });
            });
        }
    }
}

fn named(sql: &mut Sql, parameter: &Parameter) {
    if parameter.variadic {
        sql.raw("VARIADIC ");
    }
    sql.ident(&parameter.name).raw(" := ");
}

fn invoke(sql: &mut Sql, plan: &CallPlan, arguments: impl FnOnce(&mut Sql)) {
    let values = plan.routine.returns_values();
    if values {
        sql.raw("(SELECT ");
    }
    sql.qualified(&plan.routine.name).raw("(");
    arguments(sql);
    sql.raw(if values { ") pgrst_scalar) pgrst_call" } else { ") pgrst_call" });
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 + bytes.len() * 2);
    text.extend_from_slice(b"\\x");
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}
