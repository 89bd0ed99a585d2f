//! The gateway as clients and roles see it.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod browsers;
mod keys;
mod limits;
mod remote;
mod requests;
mod setup;
