//! What anybody may know about this server.

pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod openid;
pub(crate) mod settings;
