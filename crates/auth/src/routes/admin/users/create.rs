//! `POST /admin/users`: an account made by an administrator, sign-ups open or not.

use super::{Params, ban};
use crate::account::{Ban, Confirmed, NewAccount};
use crate::caller::require_admin;
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::password;
use crate::routes::input::Json;
use crate::routes::respond::json_ok;
use crate::state::{Shared, State};
use crate::user::{self, User};
use axum::response::Response;
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    headers: HeaderMap,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let account = plan(&state, params).await?;
    let now = state.now();
    let mut statements = account.statements(now);
    let email = account.email.as_ref().map(EmailAddress::as_str);
    let traits = json!({"user_id": account.id, "user_email": email, "provider": "email"});
    statements.push(Event::UserSignedUp.record(Actor::Admin, traits, &client, now));
    statements.push(user::select(account.id));
    let results = state.pool.run(&statements).await?;
    // The insert gives way to an existing address or id; an account that was there before is not ours to show.
    if results.first().is_none_or(|rows| rows.affected() == 0) {
        return Err(Code::EmailExists.into());
    }
    let row = results.last().and_then(|rows| rows.first()).ok_or(Code::EmailExists)?;
    json_ok(&User::read(row, 0)?)
}

async fn plan(state: &State, params: Params) -> Result<NewAccount, Failure> {
    if params.phone.as_deref().is_some_and(|phone| !phone.is_empty()) {
        return Err(Code::PhoneProviderDisabled.into());
    }
    let email = params.email.as_deref().filter(|email| !email.is_empty());
    let email = email.ok_or_else(|| Failure::invalid("Cannot create a user without either an email or phone"))?;
    let confirmed = if params.email_confirm { Confirmed::Proven } else { Confirmed::No };
    let mut account = NewAccount::with_email(EmailAddress::parse(email)?, confirmed);
    if let (Some(id), Some(email)) = (params.id, account.email.clone()) {
        account.id = id;
        account.identity = Some(crate::account::NewIdentity::email(id, &email, confirmed));
    }
    account.password_hash = match (&params.password, params.hash_given()?) {
        (Some(_), Some(_)) => return Err(Failure::invalid("Only a password or a password hash should be provided")),
        (Some(password), None) => {
            password::check(&state.config, password.expose_secret())?;
            Some(state.hasher.hash(password).await?)
        }
        (None, hash) => hash,
    };
    if let (Value::Object(defaults), Some(given)) = (&mut account.app_metadata, params.app_metadata) {
        defaults.extend(given);
    }
    account.user_metadata = Value::Object(params.user_metadata.unwrap_or_default());
    account.role = params.role.filter(|role| !role.is_empty()).unwrap_or(account.role);
    account.aud = params.aud.filter(|aud| !aud.is_empty()).unwrap_or(account.aud);
    account.banned_until =
        match params.ban_duration.as_deref().filter(|text| !text.is_empty()).map(|text| ban(text, state.now())) {
            Some(Ok(Ban::Until(until))) => Some(until),
            Some(Err(failure)) => return Err(failure),
            Some(Ok(Ban::Keep | Ban::Lift)) | None => None,
        };
    Ok(account)
}
