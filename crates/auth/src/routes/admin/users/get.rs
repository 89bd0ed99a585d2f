//! `GET /admin/users/{id}`.

use super::parse_id;
use crate::caller::require_admin;
use crate::error::{Code, Failure};
use crate::routes::respond::json_ok;
use crate::state::Shared;
use crate::user;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

pub(crate) async fn handle(
    State(state): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let stored = user::by_id(&state.pool, parse_id(&id)?).await?.ok_or(Code::UserNotFound)?;
    json_ok(&stored.user)
}
