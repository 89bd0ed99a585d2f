//! `grant_type=refresh_token`.

use crate::client::Client;
use crate::error::Failure;
use crate::rate::Action;
use crate::refresh;
use crate::routes::respond::json_ok;
use crate::state::State;
use axum::response::Response;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    refresh_token: String,
}

pub(crate) async fn grant(state: &State, client: &Client, params: Params) -> Result<Response, Failure> {
    if params.refresh_token.is_empty() {
        return Err(Failure::invalid("refresh_token required"));
    }
    state.limits.take(Action::Refresh, client.address)?;
    json_ok(&refresh::refresh(state, client, &params.refresh_token).await?)
}
