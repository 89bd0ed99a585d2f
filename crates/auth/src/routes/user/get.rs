//! `GET /user`.

use crate::caller::session_user;
use crate::error::Failure;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

pub(crate) async fn handle(State(state): State<Shared>, headers: HeaderMap) -> Result<Response, Failure> {
    let caller = session_user(&state, &headers).await?;
    json_ok(&caller.user)
}
