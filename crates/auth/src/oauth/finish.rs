//! The last step of an external sign-in: the account is written and the application gets its session or its code.

use super::link::{self, Decision};
use super::provider::ExternalUser;
use super::state::Pending;
use crate::account::{self, Confirmed};
use crate::client::Client;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::instant::Instant;
use crate::pkce;
use crate::redirect;
use crate::session;
use crate::state::State;
use crate::token::Method;
use mainstay_pg::Statement;
use serde_json::json;
use uuid::Uuid;

/// Writes what was decided and answers with the address to send the browser to.
pub(crate) async fn finish(
    state: &State,
    client: &Client,
    pending: &Pending,
    external: &ExternalUser,
) -> Result<String, Failure> {
    let now = state.now();
    let decision = link::decide(state, &pending.provider, external).await?;
    let (user, before) = write(state, client, pending, external, decision, now)?;
    match &pending.challenge {
        Some(challenge) => {
            let (code, store) = pkce::make_code(user, &pending.provider, challenge, &external.tokens, now)?;
            let mut statements = before;
            statements.push(store);
            state.pool.run(&statements).await.map_err(raced)?;
            Ok(redirect::with_query(&pending.redirect_to, &[("code", &code)]))
        }
        None => {
            let mut reply = session::open(state, user, Method::OAuth, client, before).await?;
            reply.provider_token = external.tokens.access.clone();
            reply.provider_refresh_token = external.tokens.refresh.clone();
            let pairs = reply.fragment(None);
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
            Ok(redirect::with_fragment(&pending.redirect_to, &pairs))
        }
    }
}

fn write(
    state: &State,
    client: &Client,
    pending: &Pending,
    external: &ExternalUser,
    decision: Decision,
    now: Instant,
) -> Result<(Uuid, Vec<Statement<'static>>), Failure> {
    let traits = json!({"provider": pending.provider});
    let identity = link::identity(&pending.provider, external);
    let (user, mut statements, event) = match decision {
        Decision::SignIn(user) if user.is_deleted() => return Err(Code::UserNotFound.into()),
        Decision::SignIn(user) | Decision::Link(user) | Decision::TakeOver(user) if user.is_banned(now) => {
            return Err(Code::UserBanned.into());
        }
        Decision::SignIn(user) => return Ok((user.id, vec![identity.insert(user.id, now)])),
        Decision::Link(user) => (user.id, vec![identity.insert(user.id, now)], Event::IdentityLinked),
        Decision::TakeOver(user) => {
            let mut statements = link::strip(&user, now);
            statements.push(identity.insert(user.id, now));
            (user.id, statements, Event::IdentityLinked)
        }
        Decision::Create(email, confirmed) => {
            return create(state, client, pending, external, email, confirmed, now);
        }
    };
    statements.push(account::note_providers(user));
    statements.push(event.record(Actor::User(user), traits, client, now));
    Ok((user, statements))
}

fn create(
    state: &State,
    client: &Client,
    pending: &Pending,
    external: &ExternalUser,
    email: crate::email::EmailAddress,
    confirmed: Confirmed,
    now: Instant,
) -> Result<(Uuid, Vec<Statement<'static>>), Failure> {
    if state.config.disable_signup {
        return Err(Code::SignupDisabled.into());
    }
    let account = link::new_account(&pending.provider, external, email, confirmed);
    let mut statements = account.statements(now);
    let traits = json!({"provider": pending.provider});
    statements.push(Event::UserSignedUp.record(Actor::User(account.id), traits, client, now));
    state.meters.sign_ups.inc();
    Ok((account.id, statements))
}

/// Two first sign-ins at once: the second account was not made, so the code that refers to it cannot be either.
fn raced(error: mainstay_pg::Error) -> Failure {
    match error.sqlstate() {
        Some("23503") => Failure::unavailable(error),
        _ => error.into(),
    }
}
