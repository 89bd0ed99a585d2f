//! The room's HTTP API against a real PostgreSQL. Files follow the resources.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod accounts;
mod admin;
mod app;
mod coverage;
mod errors;
mod oauth;
mod provider;
mod rate;
mod refresh;
mod sessions;
mod sign_in;
mod signup;
mod tokens;
mod user;
mod verify;
