//! `PUT /user`: metadata, password, address.

use crate::account::{self, Change, Confirmed, NewIdentity};
use crate::caller::{SessionUser, session_user};
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::hasher::Verdict;
use crate::password;
use crate::routes::input::{Json, Object};
use crate::routes::respond::json_ok;
use crate::session::{self, Scope};
use crate::state::{Shared, State};
use crate::user::{self, User};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

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
    #[serde(default)]
    app_metadata: Option<Value>,
}

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    headers: HeaderMap,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    let caller = session_user(&state, &headers).await?;
    let change = plan(&state, &caller, params).await?;
    let (user, now) = (&caller.user, state.now());
    let mut statements = vec![change.statement(user.id, now)];
    if let Some(email) = &change.email {
        statements.push(NewIdentity::email(user.id, email, Confirmed::Assumed).insert(user.id, now));
        statements.push(account::note_providers(user.id));
    }
    if change.password_hash.is_some() {
        statements.push(session::end(user.id, Some(caller.session), Scope::Others));
        statements.push(Event::UserUpdatedPassword.record(Actor::User(user.id), json!({}), &client, now));
    }
    statements.push(Event::UserModified.record(Actor::User(user.id), json!({}), &client, now));
    statements.push(user::select(user.id));
    let results = state.pool.run(&statements).await?;
    let row = results.last().and_then(|rows| rows.first()).ok_or(Code::UserNotFound)?;
    json_ok(&User::read(row, 0)?)
}

/// Checks what is asked for and computes the change. No writes yet.
async fn plan(state: &State, caller: &SessionUser, params: Params) -> Result<Change, Failure> {
    let user = &caller.user;
    if params.app_metadata.is_some() {
        return Err(Failure::new(Code::NotAdmin, "Updating app_metadata requires admin privileges"));
    }
    if params.phone.as_deref().is_some_and(|phone| !phone.is_empty() && phone != user.phone) {
        return Err(Code::PhoneProviderDisabled.into());
    }
    let email = new_email(state, user, params.email.as_deref())?;
    if user.is_sso_user && (email.is_some() || params.password.is_some()) {
        return Err(Code::UserSsoManaged.into());
    }
    if user.is_anonymous && params.password.is_some() && email.is_none() {
        let message = "Updating password of an anonymous user without an email or phone is not allowed";
        return Err(Failure::invalid(message).with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let password_hash = match &params.password {
        Some(password) => Some(new_password(state, caller, password).await?),
        None => None,
    };
    Ok(Change {
        confirm: email.is_some(),
        email,
        password_hash,
        user_metadata: params.data.map(Value::Object),
        ..Change::default()
    })
}

/// The address to change to, if it is another one. Without mail the change happens at once or, when addresses must be
/// confirmed, not at all.
fn new_email(state: &State, user: &User, wanted: Option<&str>) -> Result<Option<EmailAddress>, Failure> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { return Ok(None) };
    let email = EmailAddress::parse(wanted)?;
    if email.as_str() == user.email {
        return Ok(None);
    }
    if state.config.autoconfirm { Ok(Some(email)) } else { Err(Code::EmailProviderDisabled.into()) }
}

async fn new_password(state: &State, caller: &SessionUser, password: &SecretString) -> Result<String, Failure> {
    password::check(&state.config, password.expose_secret())?;
    if let Some(current) = &caller.password_hash
        && state.hasher.verify(password, Some(current)).await? != Verdict::Wrong
    {
        return Err(Code::SamePassword.into());
    }
    state.hasher.hash(password).await
}
