//! The gateway's own errors. What a role answers passes through untouched.

use crate::route::Role;
use http::StatusCode;
use mainstay_kernel::error::{ErrorEntry, PublicError};
use std::time::Duration;

/// Why the gateway answers instead of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("No API key found in request")]
    KeyMissing,
    #[error("Invalid API key")]
    KeyUnknown,
    #[error("This project runs without {}.", .0.name())]
    RoleNotRunning(Role),
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("The request target is longer than {limit} bytes.")]
    TargetTooLong { limit: usize },
    #[error("The request body is larger than {limit} bytes.")]
    BodyTooLarge { limit: u64 },
    #[error("Too many requests.")]
    RateLimited { wait: Duration },
    #[error("The server is working on as many requests as it can.")]
    Overloaded,
    #[error("The request took too long and was cancelled.")]
    Timeout,
    #[error("{} cannot be reached right now.", capitalised(.0.name()))]
    UpstreamUnavailable(Role),
    #[error("Something went wrong on our side.")]
    Panicked,
}

/// Every error, as the generated reference shows it. `error_of_every_kind_is_documented` ties it to the enum.
pub const ERRORS: &[ErrorEntry] = &[
    ErrorEntry {
        code: "api_key_missing",
        status: 401,
        meaning: "The route needs an API key and the request has none.",
        remedy: "Send the publishable key in the `apikey` header (client libraries do) or as the query parameter `apikey`.",
    },
    ErrorEntry {
        code: "api_key_invalid",
        status: 401,
        meaning: "The API key is not one of this project.",
        remedy: "Compare it with the output of `mainstay keys`.",
    },
    ErrorEntry {
        code: "role_not_running",
        status: 404,
        meaning: "The part of Mainstay that answers this prefix is not part of this project.",
        remedy: "Add the role to the project, or give the gateway the address where it runs.",
    },
    ErrorEntry {
        code: "not_found",
        status: 404,
        meaning: "The path belongs to no API, and there is no portal.",
        remedy: "Check the path; APIs live below /auth/v1, /rest/v1, /storage/v1 and /functions/v1.",
    },
    ErrorEntry {
        code: "request_target_too_long",
        status: 414,
        meaning: "Path and query are longer than `gateway.uri_limit`.",
        remedy: "Send long filters as a function call with a body, or raise the limit.",
    },
    ErrorEntry {
        code: "body_too_large",
        status: 413,
        meaning: "The body is larger than the route's limit.",
        remedy: "Send it in parts, or raise `gateway.*_body_limit`.",
    },
    ErrorEntry {
        code: "rate_limited",
        status: 429,
        meaning: "The client address or API key sent more requests than it may.",
        remedy: "Wait as long as `Retry-After` says; the limits are `gateway.rate_limit_*`.",
    },
    ErrorEntry {
        code: "overloaded",
        status: 503,
        meaning: "`gateway.max_in_flight` requests are being worked on.",
        remedy: "Retry after a moment; run more replicas if it lasts.",
    },
    ErrorEntry {
        code: "request_timeout",
        status: 504,
        meaning: "No answer within `gateway.timeout`; the work was cancelled.",
        remedy: "Ask for less at once, or raise the limit.",
    },
    ErrorEntry {
        code: "upstream_unavailable",
        status: 503,
        meaning: "The role that answers this prefix cannot be reached.",
        remedy: "Retry after a moment; see `mainstay status` if it lasts.",
    },
    ErrorEntry {
        code: "internal",
        status: 500,
        meaning: "A defect in Mainstay ended this request; the process lives on.",
        remedy: "Report it with the request id, which is also in the log.",
    },
];

// === impl Error ===

impl Error {
    /// The row of [`ERRORS`].
    pub(crate) fn entry(&self) -> &'static ErrorEntry {
        &ERRORS[match self {
            Self::KeyMissing => 0,
            Self::KeyUnknown => 1,
            Self::RoleNotRunning(_) => 2,
            Self::NotFound => 3,
            Self::TargetTooLong { .. } => 4,
            Self::BodyTooLarge { .. } => 5,
            Self::RateLimited { .. } => 6,
            Self::Overloaded => 7,
            Self::Timeout => 8,
            Self::UpstreamUnavailable(_) => 9,
            Self::Panicked => 10,
        }]
    }

    /// What the body's `hint` says.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::KeyMissing => "No `apikey` request header or url param was found.",
            Self::KeyUnknown => "Double check your API key.",
            _ => self.entry().remedy,
        }
    }

    /// Seconds for `Retry-After`.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { wait } => Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            Self::Overloaded | Self::UpstreamUnavailable(_) => Some(1),
            _ => None,
        }
    }
}

impl PublicError for Error {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn code(&self) -> &str {
        self.entry().code
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_every_kind_is_documented() {
        for (error, code, status) in [
            (Error::KeyMissing, "api_key_missing", 401),
            (Error::KeyUnknown, "api_key_invalid", 401),
            (Error::RoleNotRunning(Role::Realtime), "role_not_running", 404),
            (Error::NotFound, "not_found", 404),
            (Error::TargetTooLong { limit: 1 }, "request_target_too_long", 414),
            (Error::BodyTooLarge { limit: 1 }, "body_too_large", 413),
            (Error::RateLimited { wait: Duration::from_millis(1200) }, "rate_limited", 429),
            (Error::Overloaded, "overloaded", 503),
            (Error::Timeout, "request_timeout", 504),
            (Error::UpstreamUnavailable(Role::Data), "upstream_unavailable", 503),
            (Error::Panicked, "internal", 500),
        ] {
            assert_eq!((error.code(), error.status().as_u16()), (code, status));
        }
        assert_eq!(Error::RateLimited { wait: Duration::from_millis(1200) }.retry_after(), Some(2));
        assert_eq!(Error::UpstreamUnavailable(Role::Data).message(), "The data API cannot be reached right now.");
        let mut codes: Vec<_> = ERRORS.iter().map(|entry| entry.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ERRORS.len());
    }
}
