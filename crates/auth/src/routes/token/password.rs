//! `grant_type=password`.
//!
//! Unknown addresses, accounts without a password and wrong passwords cost the same work and get the same answer.

use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::hasher::Verdict;
use crate::password::MAX_BYTES;
use crate::rate::Action;
use crate::routes::respond::json_ok;
use crate::session;
use crate::state::State;
use crate::token::Method;
use crate::user::{self, Stored};
use axum::response::Response;
use http::StatusCode;
use mainstay_pg::Statement;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    password: SecretString,
}

pub(crate) async fn grant(state: &State, client: &Client, params: Params) -> Result<Response, Failure> {
    if !params.phone.is_empty() {
        return Err(Code::PhoneProviderDisabled.into());
    }
    if params.email.is_empty() {
        return Err(Failure::invalid("missing email or phone"));
    }
    state.limits.take(Action::SignIn, client.address)?;
    state.limits.take_password(client.address, &params.email.trim().to_lowercase())?;
    match authenticate(state, &params).await {
        Ok((stored, rehash)) => json_ok(
            &session::open(state, stored.user.id, Method::Password, client, rehash.into_iter().collect()).await?,
        ),
        Err(failure) => {
            state.meters.login_refused.inc();
            Err(failure)
        }
    }
}

async fn authenticate(state: &State, params: &Params) -> Result<(Stored, Option<Statement<'static>>), Failure> {
    let stored = match EmailAddress::parse(&params.email) {
        Ok(email) if params.password.expose_secret().len() <= MAX_BYTES => user::by_email(&state.pool, &email).await?,
        _ => None,
    };
    let hash = stored.as_ref().and_then(|stored| stored.password_hash.as_deref());
    let verdict = state.hasher.verify(&shortened(&params.password), hash).await?;
    let stored = stored.filter(|_| verdict != Verdict::Wrong).ok_or(Code::InvalidCredentials)?;
    if stored.user.is_banned(state.now()) {
        return Err(Failure::from(Code::UserBanned).with_status(StatusCode::BAD_REQUEST));
    }
    if stored.user.email_confirmed_at.is_none() {
        return Err(Code::EmailNotConfirmed.into());
    }
    let rehash =
        if verdict == Verdict::RightButStale { Some(rehash(state, &stored, &params.password).await?) } else { None };
    Ok((stored, rehash))
}

/// Nobody has so long a password; the work done for it must not grow all the same.
fn shortened(password: &SecretString) -> SecretString {
    if password.expose_secret().len() <= MAX_BYTES { password.clone() } else { SecretString::default() }
}

/// Stores the password with today's parameters, unless it was changed meanwhile.
async fn rehash(state: &State, stored: &Stored, password: &SecretString) -> Result<Statement<'static>, Failure> {
    let hash = state.hasher.hash(password).await?;
    Ok(Statement::prepared(
        "update auth.users set encrypted_password = $2 where id = $1::uuid and encrypted_password = $3",
    )
    .bind(stored.user.id.to_string())
    .bind(hash)
    .bind(stored.password_hash.as_deref()))
}
