//! What is remembered of a sign-in while the browser is at the provider.

use crate::error::{Code, Failure};
use crate::instant::Instant;
use crate::pkce::{Challenge, ChallengeMethod};
use crate::secret;
use mainstay_pg::{Pool, Statement};
use std::time::Duration;

/// How long a sign-in at the provider may take.
const LIFE: Duration = Duration::from_secs(600);

/// A sign-in under way.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) provider: String,
    pub(crate) redirect_to: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    pub(crate) challenge: Option<Challenge>,
}

/// Stores a sign-in under its state.
pub(crate) async fn put(pool: &Pool, state: &str, pending: &Pending, now: Instant) -> Result<(), Failure> {
    let statement = Statement::prepared(
        "insert into auth.oauth_states (state, provider, redirect_to, nonce, provider_code_verifier, code_challenge, \
         code_challenge_method, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7::auth.code_challenge_method, \
         $8::timestamptz, $9::timestamptz)",
    )
    .bind(secret::digest_hex(state))
    .bind(pending.provider.as_str())
    .bind(pending.redirect_to.as_str())
    .bind(pending.nonce.as_str())
    .bind(pending.verifier.as_str())
    .bind(pending.challenge.as_ref().map(|challenge| challenge.value.as_str()))
    .bind(pending.challenge.as_ref().map(|challenge| challenge.method.as_str()))
    .bind(now.to_string())
    .bind(now.plus(LIFE).to_string());
    pool.run(&[statement]).await?;
    Ok(())
}

/// Takes a sign-in by its state. It is gone afterwards, whatever happens next.
pub(crate) async fn take(pool: &Pool, state: &str, now: Instant) -> Result<Pending, Failure> {
    let statement = Statement::prepared(
        "delete from auth.oauth_states where state = $1 returning provider, redirect_to, nonce, provider_code_verifier, \
         code_challenge, code_challenge_method, expires_at > $2::timestamptz",
    )
    .bind(secret::digest_hex(state))
    .bind(now.to_string());
    let results = pool.run(&[statement]).await?;
    let row = results.first().and_then(|rows| rows.first()).ok_or(Code::BadOauthState)?;
    if row.text(6) != Some("t") {
        return Err(Code::BadOauthState.into());
    }
    let text = |i| row.text(i).unwrap_or_default().to_owned();
    let challenge = match row.text(4) {
        Some(value) => Some(Challenge { value: value.to_owned(), method: ChallengeMethod::parse(&text(5))? }),
        None => None,
    };
    Ok(Pending { provider: text(0), redirect_to: text(1), nonce: text(2), verifier: text(3), challenge })
}
