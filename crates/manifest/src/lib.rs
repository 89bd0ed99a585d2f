//! Kubernetes objects as values: what the deployer makes, the linter reads and the cluster is asked for.
//!
//! A base crate. It knows no project and no cluster: an [`Object`] is its JSON, the phase it is applied in, the file it is
//! written to and the sentence that says why it is there.

pub mod keys;
mod object;
mod phase;
mod quantity;
mod secret;
pub mod yaml;

pub use object::{Id, Object};
pub use phase::Phase;
pub use quantity::{Quantity, QuantityError};
pub use secret::{SecretKey, SecretSpec, Source};
