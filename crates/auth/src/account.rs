//! How accounts come to be and change: the statements. Handlers put them into one pipeline with what else must happen,
//! so that either all of it does or nothing.

use crate::email::EmailAddress;
use crate::instant::Instant;
use mainstay_pg::Statement;
use serde_json::{Value, json};
use uuid::Uuid;

/// An account to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) id: Uuid,
    pub(crate) email: Option<EmailAddress>,
    pub(crate) password_hash: Option<String>,
    pub(crate) aud: String,
    pub(crate) role: String,
    pub(crate) app_metadata: Value,
    pub(crate) user_metadata: Value,
    pub(crate) confirmed: Confirmed,
    pub(crate) identity: Option<NewIdentity>,
    pub(crate) banned_until: Option<Instant>,
}

/// A way to sign in to be added.
#[derive(Debug, Clone)]
pub(crate) struct NewIdentity {
    pub(crate) provider: String,
    pub(crate) provider_id: String,
    pub(crate) data: Value,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// Nothing.
    No,
    /// Taken on trust, because `auth.autoconfirm` says so.
    Assumed,
    /// Someone proved to own it, or an administrator vouched for it.
    Proven,
}

// === impl NewAccount ===

impl NewAccount {
    /// An account with an address, its `email` identity and nothing else yet.
    pub(crate) fn with_email(email: EmailAddress, confirmed: Confirmed) -> Self {
        let id = Uuid::new_v4();
        let identity = NewIdentity::email(id, &email, confirmed);
        Self {
            identity: Some(identity),
            app_metadata: json!({"provider": "email", "providers": ["email"]}),
            email: Some(email),
            confirmed,
            ..Self::anonymous(id)
        }
    }

    /// An account without an address.
    pub(crate) fn anonymous(id: Uuid) -> Self {
        Self {
            id,
            email: None,
            password_hash: None,
            aud: crate::user::AUTHENTICATED.to_owned(),
            role: crate::user::AUTHENTICATED.to_owned(),
            app_metadata: json!({}),
            user_metadata: json!({}),
            confirmed: Confirmed::No,
            identity: None,
            banned_until: None,
        }
    }

    /// Inserts the account unless its address is taken, in which case this and everything that refers to the new id
    /// affects no row.
    pub(crate) fn statements(&self, now: Instant) -> Vec<Statement<'static>> {
        let mut statements = vec![self.insert(now)];
        statements.extend(self.identity.as_ref().map(|identity| identity.insert(self.id, now)));
        statements
    }

    fn insert(&self, now: Instant) -> Statement<'static> {
        let email = self.email.as_ref().map(EmailAddress::as_str);
        Statement::prepared(
            "insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, \
             raw_user_meta_data, banned_until, is_anonymous, created_at, updated_at) \
             values ($1::uuid, $2, $3, $4, $5, $6::timestamptz, $7::jsonb, $8::jsonb, $9::timestamptz, $10::boolean, \
             $11::timestamptz, $11::timestamptz) on conflict do nothing",
        )
        .bind(self.id.to_string())
        .bind(self.aud.as_str())
        .bind(self.role.as_str())
        .bind(email)
        .bind(self.password_hash.as_deref().unwrap_or(""))
        .bind((self.confirmed != Confirmed::No).then(|| now.to_string()))
        .bind(self.app_metadata.to_string())
        .bind(self.user_metadata.to_string())
        .bind(self.banned_until.map(|until| until.to_string()))
        .bind(email.is_none() && self.identity.is_none())
        .bind(now.to_string())
    }
}

// === impl NewIdentity ===

impl NewIdentity {
    /// The identity of those who sign in with address and password.
    pub(crate) fn email(user: Uuid, email: &EmailAddress, confirmed: Confirmed) -> Self {
        Self {
            provider: "email".to_owned(),
            provider_id: user.to_string(),
            data: json!({
                "sub": user, "email": email.as_str(),
                "email_verified": confirmed == Confirmed::Proven, "phone_verified": false,
            }),
        }
    }

    /// Adds it to an account if that exists; an identity that exists already gets the new data.
    pub(crate) fn insert(&self, user: Uuid, now: Instant) -> Statement<'static> {
        Statement::prepared(
            "insert into auth.identities (id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, \
             updated_at) select gen_random_uuid(), u.id, $2, $3, $4::jsonb, $5::timestamptz, $5::timestamptz, \
             $5::timestamptz from auth.users u where u.id = $1::uuid \
             on conflict (provider_id, provider) do update set identity_data = auth.identities.identity_data || excluded.identity_data, \
             last_sign_in_at = excluded.last_sign_in_at, updated_at = excluded.updated_at \
             where auth.identities.user_id = excluded.user_id",
        )
        .bind(user.to_string())
        .bind(self.provider.as_str())
        .bind(self.provider_id.as_str())
        .bind(self.data.to_string())
        .bind(now.to_string())
    }
}

/// A change of an account; absent fields stay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) email: Option<EmailAddress>,
    pub(crate) password_hash: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) aud: Option<String>,
    /// Merged into what is there, top-level keys only; null removes a key (supabase/auth: `UpdateUserMetaData`).
    pub(crate) user_metadata: Option<Value>,
    /// Likewise.
    pub(crate) app_metadata: Option<Value>,
    pub(crate) confirm: bool,
    pub(crate) ban: Ban,
}

/// A change of a ban.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ban {
    /// Leave it as it is.
    #[default]
    Keep,
    /// End it.
    Lift,
    /// Set or move its end.
    Until(Instant),
}

/// A JSON object with another merged into it, keys that became null removed.
macro_rules! merged {
    ($column:literal, $patch:literal) => {
        concat!(
            "case when ",
            $patch,
            "::jsonb is null then ",
            $column,
            " else (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(coalesce(",
            $column,
            ", '{}') || ",
            $patch,
            "::jsonb) k where k.value <> 'null'::jsonb) end"
        )
    };
}

// === impl Change ===

impl Change {
    /// Changes account `id`. Fails with a unique violation when the new address is taken.
    pub(crate) fn statement(&self, id: Uuid, now: Instant) -> Statement<'static> {
        Statement::prepared(concat!(
            "update auth.users u set \
             email = coalesce($2, u.email), is_anonymous = u.is_anonymous and $2::text is null, \
             encrypted_password = coalesce($3, u.encrypted_password), role = coalesce($4, u.role), aud = coalesce($5, u.aud), \
             raw_user_meta_data = ",
            merged!("u.raw_user_meta_data", "$6"),
            ", raw_app_meta_data = ",
            merged!("u.raw_app_meta_data", "$7"),
            ", email_confirmed_at = case when $8::boolean then coalesce(u.email_confirmed_at, $11::timestamptz) else u.email_confirmed_at end, \
             banned_until = case $9 when 'keep' then u.banned_until when 'lift' then null else $10::timestamptz end, \
             updated_at = $11::timestamptz where u.id = $1::uuid",
        ))
        .bind(id.to_string())
        .bind(self.email.as_ref().map(EmailAddress::as_str))
        .bind(self.password_hash.as_deref())
        .bind(self.role.as_deref())
        .bind(self.aud.as_deref())
        .bind(self.user_metadata.as_ref().map(Value::to_string))
        .bind(self.app_metadata.as_ref().map(Value::to_string))
        .bind(self.confirm)
        .bind(match self.ban {
            Ban::Keep => "keep",
            Ban::Lift => "lift",
            Ban::Until(_) => "until",
        })
        .bind(match self.ban {
            Ban::Until(until) => Some(until.to_string()),
            Ban::Keep | Ban::Lift => None,
        })
        .bind(now.to_string())
    }
}

/// Writes the providers of an account's identities into `app_metadata`, oldest first.
pub(crate) fn note_providers(id: Uuid) -> Statement<'static> {
    Statement::prepared(
        "update auth.users u set raw_app_meta_data = jsonb_build_object('provider', p.names -> 0) \
         || coalesce(u.raw_app_meta_data, '{}') || jsonb_build_object('providers', p.names) \
         from (select jsonb_agg(provider order by first, provider <> 'email', provider) as names from (select provider, min(created_at) as first \
         from auth.identities where user_id = $1::uuid group by provider) each) p \
         where u.id = $1::uuid and p.names is not null",
    )
    .bind(id.to_string())
}

/// Removes an account and everything that hangs on it.
pub(crate) fn delete(id: Uuid) -> Statement<'static> {
    Statement::prepared("delete from auth.users where id = $1::uuid").bind(id.to_string())
}

/// Empties an account but keeps its row, for those who must keep references: nothing personal stays, nothing signs in,
/// and the address is free again.
pub(crate) fn soft_delete(id: Uuid, now: Instant) -> Vec<Statement<'static>> {
    let id = id.to_string();
    let by_user = |sql: &'static str| Statement::prepared(sql).bind(id.as_str());
    vec![
        by_user(
            "update auth.users set email = null, phone = null, encrypted_password = '', email_change = '', \
             raw_user_meta_data = '{}', raw_app_meta_data = '{}', deleted_at = coalesce(deleted_at, $2::timestamptz), \
             updated_at = $2::timestamptz where id = $1::uuid",
        )
        .bind(now.to_string()),
        by_user("delete from auth.identities where user_id = $1::uuid"),
        by_user("delete from auth.sessions where user_id = $1::uuid"),
        by_user("delete from auth.one_time_tokens where user_id = $1::uuid"),
        by_user("delete from auth.flow_state where user_id = $1::uuid"),
    ]
}
