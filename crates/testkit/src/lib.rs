#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "a test kit fails by panicking")]

mod client;
mod database;
mod identity;
mod server;

pub use client::{Answer, Client};
pub use database::Database;
pub use identity::Identity;
