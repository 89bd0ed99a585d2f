//! The built binary as a process: what it is given, how it ends, and how it lives in a pod.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod end;
mod environment;
mod pod;
mod support;
