//! `GET /.well-known/openid-configuration`: enough for verifiers to find the keys. This room is no OpenID provider, so
//! there are no endpoints to list.

use crate::error::Failure;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde_json::json;

pub(crate) async fn handle(State(state): State<Shared>) -> Result<Response, Failure> {
    let issuer = &state.issuer;
    let mut response = json_ok(&json!({"issuer": issuer, "jwks_uri": format!("{issuer}/.well-known/jwks.json")}))?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
    Ok(response)
}
