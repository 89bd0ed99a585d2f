//! Refresh tokens: rotation, tolerated reuse and the detection of theft.
//!
//! Each refresh replaces the token. Tokens are stored as digests only, and yet a client that lost the answer (or asked
//! from two tabs at once) must get the *same* successor again: so a successor is derived from its predecessor with a
//! key of the session, and can be computed anew by whoever presents the predecessor, but not from the database.
//!
//! A replaced token is answered when its direct successor is the active one (the answer was lost), or within the reuse
//! interval when any descendant is. Presented otherwise, it was copied: the whole session ends.

use crate::client::Client;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::instant::Instant;
use crate::secret;
use crate::state::State;
use crate::token::{MethodReference, TokenReply};
use crate::user::{User, user_json};
use mainstay_pg::{Row, Statement};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// Longest chain of successors followed within the reuse interval.
const MAX_STEPS: usize = 64;

/// A presented token with its session and account.
#[derive(Debug)]
struct Presented {
    token: TokenRow,
    user: User,
}

#[derive(Debug, Deserialize)]
struct TokenRow {
    id: i64,
    revoked: bool,
    updated_at: Instant,
    session_id: Uuid,
    key: String,
    amr: Vec<MethodReference>,
    session_created_at: Instant,
    refreshed_at: Option<Instant>,
    not_after: Option<Instant>,
    /// Digest of the session's active token, when it has one.
    active: Option<String>,
}

/// What a presented token leads to.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// Replace it.
    Rotate(String),
    /// It was replaced; this is what it was (in the end) replaced by.
    Repeat(String),
    /// It was copied.
    Stolen,
}

/// Exchanges a refresh token.
pub(crate) async fn refresh(state: &State, client: &Client, token: &str) -> Result<TokenReply, Failure> {
    let now = state.now();
    // Two rounds: when another request rotates the token between our look and our write, look once more.
    for _ in 0..2 {
        let presented = find(state, token).await?.ok_or(Code::RefreshTokenNotFound)?;
        check(state, &presented, now)?;
        match decide(&presented.token, token, state.config.refresh_token_reuse_interval.0, now) {
            Decision::Rotate(next) => {
                if let Some(user) = rotate(state, client, &presented, &next, now).await? {
                    state.meters.refresh_ok.inc();
                    return reply(state, user, &presented.token, next, now);
                }
            }
            Decision::Repeat(active) => {
                state.meters.refresh_reused.inc();
                return reply(state, presented.user, &presented.token, active, now);
            }
            Decision::Stolen => return Err(revoke(state, client, &presented, now).await),
        }
    }
    Err(Failure::unavailable("a refresh token kept changing"))
}

async fn find(state: &State, token: &str) -> Result<Option<Presented>, Failure> {
    let statement = Statement::prepared(concat!(
        "select json_build_object('id', t.id, 'revoked', t.revoked, 'updated_at', t.updated_at, 'session_id', s.id, \
         'key', s.refresh_token_hmac_key, 'amr', s.amr, 'session_created_at', s.created_at, \
         'refreshed_at', s.refreshed_at, 'not_after', s.not_after, 'active', (select a.token from auth.refresh_tokens a \
         where a.session_id = s.id and not a.revoked order by a.id desc limit 1)), ",
        user_json!(),
        " from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id join auth.users u on u.id = s.user_id \
         where t.token = $1"
    ))
    .bind(secret::digest_hex(token));
    let results = state.pool.run(&[statement]).await?;
    results.first().and_then(|rows| rows.first()).map(read).transpose()
}

fn read(row: &Row) -> Result<Presented, Failure> {
    let document = row.bytes(0).ok_or_else(|| Failure::internal("a token document is null"))?;
    Ok(Presented { token: serde_json::from_slice(document).map_err(Failure::internal)?, user: User::read(row, 1)? })
}

fn check(state: &State, presented: &Presented, now: Instant) -> Result<(), Failure> {
    let (token, user) = (&presented.token, &presented.user);
    if user.is_deleted() {
        return Err(Code::RefreshTokenNotFound.into());
    }
    if user.is_banned(now) {
        let message = "Invalid Refresh Token: User Banned";
        return Err(Failure::new(Code::UserBanned, message).with_status(http::StatusCode::BAD_REQUEST));
    }
    if is_over(token, state, now) {
        return Err(Code::SessionExpired.into());
    }
    let last_used = token.refreshed_at.unwrap_or(token.session_created_at);
    if state.inactivity().is_some_and(|limit| last_used.plus(limit) <= now) {
        return Err(Failure::new(Code::SessionExpired, "Invalid Refresh Token: Session Expired (Inactivity)"));
    }
    Ok(())
}

/// Reuse detection closes a session through `not_after`; that must be reported as reuse, not as age.
fn is_over(token: &TokenRow, state: &State, now: Instant) -> bool {
    let aged = state.timebox().is_some_and(|limit| token.session_created_at.plus(limit) <= now);
    let closed = token.active.is_some() && token.not_after.is_some_and(|end| end <= now);
    aged || closed
}

fn decide(token: &TokenRow, presented: &str, interval: std::time::Duration, now: Instant) -> Decision {
    let mut next = secret::derive_token(&token.key, presented);
    if !token.revoked {
        return Decision::Rotate(next);
    }
    let Some(active) = &token.active else { return Decision::Stolen };
    let steps = if now <= token.updated_at.plus(interval) { MAX_STEPS } else { 1 };
    for _ in 0..steps {
        if secret::same(&secret::digest_hex(&next), active) {
            return Decision::Repeat(next);
        }
        next = secret::derive_token(&token.key, &next);
    }
    Decision::Stolen
}

/// Replaces the token unless someone else just did. The row lock of the update makes parallel requests queue; the
/// second finds the token revoked, affects nothing and gets `None`.
async fn rotate(
    state: &State,
    client: &Client,
    presented: &Presented,
    next: &str,
    now: Instant,
) -> Result<Option<User>, Failure> {
    let statement = Statement::prepared(concat!(
        "with old as (update auth.refresh_tokens set revoked = true, updated_at = $3::timestamptz \
         where id = $1::bigint and not revoked returning token, user_id, session_id), \
         new as (insert into auth.refresh_tokens (token, user_id, created_at, updated_at, parent, session_id) \
         select $2, old.user_id, $3::timestamptz, $3::timestamptz, old.token, old.session_id from old), \
         touched as (update auth.sessions s set refreshed_at = $3::timestamptz, updated_at = $3::timestamptz, \
         user_agent = coalesce($4, s.user_agent), ip = coalesce(nullif($5, '')::inet, s.ip) from old where s.id = old.session_id) \
         select ",
        user_json!(),
        " from auth.users u join old on u.id = old.user_id"
    ))
    .bind(presented.token.id)
    .bind(secret::digest_hex(next))
    .bind(now.to_string())
    .bind(client.user_agent.as_deref())
    .bind(client.address_text());
    let results = state.pool.run(&[statement]).await?;
    results.first().and_then(|rows| rows.first()).map(|row| User::read(row, 0)).transpose()
}

/// Ends the session of a copied token: its refresh tokens and, through `not_after`, its access tokens.
async fn revoke(state: &State, client: &Client, presented: &Presented, now: Instant) -> Failure {
    state.meters.refresh_refused.inc();
    let session = presented.token.session_id;
    let statements = [
        Statement::prepared(
            "update auth.refresh_tokens set revoked = true, updated_at = $2::timestamptz where session_id = $1::uuid and not revoked",
        )
        .bind(session.to_string())
        .bind(now.to_string()),
        Statement::prepared(
            "update auth.sessions set not_after = least(not_after, $2::timestamptz), updated_at = $2::timestamptz where id = $1::uuid",
        )
        .bind(session.to_string())
        .bind(now.to_string()),
        Event::TokenRevoked.record(
            Actor::User(presented.user.id),
            json!({"session_id": session, "reason": "reuse"}),
            client,
            now,
        ),
    ];
    match state.pool.run(&statements).await {
        Ok(_) => Code::RefreshTokenAlreadyUsed.into(),
        Err(error) => error.into(),
    }
}

fn reply(state: &State, user: User, row: &TokenRow, token: String, now: Instant) -> Result<TokenReply, Failure> {
    TokenReply::issue(state, user, row.session_id, &row.amr, token, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(revoked: bool, active: Option<&str>) -> TokenRow {
        let at = Instant("2026-01-01T00:00:00Z".parse().unwrap());
        TokenRow {
            id: 1,
            revoked,
            updated_at: at,
            session_id: Uuid::nil(),
            key: "key".into(),
            amr: Vec::new(),
            session_created_at: at,
            refreshed_at: None,
            not_after: None,
            active: active.map(secret::digest_hex),
        }
    }

    #[test]
    fn a_token_is_rotated_repeated_or_given_away() {
        let (one, interval) = ("first", Duration::from_secs(10));
        let two = secret::derive_token("key", one);
        let three = secret::derive_token("key", &two);
        let at = |seconds| row(false, None).updated_at.plus(Duration::from_secs(seconds));
        let decide = |row: TokenRow, seconds| decide(&row, one, interval, at(seconds));
        assert_eq!(decide(row(false, Some(one)), 1000), Decision::Rotate(two.clone()));
        assert_eq!(decide(row(true, Some(&two)), 5), Decision::Repeat(two.clone()));
        assert_eq!(decide(row(true, Some(&two)), 5000), Decision::Repeat(two.clone()), "the answer was lost");
        assert_eq!(decide(row(true, Some(&three)), 5), Decision::Repeat(three.clone()), "within the interval");
        assert_eq!(decide(row(true, Some(&three)), 11), Decision::Stolen);
        assert_eq!(decide(row(true, None), 5), Decision::Stolen);
        assert_eq!(decide(row(true, Some("unrelated")), 5), Decision::Stolen);
    }
}
