//! New accounts.

pub(crate) mod create;
