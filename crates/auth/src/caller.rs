//! Who is calling. Every handler that needs to know has one of these two lines.

use crate::error::{Code, Failure};
use crate::state::State;
use crate::user::{User, user_json};
use http::HeaderMap;
use mainstay_identity::TokenError;
use mainstay_pg::Statement;
use std::sync::Arc;
use uuid::Uuid;

/// A signed-in user.
#[derive(Debug)]
pub(crate) struct SessionUser {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
    pub(crate) session: Uuid,
}

/// Roles whose bearer may administer accounts (supabase/auth: `JWT.AdminRoles`).
const ADMIN_ROLES: [&str; 2] = ["service_role", "supabase_admin"];

/// The user behind the bearer token, whose session must still exist.
pub(crate) async fn session_user(state: &State, headers: &HeaderMap) -> Result<SessionUser, Failure> {
    let caller = verified(state, headers)?;
    let user = caller.subject.ok_or_else(|| Failure::new(Code::BadJwt, "invalid claim: missing sub claim"))?;
    let session = caller.session_id.ok_or(Code::SessionNotFound)?;
    let statement = Statement::prepared(concat!(
        "select ",
        user_json!(),
        ", u.encrypted_password, s.id is not null from auth.users u left join auth.sessions s on s.id = $2::uuid \
         and s.user_id = u.id and (s.not_after is null or s.not_after > $3::timestamptz) where u.id = $1::uuid"
    ))
    .bind(user.to_string())
    .bind(session.to_string())
    .bind(state.now().to_string());
    let results = state.pool.run(&[statement]).await?;
    let row = results.first().and_then(|rows| rows.first()).ok_or_else(no_such_user)?;
    let user = User::read(row, 0)?;
    if user.is_deleted() {
        return Err(no_such_user());
    }
    if row.text(2) != Some("t") {
        return Err(Code::SessionNotFound.into());
    }
    if user.is_banned(state.now()) {
        return Err(Code::UserBanned.into());
    }
    let password_hash = row.text(1).filter(|hash| !hash.is_empty()).map(str::to_owned);
    Ok(SessionUser { user, password_hash, session })
}

/// The bearer must be an administrator. A user who is one must also still be signed in.
pub(crate) async fn require_admin(state: &State, headers: &HeaderMap) -> Result<(), Failure> {
    let caller = verified(state, headers)?;
    if !ADMIN_ROLES.contains(&&*caller.role) {
        return Err(Code::NotAdmin.into());
    }
    if caller.session_id.is_some() {
        session_user(state, headers).await?;
    }
    Ok(())
}

fn verified(state: &State, headers: &HeaderMap) -> Result<Arc<mainstay_identity::Caller>, Failure> {
    let token = mainstay_identity::bearer(headers).ok_or(Code::NoAuthorization)?;
    state.verifier.verify(token).map_err(|error| {
        let message = match &error {
            TokenError::Expired => {
                "invalid JWT: unable to parse or verify signature, token has invalid claims: token is expired"
            }
            TokenError::NotYetValid => "invalid JWT: unable to parse or verify signature, token is not valid yet",
            _ => Code::BadJwt.entry().meaning,
        };
        Failure::new(Code::BadJwt, message).because(error)
    })
}

/// supabase/auth answers 403, not 404: the token is at fault.
fn no_such_user() -> Failure {
    Failure::new(Code::UserNotFound, "User from sub claim in JWT does not exist")
        .with_status(http::StatusCode::FORBIDDEN)
}
