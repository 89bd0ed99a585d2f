#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod error;
pub mod health;
pub mod http;
pub mod lifecycle;
pub mod log;
pub mod metrics;
pub mod tls;
