//! `GET /admin/users`: accounts, newest first; `filter` matches part of the address or name, or the id.

use crate::caller::require_admin;
use crate::error::Failure;
use crate::routes::admin::page::Page;
use crate::routes::input::Query;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use crate::user::{self, AUTHENTICATED};
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::json;

pub(crate) async fn handle(State(state): State<Shared>, headers: HeaderMap, query: Query) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let page = Page::parse(&query)?;
    let (users, total) = user::list(&state.pool, page.size, page.offset(), query.get("filter")).await?;
    let mut response = json_ok(&json!({"users": users, "aud": AUTHENTICATED}))?;
    page.describe(&mut response, &format!("{}/admin/users", state.issuer), total);
    Ok(response)
}
