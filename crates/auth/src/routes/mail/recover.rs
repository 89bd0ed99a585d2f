//! `POST /recover`: 200 for every address, in equal time, so that nobody learns who has an account.
//!
//! No mail leaves this server yet. The request is noted in the audit log, where an administrator can see it and answer
//! with a link from `admin/generate_link`; no token is made here, because it would only void such a link.

use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::Failure;
use crate::events::{Actor, Event};
use crate::rate::Action;
use crate::routes::input::Json;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use std::sync::Once;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    email: String,
}

static WARNED: Once = Once::new();

pub(crate) async fn handle(
    State(state): State<Shared>,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    if params.email.is_empty() {
        return Err(Failure::invalid("Password recovery requires an email"));
    }
    let email = EmailAddress::parse(&params.email)?;
    state.limits.take(Action::SignIn, client.address)?;
    WARNED.call_once(|| {
        tracing::warn!(
            "mail is not configured: password recovery was requested, but no mail is sent; use admin/generate_link"
        );
    });
    let noted = Event::UserRecoveryRequested.record(Actor::Holder(&email), json!({}), &client, state.now());
    state.pool.run(&[noted]).await?;
    json_ok(&json!({}))
}
