//! `GET /.well-known/jwks.json`: the public keys that verify access tokens. Empty while tokens are signed with a shared
//! secret; shared secrets never appear.

use crate::error::Failure;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;

pub(crate) async fn handle(State(state): State<Shared>) -> Result<Response, Failure> {
    let mut response = json_ok(&state.signer.jwks())?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
    Ok(response)
}
