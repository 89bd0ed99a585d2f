//! `POST /token?grant_type=…`: sessions and their renewal.

mod password;
mod pkce;
mod refresh;

use crate::client::Client;
use crate::error::{Code, Failure};
use crate::routes::input::{Query, body, parse};
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use mainstay_kernel::http::Request;
use serde::de::DeserializeOwned;

pub(crate) async fn handle(
    State(state): State<Shared>,
    query: Query,
    client: Client,
    request: Request,
) -> Result<Response, Failure> {
    match query.get("grant_type") {
        Some("password") => password::grant(&state, &client, read(request).await?).await,
        Some("refresh_token") => refresh::grant(&state, &client, read(request).await?).await,
        Some("pkce") => pkce::grant(&state, &client, read(request).await?).await,
        _ => Err(Failure::new(Code::InvalidCredentials, "unsupported_grant_type")),
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    parse(&body(request).await?)
}
