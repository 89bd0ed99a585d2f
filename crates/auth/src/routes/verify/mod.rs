//! `/verify`: a link or code against a session.

pub(crate) mod get;
pub(crate) mod post;

use crate::account::{self, Change, Confirmed, NewIdentity};
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::one_time::{self, Kind, Proof, Used};
use crate::session;
use crate::state::State;
use crate::token::{Method, TokenReply};
use mainstay_pg::Statement;
use serde_json::json;

/// What `type` says (supabase/auth: `mailer.*Verification`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Signup,
    Invite,
    Recovery,
    MagicLink,
    Email,
    EmailChange,
}

/// Where a verification leads.
enum Outcome {
    SignedIn(Box<TokenReply>),
    /// One of two confirmations of an e-mail change.
    HalfWay,
}

const HALF_WAY: &str = "Confirmation link accepted. Please proceed to confirm link sent to the other email";

impl Purpose {
    fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "signup" => Ok(Self::Signup),
            "invite" => Ok(Self::Invite),
            "recovery" => Ok(Self::Recovery),
            "magiclink" => Ok(Self::MagicLink),
            "email" => Ok(Self::Email),
            "email_change" => Ok(Self::EmailChange),
            "sms" | "phone_change" => Err(Code::PhoneProviderDisabled.into()),
            "" => Err(Failure::invalid("Verify requires a verification type")),
            _ => Err(Failure::invalid("Unsupported verification type")),
        }
    }

    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Signup | Self::Invite => &[Kind::Confirmation],
            Self::Recovery | Self::MagicLink => &[Kind::Recovery],
            Self::Email => &[Kind::Confirmation, Kind::Recovery],
            Self::EmailChange => &[Kind::EmailChangeCurrent, Kind::EmailChangeNew],
        }
    }
}

async fn verify(state: &State, client: &Client, purpose: Purpose, proof: Proof<'_>) -> Result<Outcome, Failure> {
    let used = one_time::redeem(state, proof, purpose.kinds()).await?;
    match used.kind {
        Kind::Confirmation | Kind::Recovery => confirm(state, client, used).await,
        Kind::EmailChangeCurrent | Kind::EmailChangeNew => change_email(state, client, used).await,
    }
}

/// Whoever has the link has the address.
async fn confirm(state: &State, client: &Client, used: Used) -> Result<Outcome, Failure> {
    let (user, now) = (used.user, state.now());
    let mut statements = vec![
        Statement::prepared(
            "update auth.users set email_confirmed_at = coalesce(email_confirmed_at, $2::timestamptz) where id = $1::uuid",
        )
        .bind(user.id.to_string())
        .bind(now.to_string()),
        Statement::prepared(
            "update auth.identities set identity_data = identity_data || '{\"email_verified\": true}', \
             updated_at = $2::timestamptz where user_id = $1::uuid and provider = 'email' and email = $3",
        )
        .bind(user.id.to_string())
        .bind(now.to_string())
        .bind(user.email.as_str()),
    ];
    if user.email_confirmed_at.is_none() {
        statements.push(Event::UserSignedUp.record(Actor::User(user.id), json!({"provider": "email"}), client, now));
    }
    let reply = session::open(state, user.id, Method::Otp, client, statements).await?;
    Ok(Outcome::SignedIn(Box::new(reply)))
}

async fn change_email(state: &State, client: &Client, used: Used) -> Result<Outcome, Failure> {
    let (user, now) = (used.user, state.now());
    let email = user.new_email.as_deref().map(EmailAddress::parse).transpose()?.ok_or(Code::OtpExpired)?;
    if state.config.double_confirm_email_changes
        && !user.email.is_empty()
        && is_first(state, user.id, used.kind).await?
    {
        return Ok(Outcome::HalfWay);
    }
    let change = Change { email: Some(email.clone()), confirm: true, ..Change::default() };
    let statements = vec![
        change.statement(user.id, now),
        Statement::prepared("update auth.users set email_change = '', email_change_confirm_status = 0 where id = $1::uuid")
            .bind(user.id.to_string()),
        Statement::prepared(
            "delete from auth.one_time_tokens where user_id = $1::uuid and token_type in ('email_change_token_new', 'email_change_token_current')",
        )
        .bind(user.id.to_string()),
        NewIdentity::email(user.id, &email, Confirmed::Proven).insert(user.id, now),
        account::note_providers(user.id),
        Event::UserModified.record(Actor::User(user.id), json!({}), client, now),
    ];
    let reply = session::open(state, user.id, Method::Otp, client, statements).await?;
    Ok(Outcome::SignedIn(Box::new(reply)))
}

/// Notes which of the two addresses has confirmed; true until the other one has as well.
async fn is_first(state: &State, user: uuid::Uuid, kind: Kind) -> Result<bool, Failure> {
    let side = if kind == Kind::EmailChangeCurrent { 1 } else { 2 };
    let statement = Statement::prepared(
        "update auth.users set email_change_confirm_status = case when email_change_confirm_status in (0, $2::smallint) \
         then $2::smallint else 0 end where id = $1::uuid returning email_change_confirm_status",
    )
    .bind(user.to_string())
    .bind(side);
    let results = state.pool.run(&[statement]).await?;
    Ok(results.first().and_then(|rows| rows.first()).and_then(|row| row.text(0)) != Some("0"))
}
