//! `GET /admin/audit`: the audit log, newest first.

use super::page::Page;
use crate::caller::require_admin;
use crate::error::Failure;
use crate::routes::input::Query;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstay_pg::Statement;
use serde_json::value::RawValue;

pub(crate) async fn handle(State(state): State<Shared>, headers: HeaderMap, query: Query) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let page = Page::parse(&query)?;
    let list = Statement::prepared(
        "select coalesce(json_agg(json_build_object('id', a.id, 'payload', a.payload, 'created_at', a.created_at, \
         'ip_address', a.ip_address) order by a.created_at desc, a.id), '[]') from (select * from auth.audit_log_entries \
         order by created_at desc, id limit $1::bigint offset $2::bigint) a",
    )
    .bind(page.size)
    .bind(page.offset());
    let count = Statement::prepared("select count(*) from auth.audit_log_entries");
    let results = state.pool.run(&[list, count]).await?;
    let text = |i: usize| results.get(i).and_then(|rows| rows.first()).and_then(|row| row.text(0)).unwrap_or_default();
    let mut response = json_ok(&serde_json::from_str::<&RawValue>(text(0)).map_err(Failure::internal)?)?;
    page.describe(&mut response, &format!("{}/admin/audit", state.issuer), text(1).parse().unwrap_or(0));
    Ok(response)
}
