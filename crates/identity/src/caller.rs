//! The caller that a verified token stands for.

use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// A verified caller. Made only by [`crate::Verifier`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Database role to act as.
    pub role: Box<str>,
    /// All verified claims as JSON text, as they are given to row-level security.
    pub claims: Arc<str>,
    /// `sub`, when it is a UUID.
    pub subject: Option<Uuid>,
    /// `session_id`.
    pub session_id: Option<Uuid>,
    /// `exp`, seconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// `nbf`, seconds since the Unix epoch.
    pub(crate) not_before: Option<i64>,
    /// `email`.
    pub email: Option<String>,
    /// Authenticator assurance level (`aal1`, `aal2`).
    pub aal: Option<String>,
    /// True for a user without credentials.
    pub is_anonymous: bool,
}

/// The claims that Mainstay itself looks at.
#[derive(Deserialize)]
pub(crate) struct Known {
    pub(crate) role: Option<String>,
    pub(crate) sub: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) exp: Option<f64>,
    pub(crate) nbf: Option<f64>,
    pub(crate) iat: Option<f64>,
    pub(crate) email: Option<String>,
    pub(crate) aal: Option<String>,
    #[serde(default)]
    pub(crate) is_anonymous: bool,
    #[serde(default)]
    pub(crate) aud: Audience,
}

/// `aud` is a string or an array of strings (RFC 7519, 4.1.3).
#[derive(Deserialize, Default)]
#[serde(untagged)]
pub(crate) enum Audience {
    #[default]
    Absent,
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn includes(&self, wanted: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750); the scheme's case does not matter.
#[must_use]
pub fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
