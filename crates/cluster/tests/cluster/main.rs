//! Tests of the cluster room against an API double, and, when asked, against a real cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod apply;
#[path = "../double/mod.rs"]
mod double;
mod failing;
mod fixture;
mod looking;
mod real;
mod releases;
mod secret;
mod trouble;
