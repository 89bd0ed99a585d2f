//! `POST /signup`: an account with address and password, or without either (anonymous).

use crate::account::{Confirmed, NewAccount};
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::instant::Instant;
use crate::password;
use crate::rate::Action;
use crate::routes::input::{Json, Object};
use crate::routes::respond::json_ok;
use crate::session;
use crate::state::{Shared, State};
use crate::token::Method;
use crate::user::{self, User};
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    password: Option<SecretString>,
    #[serde(default)]
    data: Option<Object>,
}

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    if given(&params.phone) {
        return Err(Code::PhoneProviderDisabled.into());
    }
    if state.config.disable_signup {
        return Err(Code::SignupDisabled.into());
    }
    if given(&params.email) {
        with_password(&state, &client, params).await
    } else {
        anonymous(&state, &client, params).await
    }
}

async fn anonymous(state: &State, client: &Client, params: Params) -> Result<Response, Failure> {
    if !state.config.anonymous_users {
        return Err(Code::AnonymousProviderDisabled.into());
    }
    state.limits.take(Action::Anonymous, client.address)?;
    let account = NewAccount {
        user_metadata: Value::Object(params.data.unwrap_or_default()),
        ..NewAccount::anonymous(Uuid::new_v4())
    };
    let now = state.now();
    let mut statements = account.statements(now);
    statements.push(Event::UserSignedUp.record(Actor::User(account.id), json!({"provider": "anonymous"}), client, now));
    let reply = session::open(state, account.id, Method::Anonymous, client, statements).await?;
    state.meters.sign_ups.inc();
    json_ok(&reply)
}

async fn with_password(state: &State, client: &Client, params: Params) -> Result<Response, Failure> {
    state.limits.take(Action::SignIn, client.address)?;
    let email = EmailAddress::parse(params.email.as_deref().unwrap_or_default())?;
    let password = params.password.filter(|password| !password.expose_secret().is_empty());
    let password = password.ok_or_else(|| Failure::invalid("Signup requires a valid password"))?;
    password::check(&state.config, password.expose_secret())?;
    let confirmed = if state.config.autoconfirm { Confirmed::Assumed } else { Confirmed::No };
    let mut account = NewAccount::with_email(email, confirmed);
    account.user_metadata = metadata(&account, params.data.unwrap_or_default());
    // Hashed before anyone looks whether the address is taken: the answer takes equally long either way.
    account.password_hash = Some(state.hasher.hash(&password).await?);
    if state.config.autoconfirm {
        confirmed_at_once(state, client, &account).await
    } else {
        unconfirmed(state, client, &account).await
    }
}

async fn confirmed_at_once(state: &State, client: &Client, account: &NewAccount) -> Result<Response, Failure> {
    let now = state.now();
    let mut statements = account.statements(now);
    statements.push(signed_up(account, client, now));
    match session::open(state, account.id, Method::Password, client, statements).await {
        // Nothing was made, because the address is taken.
        Err(failure) if failure.which() == Code::UserNotFound => {
            if let Some(email) = &account.email {
                let repeated =
                    Event::UserRepeatedSignUp.record(Actor::Holder(email), json!({"provider": "email"}), client, now);
                state.pool.run(&[repeated]).await?;
            }
            Err(Code::UserAlreadyExists.into())
        }
        Err(failure) => Err(failure),
        Ok(reply) => {
            state.meters.sign_ups.inc();
            json_ok(&reply)
        }
    }
}

/// Answers with the bare user. A taken address gets the same answer with a made-up id and no identities, so that the
/// reply does not tell a stranger more than supabase/auth does.
async fn unconfirmed(state: &State, client: &Client, account: &NewAccount) -> Result<Response, Failure> {
    let now = state.now();
    let mut statements = account.statements(now);
    statements.push(signed_up(account, client, now));
    statements.push(user::select(account.id));
    let results = state.pool.run(&statements).await?;
    match results.last().and_then(|rows| rows.first()) {
        Some(row) => {
            state.meters.sign_ups.inc();
            json_ok(&User::read(row, 0)?)
        }
        None => json_ok(&hidden(account, now)),
    }
}

fn signed_up(account: &NewAccount, client: &Client, now: Instant) -> mainstay_pg::Statement<'static> {
    Event::UserSignedUp.record(Actor::User(account.id), json!({"provider": "email"}), client, now)
}

/// What the user said, and the claims that supabase/auth adds.
fn metadata(account: &NewAccount, data: Object) -> Value {
    let mut metadata = data;
    metadata.insert("sub".to_owned(), account.id.to_string().into());
    metadata.insert("email".to_owned(), account.email.as_ref().map(EmailAddress::as_str).into());
    metadata.insert("email_verified".to_owned(), (account.confirmed != Confirmed::No).into());
    metadata.insert("phone_verified".to_owned(), false.into());
    Value::Object(metadata)
}

fn hidden(account: &NewAccount, now: Instant) -> Value {
    json!({
        "id": account.id, "aud": account.aud, "role": account.role, "phone": "",
        "email": account.email.as_ref().map(EmailAddress::as_str),
        "app_metadata": account.app_metadata, "user_metadata": account.user_metadata,
        "identities": [], "created_at": now, "updated_at": now, "is_anonymous": false,
    })
}
