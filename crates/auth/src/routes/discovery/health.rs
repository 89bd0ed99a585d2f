//! `GET /health`: the process answers. Whether it can work is `/readyz` of the process.

use crate::error::Failure;
use crate::routes::respond::json_ok;
use axum::response::Response;
use serde_json::json;

pub(crate) async fn handle() -> Result<Response, Failure> {
    json_ok(&json!({
        "version": concat!("mainstay-", env!("CARGO_PKG_VERSION")),
        "name": "GoTrue",
        "description": "Mainstay auth, compatible with GoTrue: a user registration and authentication API",
    }))
}
