//! 3xx: who is calling could not be established.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode};
use mainstay_identity::TokenError;
use serde_json::Value;

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
            TokenError::UnknownAlgorithm if is_unsecured(token) => Self::token(
                "Wrong or unsupported encoding algorithm",
                Some("JWT is unsecured but expected 'alg' was not 'none'"),
            ),
            TokenError::UnknownAlgorithm | TokenError::UnknownKey | TokenError::BadSignature => {
                Self::token("No suitable key or wrong key type", Some("None of the keys was able to decode the JWT"))
            }
            TokenError::Expired => Self::Claims("JWT expired".into()),
            TokenError::NotYetValid => Self::Claims(future_claim(&part(token, 1)).into()),
            TokenError::WrongAudience => Self::Claims("JWT not in audience".into()),
            TokenError::BadClaims(_) => Self::Claims(bad_claim(&part(token, 1)).into()),
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

/// A part of a token, only to word its refusal: 0 is the header, 1 the claims. Null when it cannot be read.
fn part(token: &str, index: usize) -> Value {
    let bytes = token.split('.').nth(index).and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn is_unsecured(token: &str) -> bool {
    part(token, 0)["alg"].as_str().is_some_and(|alg| alg.eq_ignore_ascii_case("none"))
}

/// Which of the two claims that may lie in the future does.
fn future_claim(claims: &Value) -> &'static str {
    match (claims["nbf"].as_f64(), claims["iat"].as_f64()) {
        (None, Some(_)) => "JWT issued at future",
        (Some(begins), Some(issued)) if begins < issued => "JWT issued at future",
        _ => "JWT not yet valid",
    }
}

/// The first claim of the wrong type, in PostgREST's order.
fn bad_claim(claims: &Value) -> &'static str {
    let no_number = |name: &str| !claims[name].is_null() && !claims[name].is_number();
    let audience = match &claims["aud"] {
        Value::Null | Value::String(_) => true,
        Value::Array(items) => items.iter().all(Value::is_string),
        _ => false,
    };
    if no_number("exp") {
        "The JWT 'exp' claim must be a number"
    } else if no_number("nbf") {
        "The JWT 'nbf' claim must be a number"
    } else if no_number("iat") {
        "The JWT 'iat' claim must be a number"
    } else if !audience {
        "The JWT 'aud' claim must be a string or an array of strings"
    } else {
        "Parsing claims failed"
    }
}
