//! The portal as browsers see it.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod files;
mod pages;
mod setup;
