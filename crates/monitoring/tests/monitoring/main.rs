//! What the watching programs themselves say about what is generated for them: promtool and amtool are run for real.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod alertmanager;
mod alerts;
mod cases;
mod configurations;
mod dashboards;
mod facts;
mod firing;
mod registry;
mod tools;
