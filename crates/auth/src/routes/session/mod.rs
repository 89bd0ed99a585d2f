//! Sessions of the account behind the bearer.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod logout;
