//! 3xx: who is calling could not be established.

use http::{HeaderValue, StatusCode};
use mainstay_identity::TokenError;

use super::Problem;

/// Refusals before the request is looked at (PostgREST: group 3).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AuthError {
    /// The token cannot be read or its signature does not hold.
    Token { message: String, details: Option<&'static str> },
    /// No token, and no role for callers without one.
    Required,
    /// The description of the schema is for the service role only.
    RootForbidden,
    /// The signature holds but a claim does not.
    Claims(String),
}

impl AuthError {
    /// PostgREST's wording for a token our verifier refused.
    pub(crate) fn from_token(token: &str, error: &TokenError) -> Self {
        let parts = token.split('.').count();
        match error {
            TokenError::Malformed if token.is_empty() => Self::token("Empty JWT is sent in Authorization header", None),
            TokenError::Malformed if parts != 3 => Self::token(&format!("Expected 3 parts in JWT; got {parts}"), None),
            TokenError::Malformed => Self::token("JWT cryptographic operation failed", None),
            TokenError::UnknownAlgorithm => Self::token(
                "Wrong or unsupported encoding algorithm",
                Some("JWT is unsecured or the algorithm is not one of the configured keys'"),
            ),
            TokenError::UnknownKey | TokenError::BadSignature => {
                Self::token("No suitable key or wrong key type", Some("None of the keys was able to decode the JWT"))
            }
            TokenError::Expired => Self::Claims("JWT expired".into()),
            TokenError::NotYetValid => Self::Claims("JWT not yet valid".into()),
            TokenError::WrongAudience => Self::Claims("JWT not in audience".into()),
            TokenError::BadClaims(_) => Self::Claims("Parsing claims failed".into()),
        }
    }

    fn token(message: &str, details: Option<&'static str>) -> Self {
        Self::Token { message: message.to_owned(), details }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }

    pub(crate) fn problem(&self) -> Problem {
        match self {
            AuthError::Token { message, details } => {
                let problem = Problem::new("PGRST301", message.clone());
                match details {
                    Some(details) => problem.details(*details),
                    None => problem,
                }
            }
            AuthError::Required => Problem::new("PGRST302", "Anonymous access is disabled"),
            AuthError::RootForbidden => Problem::new("PGRST302", "Access to schema is forbidden")
                .hint(Some("Accessing the schema via the Data API is only allowed using a secret API key.")),
            AuthError::Claims(message) => Problem::new("PGRST303", message.clone()),
        }
    }

    /// RFC 6750 section 3: the challenge of a 401.
    pub(crate) fn challenge(&self) -> HeaderValue {
        let text = match self {
            AuthError::Required | AuthError::RootForbidden => "Bearer".to_owned(),
            AuthError::Token { message, .. } | AuthError::Claims(message) => {
                format!("Bearer error=\"invalid_token\", error_description=\"{message}\"")
            }
        };
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}
