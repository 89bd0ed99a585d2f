//! Tokens that prove an address once: recovery, magic link, confirmation, invitation, e-mail change.
//!
//! Two secrets lead to the same row: a long random one for links (`token_hash` in the API) and a six-digit code for
//! those who type it. Both are stored as digests, both die with the first use; the code also dies after five wrong
//! guesses.

use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::instant::Instant;
use crate::secret;
use crate::state::State;
use crate::user::{User, user_json};
use mainstay_pg::{Row, Statement};
use uuid::Uuid;

const MAX_ATTEMPTS: u32 = 5;

/// What a token proves (supabase/auth: `models.OneTimeTokenType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Confirmation,
    Recovery,
    EmailChangeNew,
    EmailChangeCurrent,
}

/// A token just made; the only time its secrets are known.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) token: String,
    pub(crate) code: String,
    kind: Kind,
    relates_to: String,
    expires: Instant,
}

/// What was presented, and what it must be for.
#[derive(Debug)]
pub(crate) enum Proof<'a> {
    /// The token of a link.
    Token(&'a str),
    /// A typed code and the address it was made for.
    Code(&'a EmailAddress, &'a str),
}

/// A token that was presented in time. It is used up.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) user: User,
    pub(crate) kind: Kind,
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 4] = [Self::Confirmation, Self::Recovery, Self::EmailChangeNew, Self::EmailChangeCurrent];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation_token",
            Self::Recovery => "recovery_token",
            Self::EmailChangeNew => "email_change_token_new",
            Self::EmailChangeCurrent => "email_change_token_current",
        }
    }
}

// === impl Made ===

impl Made {
    pub(crate) fn new(state: &State, kind: Kind, relates_to: &EmailAddress) -> Result<Self, Failure> {
        Ok(Self {
            token: secret::random_token().map_err(Failure::internal)?,
            code: secret::random_code().map_err(Failure::internal)?,
            kind,
            relates_to: relates_to.as_str().to_owned(),
            expires: state.now().plus(state.config.otp_expiry.0),
        })
    }

    /// Stores it in place of the account's earlier token of the same kind.
    pub(crate) fn store(&self, user: Uuid) -> Statement<'static> {
        Statement::prepared(
            "insert into auth.one_time_tokens (user_id, token_type, token_hash, code_hash, relates_to, expires_at) \
             select u.id, $2::auth.one_time_token_type, $3, $4, $5, $6::timestamptz from auth.users u where u.id = $1::uuid \
             on conflict (user_id, token_type) do update set token_hash = excluded.token_hash, code_hash = excluded.code_hash, \
             relates_to = excluded.relates_to, expires_at = excluded.expires_at, attempts = 0, updated_at = now()",
        )
        .bind(user.to_string())
        .bind(self.kind.as_str())
        .bind(secret::digest_hex(&self.token))
        .bind(code_digest(&self.relates_to, &self.code))
        .bind(self.relates_to.as_str())
        .bind(self.expires.to_string())
    }
}

/// Uses a token up.
///
/// # Errors
/// `otp_expired` for unknown, used, expired and wrong ones alike; `user_banned`.
pub(crate) async fn redeem(state: &State, proof: Proof<'_>, kinds: &[Kind]) -> Result<Used, Failure> {
    let now = state.now();
    let (found, guess) = match &proof {
        Proof::Token(token) => (by_token(token, kinds), None),
        Proof::Code(address, code) => (by_code(address, code, kinds), Some(missed_code(address, kinds))),
    };
    let mut statements = vec![found];
    statements.extend(guess);
    let results = state.pool.run(&statements).await?;
    let row = results.first().and_then(|rows| rows.first()).ok_or(Code::OtpExpired)?;
    let used = Used { user: User::read(row, 0)?, kind: kind(row)? };
    let expires = row.text(2).and_then(|text| text.parse().ok()).map(Instant);
    if expires.is_none_or(|at| at <= now) || used.user.is_deleted() {
        return Err(Code::OtpExpired.into());
    }
    if used.user.is_banned(now) {
        return Err(Code::UserBanned.into());
    }
    Ok(used)
}

fn by_token(token: &str, kinds: &[Kind]) -> Statement<'static> {
    Statement::prepared(concat!(
        "with t as (delete from auth.one_time_tokens where token_hash = $1 \
         and token_type::text = any($2::text[]) returning user_id, token_type, expires_at) select ",
        user_json!(),
        ", t.token_type, to_char(t.expires_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
         from t join auth.users u on u.id = t.user_id"
    ))
    .bind(secret::digest_hex(token))
    .bind(array(kinds))
}

fn by_code(address: &EmailAddress, code: &str, kinds: &[Kind]) -> Statement<'static> {
    Statement::prepared(concat!(
        "with t as (delete from auth.one_time_tokens where code_hash = $1 \
         and token_type::text = any($2::text[]) and relates_to = $3 returning user_id, token_type, expires_at) select ",
        user_json!(),
        ", t.token_type, to_char(t.expires_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
         from t join auth.users u on u.id = t.user_id"
    ))
    .bind(code_digest(address.as_str(), code))
    .bind(array(kinds))
    .bind(address.as_str())
}

/// Counts a wrong guess. After a right one there is usually nothing left to count on.
fn missed_code(address: &EmailAddress, kinds: &[Kind]) -> Statement<'static> {
    Statement::prepared(
        "with missed as (update auth.one_time_tokens set attempts = attempts + 1 where relates_to = $1 \
         and token_type::text = any($2::text[]) and attempts + 1 < $3::int returning id) \
         delete from auth.one_time_tokens where relates_to = $1 and token_type::text = any($2::text[]) \
         and attempts + 1 >= $3::int",
    )
    .bind(address.as_str())
    .bind(array(kinds))
    .bind(MAX_ATTEMPTS)
}

fn kind(row: &Row) -> Result<Kind, Failure> {
    let name = row.text(1).unwrap_or_default();
    Kind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| Failure::internal("unknown kind of token"))
}

/// A PostgreSQL array literal of names that need no quoting.
fn array(kinds: &[Kind]) -> String {
    format!("{{{}}}", kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(","))
}

fn code_digest(address: &str, code: &str) -> String {
    secret::digest_hex(&format!("{address}:{code}"))
}
