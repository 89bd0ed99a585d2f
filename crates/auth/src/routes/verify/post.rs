//! `POST /verify`: from an application.

use super::{HALF_WAY, Outcome, Purpose, verify};
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::one_time::Proof;
use crate::rate::Action;
use crate::routes::input::Json;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default, rename = "type")]
    purpose: String,
    #[serde(default)]
    token_hash: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
}

pub(crate) async fn handle(
    State(state): State<Shared>,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    let purpose = Purpose::parse(&params.purpose)?;
    if !params.phone.is_empty() {
        return Err(Code::PhoneProviderDisabled.into());
    }
    state.limits.take(Action::Verify, client.address)?;
    let email;
    let proof = match (params.token_hash.as_str(), params.token.as_str(), params.email.as_str()) {
        ("", "", _) => return Err(Failure::invalid("Verify requires a token or a token hash")),
        ("", _, "") => {
            return Err(Failure::invalid("Only an email address or phone number should be provided on verify"));
        }
        ("", code, address) => {
            email = EmailAddress::parse(address)?;
            Proof::Code(&email, code)
        }
        (token, "", "") => Proof::Token(token),
        _ => return Err(Failure::invalid("Only the token_hash and type should be provided")),
    };
    match verify(&state, &client, purpose, proof).await? {
        Outcome::SignedIn(reply) => json_ok(&reply),
        Outcome::HalfWay => json_ok(&json!({"msg": HALF_WAY, "code": "200"})),
    }
}
