//! Sign-in at external providers.

pub(crate) mod authorize;
pub(crate) mod callback;

use crate::error::Failure;
use mainstay_kernel::error::PublicError as _;

/// A failure as the pairs of a redirect (RFC 6749 section 4.1.2.1, and supabase/auth's `error_code`).
pub(crate) fn error_pairs<'a>(failure: &'a Failure, description: &'a str) -> [(&'static str, &'a str); 3] {
    let error = match failure.status().as_u16() {
        400 | 404 | 413 | 422 => "invalid_request",
        401 => "unauthorized_client",
        403 => "access_denied",
        429 | 502 | 503 | 504 => "temporarily_unavailable",
        _ => "server_error",
    };
    [("error", error), ("error_code", failure.code()), ("error_description", description)]
}
