//! The data API against a real PostgreSQL. Folders follow the kinds of request.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::result_large_err, reason = "proptest's own error is large")]

mod app;
mod auth;
mod catalog;
mod hostile;
mod isolation;
mod read;
mod root;
mod rpc;
mod write;
