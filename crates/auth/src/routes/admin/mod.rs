//! For bearers of an administrator's key.

pub(crate) mod audit;
pub(crate) mod generate_link;
mod page;
pub(crate) mod users;
