//! `grant_type=pkce`: the code from the redirect against a session.

use crate::client::Client;
use crate::error::Failure;
use crate::pkce;
use crate::rate::Action;
use crate::routes::respond::json_ok;
use crate::state::State;
use axum::response::Response;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    auth_code: String,
    #[serde(default)]
    code_verifier: String,
}

pub(crate) async fn grant(state: &State, client: &Client, params: Params) -> Result<Response, Failure> {
    if params.auth_code.is_empty() || params.code_verifier.is_empty() {
        return Err(Failure::invalid("invalid request: both auth code and code verifier should be non-empty"));
    }
    state.limits.take(Action::SignIn, client.address)?;
    json_ok(&pkce::exchange(state, client, &params.auth_code, &params.code_verifier).await?)
}
