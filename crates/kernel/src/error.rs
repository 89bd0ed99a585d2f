//! The error contract: what every error that reaches a client must be able to say.
//!
//! Each room maps this to its own protocol's body (the data API's four keys, the auth API's two forms, …).
//! The trait is deliberately not implemented for foreign error types: whoever lets a foreign error out must first
//! decide what a client may see.

use http::StatusCode;

/// One row of a room's table of public errors. `docs/reference/errors.md` is generated from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorEntry {
    /// Stable code. Never reused once published.
    pub code: &'static str,
    /// HTTP status it travels with.
    pub status: u16,
    /// What happened, in a sentence.
    pub meaning: &'static str,
    /// What the reader can do about it.
    pub remedy: &'static str,
}

/// An error whose text may be shown to a client.
pub trait PublicError: std::error::Error {
    /// HTTP status.
    fn status(&self) -> StatusCode;
    /// Stable code.
    fn code(&self) -> &str;
    /// A sentence a person understands; no internals, no secrets.
    fn message(&self) -> String;
}
