//! Accounts as clients see them, and how they are read.

use crate::email::EmailAddress;
use crate::error::Failure;
use crate::instant::Instant;
use mainstay_pg::{Pool, Row, Statement};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The audience and role of ordinary accounts.
pub(crate) const AUTHENTICATED: &str = "authenticated";

/// An account (supabase/auth: `models.User`). The password hash is deliberately not a field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Its id, `auth.uid()` in policies.
    pub id: Uuid,
    /// Audience of its tokens.
    #[serde(default)]
    pub aud: String,
    /// Database role of its tokens.
    #[serde(default)]
    pub role: String,
    /// Address; empty when there is none.
    #[serde(default)]
    pub email: String,
    /// When the address was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_confirmed_at: Option<Instant>,
    /// When it was invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Instant>,
    /// Phone number; empty when there is none.
    #[serde(default)]
    pub phone: String,
    /// When the phone number was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_confirmed_at: Option<Instant>,
    /// When a confirmation was last prepared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation_sent_at: Option<Instant>,
    /// The earlier of the two confirmations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Instant>,
    /// When a recovery was last prepared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_sent_at: Option<Instant>,
    /// Address it is being changed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
    /// When that change was prepared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_change_sent_at: Option<Instant>,
    /// When it last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<Instant>,
    /// Facts that only administrators write.
    #[serde(default)]
    pub app_metadata: Value,
    /// Facts that the user writes.
    #[serde(default)]
    pub user_metadata: Value,
    /// Ways to sign in.
    #[serde(default)]
    pub identities: Vec<Identity>,
    /// When it was made.
    pub created_at: Option<Instant>,
    /// When it last changed.
    pub updated_at: Option<Instant>,
    /// Until when it may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banned_until: Option<Instant>,
    /// When it was deleted with its row kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Instant>,
    /// Whether it signed up without an address.
    #[serde(default)]
    pub is_anonymous: bool,
    /// Whether an identity provider manages it; not shown.
    #[serde(default, skip_serializing)]
    pub(crate) is_sso_user: bool,
}

/// One way to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Id of the row.
    pub identity_id: Uuid,
    /// Id at the provider.
    pub id: String,
    /// The account.
    pub user_id: Uuid,
    /// What the provider said.
    pub identity_data: Value,
    /// The provider.
    pub provider: String,
    /// When it was last used.
    pub last_sign_in_at: Option<Instant>,
    /// When it was linked.
    pub created_at: Option<Instant>,
    /// When it last changed.
    pub updated_at: Option<Instant>,
    /// Address from the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// An account with what only sign-in needs.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
}

/// The JSON document of [`User`] over a row `u` of `auth.users`. Empty texts of optional columns become null.
macro_rules! user_json {
    () => {
        "json_build_object('id', u.id, 'aud', coalesce(nullif(u.aud, ''), 'authenticated'), 'role', coalesce(nullif(u.role, ''), 'authenticated'), \
         'email', coalesce(u.email, ''), 'email_confirmed_at', u.email_confirmed_at, 'invited_at', u.invited_at, \
         'phone', coalesce(u.phone, ''), 'phone_confirmed_at', u.phone_confirmed_at, \
         'confirmation_sent_at', u.confirmation_sent_at, 'confirmed_at', u.confirmed_at, \
         'recovery_sent_at', u.recovery_sent_at, 'new_email', nullif(u.email_change, ''), \
         'email_change_sent_at', u.email_change_sent_at, 'last_sign_in_at', u.last_sign_in_at, \
         'app_metadata', coalesce(u.raw_app_meta_data, '{}'), 'user_metadata', coalesce(u.raw_user_meta_data, '{}'), \
         'created_at', u.created_at, 'updated_at', u.updated_at, 'banned_until', u.banned_until, \
         'deleted_at', u.deleted_at, 'is_anonymous', u.is_anonymous, 'is_sso_user', u.is_sso_user, \
         'identities', coalesce((select json_agg(json_build_object('identity_id', i.id, 'id', i.provider_id, \
         'user_id', i.user_id, 'identity_data', i.identity_data, 'provider', i.provider, \
         'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at, 'updated_at', i.updated_at, \
         'email', i.email) order by i.created_at, i.id) from auth.identities i where i.user_id = u.id), '[]'))"
    };
}
pub(crate) use user_json;

/// Whether a row `u` contains a lowercased text, or there is none to look for.
macro_rules! matches_filter {
    ($text:literal) => {
        concat!(
            "(",
            $text,
            "::text is null or strpos(lower(coalesce(u.email, '')), ",
            $text,
            "::text) > 0 \
             or strpos(lower(coalesce(u.raw_user_meta_data ->> 'full_name', '')), ",
            $text,
            "::text) > 0 or u.id::text = ",
            $text,
            "::text)"
        )
    };
}

// === impl User ===

impl User {
    /// Reads the document in column `i`.
    pub(crate) fn read(row: &Row, i: usize) -> Result<Self, Failure> {
        let document = row.bytes(i).ok_or_else(|| Failure::internal("a user document is null"))?;
        serde_json::from_slice(document).map_err(Failure::internal)
    }

    pub(crate) fn is_banned(&self, now: Instant) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// True when someone proved to own the address, rather than it having been confirmed by configuration: a link was
    /// opened, an administrator vouched for it, or a provider verified it.
    pub(crate) fn owns_email(&self) -> bool {
        self.identities.iter().any(|identity| {
            identity.email.as_deref() == Some(self.email.as_str())
                && identity.identity_data.get("email_verified").and_then(Value::as_bool) == Some(true)
        })
    }
}

/// A statement that returns the document of one account.
pub(crate) fn select(id: Uuid) -> Statement<'static> {
    Statement::prepared(concat!("select ", user_json!(), " from auth.users u where u.id = $1::uuid"))
        .bind(id.to_string())
}

/// Finds an account by id.
pub(crate) async fn by_id(pool: &Pool, id: Uuid) -> Result<Option<Stored>, Failure> {
    let statement = Statement::prepared(concat!(
        "select ",
        user_json!(),
        ", u.encrypted_password from auth.users u where u.id = $1::uuid"
    ))
    .bind(id.to_string());
    stored(pool, statement).await
}

/// Finds an account that is not deleted by its address.
pub(crate) async fn by_email(pool: &Pool, email: &EmailAddress) -> Result<Option<Stored>, Failure> {
    let statement = Statement::prepared(concat!(
        "select ",
        user_json!(),
        ", u.encrypted_password from auth.users u \
         where lower(u.email) = $1 and u.is_sso_user = false and u.deleted_at is null"
    ))
    .bind(email.as_str());
    stored(pool, statement).await
}

async fn stored(pool: &Pool, statement: Statement<'_>) -> Result<Option<Stored>, Failure> {
    let results = pool.run(&[statement]).await?;
    let Some(row) = results.first().and_then(|rows| rows.first()) else { return Ok(None) };
    let password_hash = row.text(1).filter(|hash| !hash.is_empty()).map(str::to_owned);
    Ok(Some(Stored { user: User::read(row, 0)?, password_hash }))
}

/// A part of all accounts, newest first, and how many there are.
pub(crate) async fn list(
    pool: &Pool,
    limit: u64,
    offset: u64,
    filter: Option<&str>,
) -> Result<(Vec<User>, u64), Failure> {
    let page = Statement::prepared(concat!(
        "select ",
        user_json!(),
        " from auth.users u where ",
        matches_filter!("$3"),
        " order by u.created_at desc, u.id limit $1::bigint offset $2::bigint"
    ))
    .bind(limit)
    .bind(offset)
    .bind(filter.map(str::to_lowercase));
    let count = Statement::prepared(concat!("select count(*) from auth.users u where ", matches_filter!("$1")))
        .bind(filter.map(str::to_lowercase));
    let results = pool.run(&[page, count]).await?;
    let users = results
        .first()
        .map_or(&[][..], |rows| &rows.rows)
        .iter()
        .map(|row| User::read(row, 0))
        .collect::<Result<_, _>>()?;
    let total = results.get(1).and_then(|rows| rows.first()).and_then(|row| row.text(0)).and_then(|n| n.parse().ok());
    Ok((users, total.unwrap_or(0)))
}
