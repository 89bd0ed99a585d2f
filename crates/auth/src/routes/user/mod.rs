//! The account behind the bearer.

pub(crate) mod get;
pub(crate) mod update;
