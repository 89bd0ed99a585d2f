//! Accounts for the command line (`mainstay user add|list|set-password`) and for seed users. Part of the room's
//! contract: no HTTP, no rate limits; the caller is the operator.

use crate::account::{Confirmed, NewAccount};
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::password;
use crate::session::{self, Scope};
use crate::user::{self, User};
use crate::{Room, account};
use mainstay_kernel::error::PublicError as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// An account to be made by the operator. The address counts as confirmed.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Address.
    pub email: String,
    /// Password; the configured rules apply. Without one, only external providers and links sign in.
    pub password: Option<SecretString>,
    /// Database role of its tokens; `authenticated` when absent.
    pub role: Option<String>,
    /// Facts that the user may change.
    pub user_metadata: serde_json::Map<String, Value>,
    /// Facts that the user may not change.
    pub app_metadata: serde_json::Map<String, Value>,
}

/// Why an operation on accounts failed. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The address is taken.
    #[error("an account with this address exists already")]
    Exists,
    /// There is no such account.
    #[error("there is no account with this address")]
    NotFound,
    /// A value is not acceptable; the sentence says why.
    #[error("{0}")]
    Invalid(String),
    /// The database or this process failed.
    #[error("the operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl NewUser {
    /// An account with nothing but address and password.
    #[must_use]
    pub fn new(email: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            email: email.into(),
            password: Some(password.into()),
            role: None,
            user_metadata: serde_json::Map::new(),
            app_metadata: serde_json::Map::new(),
        }
    }
}

impl Room {
    /// Makes an account.
    ///
    /// # Errors
    /// [`AccountError::Exists`], or [`AccountError::Invalid`] for an address or password that does not do.
    pub async fn create_user(&self, new: NewUser) -> Result<User, AccountError> {
        let state = &self.state;
        let mut account = NewAccount::with_email(EmailAddress::parse(&new.email)?, Confirmed::Proven);
        if let Some(password) = &new.password {
            password::check(&state.config, password.expose_secret())?;
            account.password_hash = Some(state.hasher.hash(password).await?);
        }
        account.role = new.role.unwrap_or(account.role);
        account.user_metadata = Value::Object(new.user_metadata);
        if let Value::Object(defaults) = &mut account.app_metadata {
            defaults.extend(new.app_metadata);
        }
        let now = state.now();
        let mut statements = account.statements(now);
        statements.push(Event::UserSignedUp.record(
            Actor::Admin,
            json!({"user_id": account.id}),
            &Client::default(),
            now,
        ));
        statements.push(user::select(account.id));
        let results = state.pool.run(&statements).await.map_err(Failure::from)?;
        match results.last().and_then(|rows| rows.first()) {
            Some(row) => Ok(User::read(row, 0)?),
            None => Err(AccountError::Exists),
        }
    }

    /// A part of all accounts, newest first, and how many there are. Pages count from 1 and hold at most 1000.
    ///
    /// # Errors
    /// [`AccountError::Failed`].
    pub async fn list_users(&self, page: u64, per_page: u64) -> Result<(Vec<User>, u64), AccountError> {
        let size = per_page.clamp(1, 1000);
        Ok(user::list(&self.state.pool, size, page.max(1).saturating_sub(1) * size, None).await?)
    }

    /// Sets a password and ends every session of the account.
    ///
    /// # Errors
    /// [`AccountError::NotFound`], or [`AccountError::Invalid`] for a password that does not do.
    pub async fn set_password(&self, email: &str, password: &SecretString) -> Result<User, AccountError> {
        let state = &self.state;
        password::check(&state.config, password.expose_secret())?;
        let stored = user::by_email(&state.pool, &EmailAddress::parse(email)?).await?.ok_or(AccountError::NotFound)?;
        let change = account::Change { password_hash: Some(state.hasher.hash(password).await?), ..Default::default() };
        let (id, now) = (stored.user.id, state.now());
        let statements = [
            change.statement(id, now),
            session::end(id, None, Scope::Global),
            Event::UserUpdatedPassword.record(Actor::Admin, json!({"user_id": id}), &Client::default(), now),
            user::select(id),
        ];
        let results = state.pool.run(&statements).await.map_err(Failure::from)?;
        let row = results.last().and_then(|rows| rows.first()).ok_or(AccountError::NotFound)?;
        Ok(User::read(row, 0)?)
    }
}

impl From<Failure> for AccountError {
    fn from(failure: Failure) -> Self {
        match failure.which() {
            Code::EmailExists | Code::UserAlreadyExists => Self::Exists,
            Code::UserNotFound => Self::NotFound,
            _ if failure.status().is_client_error() => Self::Invalid(failure.message()),
            _ => Self::Failed(Box::new(failure)),
        }
    }
}
