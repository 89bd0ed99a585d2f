//! The PKCE flow between an application and this room (RFC 7636): the browser comes back with a code that is worth
//! nothing without the verifier the application kept.

use crate::client::Client;
use crate::error::{Code, Failure};
use crate::instant::Instant;
use crate::secret;
use crate::session;
use crate::state::State;
use crate::token::{Method, TokenReply};
use mainstay_pg::{Row, Statement};
use std::time::Duration;
use uuid::Uuid;

/// How long a code may wait to be exchanged.
const CODE_LIFE: Duration = Duration::from_secs(300);

/// What the application sent ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) value: String,
    pub(crate) method: ChallengeMethod,
}

/// How challenge and verifier relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChallengeMethod {
    S256,
    Plain,
}

/// Tokens of the external provider, handed through to the application.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProviderTokens {
    pub(crate) access: Option<String>,
    pub(crate) refresh: Option<String>,
}

// === impl Challenge ===

impl Challenge {
    /// Reads the two parameters; none of both means the implicit flow.
    ///
    /// The bounds are those of RFC 7636 section 4.2.
    pub(crate) fn parse(value: Option<&str>, method: Option<&str>) -> Result<Option<Self>, Failure> {
        let (value, method) = match (value.filter(|v| !v.is_empty()), method.filter(|m| !m.is_empty())) {
            (None, None) => return Ok(None),
            (Some(value), Some(method)) => (value, method),
            _ => return Err(Failure::invalid("PKCE flow requires code_challenge_method and code_challenge")),
        };
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !(43..=128).contains(&value.len()) || !value.chars().all(unreserved) {
            return Err(Failure::invalid(
                "code challenge has to be between 43 and 128 characters of A-Z a-z 0-9 - . _ ~",
            ));
        }
        Ok(Some(Self { value: value.to_owned(), method: ChallengeMethod::parse(method)? }))
    }

    /// True when the verifier belongs to this challenge.
    pub(crate) fn admits(&self, verifier: &str) -> bool {
        match self.method {
            ChallengeMethod::S256 => secret::same(&secret::s256(verifier), &self.value),
            ChallengeMethod::Plain => secret::same(verifier, &self.value),
        }
    }
}

// === impl ChallengeMethod ===

impl ChallengeMethod {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.to_ascii_lowercase().as_str() {
            "s256" => Ok(Self::S256),
            "plain" => Ok(Self::Plain),
            _ => Err(Failure::invalid("code_challenge_method must be s256 or plain")),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::S256 => "s256",
            Self::Plain => "plain",
        }
    }
}

/// Makes a code for a user: the code for the redirect and the statement that stores its digest.
pub(crate) fn make_code(
    user: Uuid,
    provider: &str,
    challenge: &Challenge,
    tokens: &ProviderTokens,
    now: Instant,
) -> Result<(String, Statement<'static>), Failure> {
    let code = secret::random_token().map_err(Failure::internal)?;
    let statement = Statement::prepared(
        "insert into auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge, provider_type, \
         provider_access_token, provider_refresh_token, authentication_method, created_at, updated_at, auth_code_issued_at) \
         values ($1::uuid, $2::uuid, $3, $4::auth.code_challenge_method, $5, $6, $7, $8, 'oauth', $9::timestamptz, \
         $9::timestamptz, $9::timestamptz)",
    )
    .bind(Uuid::new_v4().to_string())
    .bind(user.to_string())
    .bind(secret::digest_hex(&code))
    .bind(challenge.method.as_str())
    .bind(challenge.value.as_str())
    .bind(provider)
    .bind(tokens.access.as_deref())
    .bind(tokens.refresh.as_deref())
    .bind(now.to_string());
    Ok((code, statement))
}

/// Exchanges a code for a session. The code is used up even when the verifier is wrong: nobody guesses twice.
pub(crate) async fn exchange(
    state: &State,
    client: &Client,
    code: &str,
    verifier: &str,
) -> Result<TokenReply, Failure> {
    let take = Statement::prepared(
        "delete from auth.flow_state where auth_code = $1 and user_id is not null returning user_id, code_challenge, \
         code_challenge_method, provider_access_token, provider_refresh_token, \
         to_char(auth_code_issued_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    )
    .bind(secret::digest_hex(code));
    let results = state.pool.run(&[take]).await?;
    let row = results.first().and_then(|rows| rows.first()).ok_or(Code::FlowStateNotFound)?;
    let issued = row.text(5).and_then(|text| text.parse().ok()).map(Instant);
    if issued.is_none_or(|at| at.plus(CODE_LIFE) <= state.now()) {
        return Err(Code::FlowStateExpired.into());
    }
    if !stored_challenge(row)?.admits(verifier) {
        return Err(Code::BadCodeVerifier.into());
    }
    let user =
        row.text(0).and_then(|id| id.parse().ok()).ok_or_else(|| Failure::internal("flow state without a user"))?;
    let mut reply = session::open(state, user, Method::OAuth, client, Vec::new()).await?;
    reply.provider_token = row.text(3).map(str::to_owned);
    reply.provider_refresh_token = row.text(4).map(str::to_owned);
    Ok(reply)
}

fn stored_challenge(row: &Row) -> Result<Challenge, Failure> {
    let value = row.text(1).unwrap_or_default().to_owned();
    Ok(Challenge { value, method: ChallengeMethod::parse(row.text(2).unwrap_or_default())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn challenges_admit_only_their_verifier() {
        let s256 = Challenge::parse(Some(CHALLENGE), Some("S256")).unwrap().unwrap();
        assert!(s256.admits(VERIFIER) && !s256.admits(CHALLENGE) && !s256.admits(""));
        let plain = Challenge::parse(Some(VERIFIER), Some("plain")).unwrap().unwrap();
        assert!(plain.admits(VERIFIER) && !plain.admits(CHALLENGE));
    }

    #[test]
    fn half_a_challenge_or_a_malformed_one_is_refused() {
        assert_eq!(Challenge::parse(None, Some("")).unwrap(), None);
        for (value, method) in [
            (Some(CHALLENGE), None),
            (None, Some("s256")),
            (Some("short"), Some("s256")),
            (Some(CHALLENGE), Some("s512")),
            (Some("with spaces in it, which is not allowed at all here"), Some("plain")),
        ] {
            assert!(Challenge::parse(value, method).is_err(), "{value:?} {method:?}");
        }
    }
}
