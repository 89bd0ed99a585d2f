#![doc = include_str!("../README.md")]

mod api_key;
mod caller;
mod config;
mod keys;
mod sign;
mod verify;

pub use api_key::{ApiKeys, KeyKind, ResolvedKey, generate_api_key};
pub use caller::{Caller, bearer};
pub use config::Config;
pub use keys::{KeyError, KeySet};
pub use sign::{SignError, Signer};
pub use verify::{TokenError, Verifier};
