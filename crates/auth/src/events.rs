//! What happened: rows of the audit log and counters.

use crate::client::Client;
use crate::email::EmailAddress;
use crate::instant::Instant;
use mainstay_kernel::metrics::{Counter, Registry};
use mainstay_pg::Statement;
use serde_json::Value;
use uuid::Uuid;

/// Something worth an audit row (supabase/auth: `models/audit_log_entry.go`; names and kinds are part of the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Login,
    Logout,
    UserSignedUp,
    UserInvited,
    UserDeleted,
    UserModified,
    UserRecoveryRequested,
    UserConfirmationRequested,
    UserRepeatedSignUp,
    UserUpdatedPassword,
    TokenRevoked,
    IdentityLinked,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor<'a> {
    /// An account.
    User(Uuid),
    /// Whoever has an address, if anybody has; the caller must not learn which.
    Holder(&'a EmailAddress),
    /// The bearer of an administrator's key, or the operator on the command line; the traits name the account in
    /// `user_id`.
    Admin,
}

/// Counters of this room.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    pub(crate) login_ok: Counter,
    pub(crate) login_refused: Counter,
    pub(crate) refresh_ok: Counter,
    pub(crate) refresh_reused: Counter,
    pub(crate) refresh_refused: Counter,
    pub(crate) sign_ups: Counter,
}

/// An audit row whose actor is the account `u`.
macro_rules! by_user {
    () => {
        "insert into auth.audit_log_entries (id, payload, created_at, ip_address) select gen_random_uuid(), \
         json_build_object('action', $1::text, 'log_type', $2::text, 'traits', $3::json, 'actor_id', u.id, \
         'actor_username', coalesce(nullif(u.email, ''), u.phone, ''), 'actor_via_sso', u.is_sso_user), \
         $4::timestamptz, $5 from auth.users u "
    };
}
// === impl Event ===

impl Event {
    fn action(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::UserSignedUp => "user_signedup",
            Self::UserInvited => "user_invited",
            Self::UserDeleted => "user_deleted",
            Self::UserModified => "user_modified",
            Self::UserRecoveryRequested => "user_recovery_requested",
            Self::UserConfirmationRequested => "user_confirmation_requested",
            Self::UserRepeatedSignUp => "user_repeated_signup",
            Self::UserUpdatedPassword => "user_updated_password",
            Self::TokenRevoked => "token_revoked",
            Self::IdentityLinked => "identity_linked",
        }
    }

    fn log_type(self) -> &'static str {
        match self {
            Self::Login | Self::Logout => "account",
            Self::UserSignedUp | Self::UserInvited | Self::UserDeleted => "team",
            Self::UserModified
            | Self::UserRecoveryRequested
            | Self::UserConfirmationRequested
            | Self::UserRepeatedSignUp
            | Self::UserUpdatedPassword
            | Self::IdentityLinked => "user",
            Self::TokenRevoked => "token",
        }
    }

    /// The statement that records it. Records nothing when the actor is an account that does not exist.
    pub(crate) fn record(self, actor: Actor<'_>, traits: Value, client: &Client, now: Instant) -> Statement<'static> {
        let (sql, who) = match actor {
            Actor::User(id) => (concat!(by_user!(), "where u.id = $6::uuid"), id.to_string()),
            Actor::Holder(email) => (
                concat!(by_user!(), "where lower(u.email) = $6 and u.is_sso_user = false and u.deleted_at is null"),
                email.as_str().to_owned(),
            ),
            Actor::Admin => (BY_ADMIN, Uuid::nil().to_string()),
        };
        Statement::prepared(sql)
            .bind(self.action())
            .bind(self.log_type())
            .bind(traits.to_string())
            .bind(now.to_string())
            .bind(client.address_text())
            .bind(who)
    }
}

/// An audit row whose actor is an administrator. When it is about an account, that account must exist: a request that
/// came to nothing leaves no trace of having succeeded.
const BY_ADMIN: &str = "insert into auth.audit_log_entries (id, payload, created_at, ip_address) select \
    gen_random_uuid(), json_build_object('action', $1::text, 'log_type', $2::text, 'traits', $3::json, \
    'actor_id', $6::uuid, 'actor_username', 'service_role', 'actor_via_sso', false), $4::timestamptz, $5 \
    where exists (select from auth.users u where u.id::text = $3::json ->> 'user_id')";

// === impl Meters ===

impl Meters {
    pub(crate) fn new(registry: &Registry) -> Self {
        let logins =
            |result| registry.counter("mainstay_auth_logins_total", "Sign-ins by result.", &[("result", result)]);
        let refreshes = |result| {
            registry.counter("mainstay_auth_refreshes_total", "Token refreshes by result.", &[("result", result)])
        };
        Self {
            login_ok: logins("ok"),
            login_refused: logins("refused"),
            refresh_ok: refreshes("ok"),
            refresh_reused: refreshes("reused"),
            refresh_refused: refreshes("refused"),
            sign_ups: registry.counter("mainstay_auth_sign_ups_total", "Accounts made by sign-up.", &[]),
        }
    }
}
