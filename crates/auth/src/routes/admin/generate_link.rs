//! `POST /admin/generate_link`: makes the link that a mail would carry, for administrators to deliver.

use crate::account::{Confirmed, NewAccount};
use crate::caller::require_admin;
use crate::client::Client;
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::events::{Actor, Event};
use crate::one_time::{Kind, Made};
use crate::password;
use crate::redirect;
use crate::routes::input::{Json, Object};
use crate::routes::respond::json_ok;
use crate::state::{Shared, State};
use crate::user::{self, Stored, User};
use axum::response::Response;
use http::HeaderMap;
use mainstay_pg::Statement;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default, rename = "type")]
    link: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    new_email: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    data: Option<Object>,
    #[serde(default)]
    redirect_to: Option<String>,
}

/// What the link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkKind {
    Signup,
    Invite,
    MagicLink,
    Recovery,
    EmailChangeCurrent,
    EmailChangeNew,
}

#[derive(Debug, Serialize)]
struct Reply {
    #[serde(flatten)]
    user: User,
    action_link: String,
    email_otp: String,
    hashed_token: String,
    verification_type: &'static str,
    redirect_to: String,
}

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    headers: HeaderMap,
    client: Client,
    Json(params): Json<Params>,
) -> Result<Response, Failure> {
    require_admin(&state, &headers).await?;
    let email = EmailAddress::parse(&params.email)?;
    let holder = user::by_email(&state.pool, &email).await?;
    let link = LinkKind::parse(&params.link)?.for_holder(holder.as_ref())?;
    let new_email = new_email(&state, link, &params).await?;
    let (user, mut statements) = account(&state, &params, link, &email, holder).await?;
    let (made, note) = token(&state, link, email.clone(), new_email, user)?;
    let now = state.now();
    statements.extend([note, made.store(user)]);
    statements.push(link.event().record(
        Actor::Admin,
        json!({"user_id": user, "user_email": email.as_str()}),
        &client,
        now,
    ));
    statements.push(user::select(user));
    let results = state.pool.run(&statements).await?;
    let row = results.last().and_then(|rows| rows.first()).ok_or(Code::EmailExists)?;
    let redirect_to = state.redirects.choose(params.redirect_to.as_deref());
    json_ok(&Reply {
        user: User::read(row, 0)?,
        action_link: action_link(&state, link, &made, &redirect_to),
        email_otp: made.code,
        hashed_token: made.token,
        verification_type: link.as_str(),
        redirect_to,
    })
}

impl LinkKind {
    fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "signup" => Ok(Self::Signup),
            "invite" => Ok(Self::Invite),
            "magiclink" => Ok(Self::MagicLink),
            "recovery" => Ok(Self::Recovery),
            "email_change_current" => Ok(Self::EmailChangeCurrent),
            "email_change_new" => Ok(Self::EmailChangeNew),
            _ => Err(Failure::invalid("Invalid email action link type requested")),
        }
    }

    /// A magic link for someone new is a sign-up; links that need an account refuse without one, and links that make
    /// one refuse when it is confirmed already.
    fn for_holder(self, holder: Option<&Stored>) -> Result<Self, Failure> {
        let confirmed = holder.is_some_and(|stored| stored.user.email_confirmed_at.is_some());
        match self {
            Self::MagicLink if holder.is_none() => Ok(Self::Signup),
            Self::Recovery | Self::EmailChangeCurrent | Self::EmailChangeNew if holder.is_none() => {
                Err(Failure::new(Code::UserNotFound, "User with this email not found"))
            }
            Self::Signup | Self::Invite if confirmed => Err(Code::EmailExists.into()),
            link => Ok(link),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Invite => "invite",
            Self::MagicLink => "magiclink",
            Self::Recovery => "recovery",
            Self::EmailChangeCurrent => "email_change_current",
            Self::EmailChangeNew => "email_change_new",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Signup | Self::Invite => Kind::Confirmation,
            Self::MagicLink | Self::Recovery => Kind::Recovery,
            Self::EmailChangeCurrent => Kind::EmailChangeCurrent,
            Self::EmailChangeNew => Kind::EmailChangeNew,
        }
    }

    fn event(self) -> Event {
        match self {
            Self::Signup => Event::UserConfirmationRequested,
            Self::Invite => Event::UserInvited,
            Self::MagicLink | Self::Recovery => Event::UserRecoveryRequested,
            Self::EmailChangeCurrent | Self::EmailChangeNew => Event::UserModified,
        }
    }
}

/// The account the link is for, made if need be.
async fn account(
    state: &State,
    params: &Params,
    link: LinkKind,
    email: &EmailAddress,
    holder: Option<Stored>,
) -> Result<(Uuid, Vec<Statement<'static>>), Failure> {
    if let Some(stored) = holder {
        return Ok((stored.user.id, Vec::new()));
    }
    let mut account = NewAccount::with_email(email.clone(), Confirmed::No);
    account.user_metadata = Value::Object(params.data.clone().unwrap_or_default());
    let password = params.password.expose_secret();
    if link == LinkKind::Signup && params.link == "signup" {
        if password.is_empty() {
            return Err(Failure::invalid("Signup requires a valid password"));
        }
        password::check(&state.config, password)?;
        account.password_hash = Some(state.hasher.hash(&params.password).await?);
    }
    Ok((account.id, account.statements(state.now())))
}

/// The address an e-mail change leads to, if this is one and the address is free.
async fn new_email(state: &State, link: LinkKind, params: &Params) -> Result<Option<EmailAddress>, Failure> {
    if !matches!(link, LinkKind::EmailChangeCurrent | LinkKind::EmailChangeNew) {
        return Ok(None);
    }
    let email = EmailAddress::parse(&params.new_email)?;
    match user::by_email(&state.pool, &email).await? {
        Some(_) => Err(Code::EmailExists.into()),
        None => Ok(Some(email)),
    }
}

/// The token and the statement that notes on the account that it was made.
fn token(
    state: &State,
    link: LinkKind,
    email: EmailAddress,
    new_email: Option<EmailAddress>,
    user: Uuid,
) -> Result<(Made, Statement<'static>), Failure> {
    let note = |sql: &'static str| Statement::prepared(sql).bind(user.to_string()).bind(state.now().to_string());
    let (relates_to, note) = match (link, new_email) {
        (LinkKind::Signup, _) => {
            (email, note("update auth.users set confirmation_sent_at = $2::timestamptz where id = $1::uuid"))
        }
        (LinkKind::Invite, _) => (
            email,
            note(
                "update auth.users set confirmation_sent_at = $2::timestamptz, invited_at = $2::timestamptz where id = $1::uuid",
            ),
        ),
        (_, None) => (email, note("update auth.users set recovery_sent_at = $2::timestamptz where id = $1::uuid")),
        (_, Some(new)) => {
            let change = note(
                "update auth.users set email_change_sent_at = $2::timestamptz, email_change = $3::text, email_change_confirm_status = \
                 case when email_change = $3::text then email_change_confirm_status else 0 end where id = $1::uuid",
            )
            .bind(new.as_str());
            (if link == LinkKind::EmailChangeNew { new } else { email }, change)
        }
    };
    Ok((Made::new(state, link.kind(), &relates_to)?, note))
}

fn action_link(state: &State, link: LinkKind, made: &Made, redirect_to: &str) -> String {
    let purpose = match link {
        LinkKind::EmailChangeCurrent | LinkKind::EmailChangeNew => "email_change",
        other => other.as_str(),
    };
    let pairs = [("token", made.token.as_str()), ("type", purpose), ("redirect_to", redirect_to)];
    redirect::with_query(&format!("{}/verify", state.issuer), &pairs)
}
