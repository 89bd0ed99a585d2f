//! Sessions: how they open, how they end.

use crate::client::Client;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::instant::Instant;
use crate::secret;
use crate::state::State;
use crate::token::{Method, TokenReply};
use crate::user::{self, User};
use mainstay_pg::Statement;
use serde_json::json;
use uuid::Uuid;

/// A session that is about to open.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) session: Uuid,
    user: Uuid,
    refresh_token: String,
    key: String,
    method: Method,
    opened: Instant,
}

/// Which of a user's sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Global,
    /// The one that asks.
    Local,
    /// All but the one that asks.
    Others,
}

// === impl Opening ===

impl Opening {
    pub(crate) fn new(user: Uuid, method: Method, now: Instant) -> Result<Self, Failure> {
        Ok(Self {
            session: Uuid::new_v4(),
            user,
            refresh_token: secret::random_token().map_err(Failure::internal)?,
            key: secret::random_token().map_err(Failure::internal)?,
            method,
            opened: now,
        })
    }

    /// Opens the session and notes the sign-in, unless the account is gone or banned by now: then no row is affected.
    pub(crate) fn statements(&self, state: &State, client: &Client) -> [Statement<'static>; 2] {
        let not_after = state.timebox().map(|limit| self.opened.plus(limit).to_string());
        let stamp = Statement::prepared(
            "update auth.users set last_sign_in_at = $2::timestamptz, updated_at = $2::timestamptz where id = $1::uuid \
             and deleted_at is null and (banned_until is null or banned_until <= $2::timestamptz)",
        )
        .bind(self.user.to_string())
        .bind(self.opened.to_string());
        let open = Statement::prepared(
            "with s as (insert into auth.sessions (id, user_id, created_at, updated_at, not_after, user_agent, ip, amr, \
             refresh_token_hmac_key) select $1::uuid, u.id, $3::timestamptz, $3::timestamptz, $4::timestamptz, $5, \
             nullif($6, '')::inet, $7::jsonb, $8 from auth.users u where u.id = $2::uuid and u.deleted_at is null \
             and (u.banned_until is null or u.banned_until <= $3::timestamptz) returning id, user_id) \
             insert into auth.refresh_tokens (token, user_id, created_at, updated_at, session_id) \
             select $9, s.user_id, $3::timestamptz, $3::timestamptz, s.id from s",
        )
        .bind(self.session.to_string())
        .bind(self.user.to_string())
        .bind(self.opened.to_string())
        .bind(not_after)
        .bind(client.user_agent.as_deref())
        .bind(client.address_text())
        .bind(json!([self.method.reference(self.opened)]).to_string())
        .bind(self.key.as_str())
        .bind(secret::digest_hex(&self.refresh_token));
        [stamp, open]
    }

    /// What the client gets for it.
    pub(crate) fn reply(&self, state: &State, user: User) -> Result<TokenReply, Failure> {
        let amr = vec![self.method.reference(self.opened)];
        TokenReply::issue(state, user, self.session, &amr, self.refresh_token.clone(), self.opened)
    }
}

/// Opens a session in one round trip, after `before` in the same transaction.
pub(crate) async fn open(
    state: &State,
    user: Uuid,
    method: Method,
    client: &Client,
    before: Vec<Statement<'_>>,
) -> Result<TokenReply, Failure> {
    let now = state.now();
    let opening = Opening::new(user, method, now)?;
    let mut statements = before;
    statements.extend(opening.statements(state, client));
    let opened_at = statements.len() - 1;
    statements.push(Event::Login.record(Actor::User(user), json!({"provider": method.provider()}), client, now));
    statements.push(user::select(user));
    let results = state.pool.run(&statements).await?;
    // No account at all (a sign-up whose address was taken) is told apart from one that may not sign in.
    let row = results.last().and_then(|rows| rows.first()).ok_or(Code::UserNotFound)?;
    if results.get(opened_at).is_none_or(|rows| rows.affected() == 0) {
        return Err(Code::UserBanned.into());
    }
    let reply = opening.reply(state, User::read(row, 0)?)?;
    state.meters.login_ok.inc();
    Ok(reply)
}

/// Ends sessions of a user; their refresh tokens go with them.
pub(crate) fn end(user: Uuid, session: Option<Uuid>, scope: Scope) -> Statement<'static> {
    let sql = match scope {
        Scope::Global => "delete from auth.sessions where user_id = $1::uuid",
        Scope::Local => "delete from auth.sessions where user_id = $1::uuid and id = $2::uuid",
        Scope::Others => "delete from auth.sessions where user_id = $1::uuid and id is distinct from $2::uuid",
    };
    let statement = Statement::prepared(sql).bind(user.to_string());
    if scope == Scope::Global { statement } else { statement.bind(session.map(|id| id.to_string())) }
}
