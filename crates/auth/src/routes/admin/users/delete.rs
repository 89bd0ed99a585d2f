//! `DELETE /admin/users/{id}`; `{"should_soft_delete": true}` keeps an empty row.

use super::parse_id;
use crate::account;
use crate::caller::require_admin;
use crate::client::Client;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::routes::input::OptionalJson;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use crate::user;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    should_soft_delete: bool,
}

pub(crate) async fn handle(
    State(state): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    client: Client,
    OptionalJson(params): OptionalJson<Params>,
) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let stored = user::by_id(&state.pool, parse_id(&id)?).await?.ok_or(Code::UserNotFound)?;
    let (user, now) = (stored.user, state.now());
    let traits = json!({"user_id": user.id, "user_email": user.email});
    // Recorded first, while the account is there.
    let mut statements = vec![Event::UserDeleted.record(Actor::Admin, traits, &client, now)];
    if params.should_soft_delete {
        statements.extend(account::soft_delete(user.id, now));
    } else {
        statements.push(account::delete(user.id));
    }
    state.pool.run(&statements).await?;
    json_ok(&json!({}))
}
