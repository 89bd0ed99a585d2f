//! `DELETE /sessions/{id}`: sign one device out. Not part of supabase/auth.

use crate::caller::session_user;
use crate::client::Client;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::session::{self, Scope};
use crate::state::Shared;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use uuid::Uuid;

pub(crate) async fn handle(
    State(state): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    client: Client,
) -> Result<Response, Failure> {
    let caller = session_user(&state, &headers).await?;
    let id: Uuid = id.parse().map_err(|_| Failure::invalid("session id must be an UUID"))?;
    let user = caller.user.id;
    let results = state.pool.run(&[session::end(user, Some(id), Scope::Local)]).await?;
    if results.first().map_or(0, mainstay_pg::Rows::affected) == 0 {
        return Err(Failure::new(Code::SessionNotFound, "Session not found").with_status(StatusCode::NOT_FOUND));
    }
    let noted = Event::Logout.record(Actor::User(user), json!({"session_id": id}), &client, state.now());
    state.pool.run(&[noted]).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
