//! Tests of the cluster room against an API double, and, when asked, against a real cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

mod fixture;
mod real;
