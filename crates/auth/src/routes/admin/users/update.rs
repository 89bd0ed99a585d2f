//! `PUT /admin/users/{id}`.

use super::{Params, ban, parse_id};
use crate::account::{self, Ban, Change, Confirmed, NewIdentity};
use crate::caller::require_admin;
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::password;
use crate::routes::input::Json;
use crate::routes::respond::json_ok;
use crate::session::{self, Scope};
use crate::state::{Shared, State};
use crate::user::{self, User};
use axum::extract::Path;
use axum::response::Response;
use http::HeaderMap;
use mainstay_pg::Statement;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let id = parse_id(&id)?;
    let change = plan(&state, params).await?;
    let mut statements = write(id, &change, state.now());
    statements.push(Event::UserModified.record(Actor::Admin, json!({"user_id": id}), &client, state.now()));
    statements.push(user::select(id));
    let results = state.pool.run(&statements).await?;
    let row = results.last().and_then(|rows| rows.first()).ok_or(Code::UserNotFound)?;
    json_ok(&User::read(row, 0)?)
}

fn write(id: Uuid, change: &Change, now: crate::instant::Instant) -> Vec<Statement<'static>> {
    let mut statements = vec![change.statement(id, now)];
    if let Some(email) = &change.email {
        let confirmed = if change.confirm { Confirmed::Proven } else { Confirmed::Assumed };
        statements.push(NewIdentity::email(id, email, confirmed).insert(id, now));
        statements.push(account::note_providers(id));
    } else if change.confirm {
        statements.push(vouch(id));
    }
    // Whoever knew the old password is out.
    if change.password_hash.is_some() {
        statements.push(session::end(id, None, Scope::Global));
    }
    statements
}

/// An administrator's word for an address is proof.
fn vouch(id: Uuid) -> Statement<'static> {
    Statement::prepared(
        "update auth.identities i set identity_data = i.identity_data || '{\"email_verified\": true}' from auth.users u \
         where u.id = $1::uuid and i.user_id = u.id and i.provider = 'email' and i.email = lower(u.email)",
    )
    .bind(id.to_string())
}

async fn plan(state: &State, params: Params) -> Result<Change, Failure> {
    if params.phone.as_deref().is_some_and(|phone| !phone.is_empty()) {
        return Err(Code::PhoneProviderDisabled.into());
    }
    let password_hash = match (&params.password, params.hash_given()?) {
        (Some(_), Some(_)) => return Err(Failure::invalid("Only a password or a password hash should be provided")),
        (Some(password), None) => {
            password::check(&state.config, password.expose_secret())?;
            Some(state.hasher.hash(password).await?)
        }
        (None, hash) => hash,
    };
    Ok(Change {
        email: params.email.as_deref().filter(|email| !email.is_empty()).map(EmailAddress::parse).transpose()?,
        password_hash,
        role: params.role.filter(|role| !role.is_empty()),
        aud: params.aud.filter(|aud| !aud.is_empty()),
        user_metadata: params.user_metadata.map(Value::Object),
        app_metadata: params.app_metadata.map(Value::Object),
        confirm: params.email_confirm,
        ban: match params.ban_duration.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => ban(text, state.now())?,
            None => Ban::Keep,
        },
    })
}
