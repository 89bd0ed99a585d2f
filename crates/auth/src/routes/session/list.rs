//! `GET /sessions`: where this account is signed in. Not part of supabase/auth.

use crate::caller::session_user;
use crate::error::Failure;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use mainstay_pg::Statement;
use serde_json::value::RawValue;

pub(crate) async fn handle(State(state): State<Shared>, headers: HeaderMap) -> Result<Response, Failure> {
    let caller = session_user(&state, &headers).await?;
    let statement = Statement::prepared(
        "select json_build_object('sessions', coalesce(json_agg(json_build_object('id', s.id, 'created_at', s.created_at, \
         'refreshed_at', s.refreshed_at, 'user_agent', s.user_agent, 'ip', host(s.ip), 'aal', s.aal, \
         'current', s.id = $2::uuid) order by coalesce(s.refreshed_at, s.created_at) desc), '[]')) \
         from auth.sessions s where s.user_id = $1::uuid and (s.not_after is null or s.not_after > $3::timestamptz)",
    )
    .bind(caller.user.id.to_string())
    .bind(caller.session.to_string())
    .bind(state.now().to_string());
    let results = state.pool.run(&[statement]).await?;
    let text = results.first().and_then(|rows| rows.first()).and_then(|row| row.text(0)).unwrap_or_default();
    json_ok(&serde_json::from_str::<&RawValue>(text).map_err(Failure::internal)?)
}
