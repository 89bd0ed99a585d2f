//! Whose account an external identity belongs to.
//!
//! The rules of supabase/auth (`models/linking.go`), with one sharpened: an address that was only ever *assumed* to be
//! confirmed (`auth.autoconfirm`) counts as unproven. Otherwise whoever registers a stranger's address first would
//! share the account when its owner arrives through the provider.

use super::provider::ExternalUser;
use crate::account::{Confirmed, NewAccount, NewIdentity};
use crate::email::EmailAddress;
use crate::error::{Code, Failure};
use crate::instant::Instant;
use crate::state::State;
use crate::user::{User, user_json};
use mainstay_pg::Statement;
use serde_json::json;

/// What to do about an external identity.
#[derive(Debug)]
pub(crate) enum Decision {
    /// It is known: this account.
    SignIn(Box<User>),
    /// Both sides proved the address: add the identity to the account.
    Link(Box<User>),
    /// Only the provider proved the address: the account is theirs, but nobody else's password or session may stay.
    TakeOver(Box<User>),
    /// Nobody has the address.
    Create(EmailAddress, Confirmed),
}

/// Looks the identity and the address up, and decides.
pub(crate) async fn decide(state: &State, provider: &str, external: &ExternalUser) -> Result<Decision, Failure> {
    let email = external.email.as_deref().map(EmailAddress::parse).transpose()?;
    let known = Statement::prepared(concat!(
        "select ",
        user_json!(),
        " from auth.identities e join auth.users u on u.id = e.user_id where e.provider = $1 and e.provider_id = $2"
    ))
    .bind(provider)
    .bind(external.subject.as_str());
    let holder = Statement::prepared(concat!(
        "select ",
        user_json!(),
        " from auth.users u where lower(u.email) = $1 and u.is_sso_user = false and u.deleted_at is null"
    ))
    .bind(email.as_ref().map_or("", EmailAddress::as_str));
    let results = state.pool.run(&[known, holder]).await?;
    let user = |i: usize| results.get(i).and_then(|rows| rows.first()).map(|row| User::read(row, 0)).transpose();
    judge(state.config.autoconfirm, external.email_verified, email, user(0)?, user(1)?)
}

fn judge(
    autoconfirm: bool,
    verified: bool,
    email: Option<EmailAddress>,
    known: Option<User>,
    holder: Option<User>,
) -> Result<Decision, Failure> {
    match (known, email, holder, verified) {
        (Some(user), ..) => Ok(Decision::SignIn(Box::new(user))),
        (None, None, ..) => Err(Code::EmailAddressNotProvided.into()),
        (None, Some(_), Some(user), true) if user.owns_email() => Ok(Decision::Link(Box::new(user))),
        (None, Some(_), Some(user), true) => Ok(Decision::TakeOver(Box::new(user))),
        (None, Some(_), Some(_), false) => Err(Code::ProviderEmailNeedsVerification.into()),
        (None, Some(email), None, true) => Ok(Decision::Create(email, Confirmed::Proven)),
        (None, Some(email), None, false) if autoconfirm => Ok(Decision::Create(email, Confirmed::Assumed)),
        (None, Some(_), None, false) => {
            Err(Failure::new(Code::ProviderEmailNeedsVerification, "The provider has not verified this email address"))
        }
    }
}

/// The identity as a row.
pub(crate) fn identity(provider: &str, external: &ExternalUser) -> NewIdentity {
    NewIdentity { provider: provider.to_owned(), provider_id: external.subject.clone(), data: external.profile.clone() }
}

/// The account for an identity that nobody had.
pub(crate) fn new_account(
    provider: &str,
    external: &ExternalUser,
    email: EmailAddress,
    confirmed: Confirmed,
) -> NewAccount {
    NewAccount {
        identity: Some(identity(provider, external)),
        app_metadata: json!({"provider": provider, "providers": [provider]}),
        user_metadata: external.profile.clone(),
        ..NewAccount::with_email(email, confirmed)
    }
}

/// Removes every other way into an account whose address nobody had proved so far.
pub(crate) fn strip(user: &User, now: Instant) -> Vec<Statement<'static>> {
    let id = user.id.to_string();
    vec![
        Statement::prepared(
            "update auth.users set encrypted_password = '', phone = null, phone_confirmed_at = null, \
             email_confirmed_at = coalesce(email_confirmed_at, $2::timestamptz), updated_at = $2::timestamptz where id = $1::uuid",
        )
        .bind(id.as_str())
        .bind(now.to_string()),
        Statement::prepared("delete from auth.identities where user_id = $1::uuid and provider in ('email', 'phone')").bind(id.as_str()),
        Statement::prepared("delete from auth.sessions where user_id = $1::uuid").bind(id.as_str()),
        Statement::prepared("delete from auth.one_time_tokens where user_id = $1::uuid").bind(id.as_str()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(email_verified: bool) -> User {
        let id = "7a0b2f0e-6c44-4a7c-9a57-3f6f0f9b2f11";
        serde_json::from_value(json!({
            "id": id, "email": "a@x.test", "created_at": null, "updated_at": null, "identities": [{
                "identity_id": id, "id": id, "user_id": id, "provider": "email", "email": "a@x.test",
                "identity_data": {"email_verified": email_verified}, "last_sign_in_at": null, "created_at": null, "updated_at": null,
            }],
        }))
        .unwrap()
    }

    #[test]
    fn linking_needs_proof_from_both_sides() {
        let email = || Some(EmailAddress::parse("a@x.test").unwrap());
        let judge = |auto, verified, email, known, holder| judge(auto, verified, email, known, holder);
        assert!(matches!(judge(true, false, None, Some(user(false)), None), Ok(Decision::SignIn(_))));
        assert!(matches!(judge(true, true, email(), None, Some(user(true))), Ok(Decision::Link(_))));
        assert!(matches!(judge(true, true, email(), None, Some(user(false))), Ok(Decision::TakeOver(_))));
        assert!(judge(true, false, email(), None, Some(user(true))).is_err());
        assert!(matches!(judge(false, true, email(), None, None), Ok(Decision::Create(_, Confirmed::Proven))));
        assert!(matches!(judge(true, false, email(), None, None), Ok(Decision::Create(_, Confirmed::Assumed))));
        assert!(judge(false, false, email(), None, None).is_err());
        assert!(judge(true, true, None, None, None).is_err());
    }
}
