//! `POST /logout?scope=global|local|others`. An administrator ends someone's sessions by sending that user's token.

use crate::caller::session_user;
use crate::client::Client;
use crate::error::Failure;
use crate::events::{Actor, Event};
use crate::routes::input::Query;
use crate::session::{self, Scope};
use crate::state::Shared;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

pub(crate) async fn handle(
    State(state): State<Shared>,
    headers: HeaderMap,
    query: Query,
    client: Client,
) -> Result<Response, Failure> {
    let scope = parse(query.get("scope"))?;
    let caller = session_user(&state, &headers).await?;
    let user = caller.user.id;
    state
        .pool
        .run(&[
            session::end(user, Some(caller.session), scope),
            Event::Logout.record(Actor::User(user), json!({}), &client, state.now()),
        ])
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn parse(scope: Option<&str>) -> Result<Scope, Failure> {
    match scope {
        None | Some("global") => Ok(Scope::Global),
        Some("local") => Ok(Scope::Local),
        Some("others") => Ok(Scope::Others),
        Some(_) => Err(Failure::invalid("Unsupported logout scope: use global, local or others")),
    }
}
