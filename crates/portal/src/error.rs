//! The portal's own errors.

use crate::pages;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mainstay_kernel::error::{ErrorEntry, PublicError};
use mainstay_kernel::http::{Response, bytes, json};
use serde_json::json;

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("This address can only be read.")]
    MethodNotAllowed,
    #[error("The file could not be read.")]
    Unreadable,
}

/// Every error, as the generated reference shows it.
pub const ERRORS: &[ErrorEntry] = &[
    ErrorEntry {
        code: "page_not_found",
        status: 404,
        meaning: "No file of the web folder answers this path.",
        remedy: "Check the path; for a single-page application set `portal.spa`.",
    },
    ErrorEntry {
        code: "method_not_allowed",
        status: 405,
        meaning: "Pages and files can only be read.",
        remedy: "Send GET or HEAD, or call an API below /auth/v1, /rest/v1, /storage/v1 or /functions/v1.",
    },
    ErrorEntry {
        code: "file_unreadable",
        status: 500,
        meaning: "The file is there, but the disk did not give it.",
        remedy: "Look at the log for the reason, often a missing permission.",
    },
];

// === impl Error ===

impl Error {
    fn entry(self) -> &'static ErrorEntry {
        &ERRORS[match self {
            Self::NotFound => 0,
            Self::MethodNotAllowed => 1,
            Self::Unreadable => 2,
        }]
    }

    /// A page for people, JSON for programs.
    pub(crate) fn respond(self, headers: &HeaderMap) -> Response {
        let mut response = if accepts_html(headers) {
            bytes(self.status(), pages::HTML, pages::problem(self))
        } else {
            json(self.status(), &json!({ "code": self.code(), "message": self.message(), "hint": self.entry().remedy }))
        };
        let answer = response.headers_mut();
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self == Self::MethodNotAllowed {
            answer.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        }
        response
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

/// True for what a browser sends when somebody follows a link.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|line| line.to_str().is_ok_and(|line| line.contains("text/html")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_every_kind_is_documented() {
        for (error, code, status) in [
            (Error::NotFound, "page_not_found", 404),
            (Error::MethodNotAllowed, "method_not_allowed", 405),
            (Error::Unreadable, "file_unreadable", 500),
        ] {
            assert_eq!((error.code(), error.status().as_u16()), (code, status));
        }
    }
}
