//! `GET /settings`: which ways to sign in are open.

use crate::error::Failure;
use crate::routes::input::Object;
use crate::routes::respond::json_ok;
use crate::state::Shared;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

/// The providers that supabase/auth lists; clients expect each key.
const LISTED: [&str; 22] = [
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
];

pub(crate) async fn handle(State(state): State<Shared>) -> Result<Response, Failure> {
    let mut external: Object = LISTED.iter().map(|id| ((*id).to_owned(), false.into())).collect();
    external.insert("zoom".to_owned(), false.into());
    external.extend(state.providers.ids().map(|id| (id.to_owned(), true.into())));
    external.insert("email".to_owned(), true.into());
    external.insert("phone".to_owned(), false.into());
    external.insert("anonymous_users".to_owned(), state.config.anonymous_users.into());
    json_ok(&json!({
        "external": external,
        "disable_signup": state.config.disable_signup,
        "mailer_autoconfirm": state.config.autoconfirm,
        "phone_autoconfirm": false,
        "sms_provider": "",
        "saml_enabled": false,
        "saml_private_key_next_configured": false,
        "passkeys_enabled": false,
    }))
}
