//! The API double of the cluster room, over the same files. It is reached over TCP only: nothing here is linked with what is
//! tested.
#![allow(dead_code, reason = "the room's own tests use what is not used here")]

#[path = "../../../../cluster/tests/double/controllers.rs"]
mod controllers;
#[path = "../../../../cluster/tests/double/fields.rs"]
mod fields;
#[path = "../../../../cluster/tests/double/http.rs"]
mod http;
#[path = "../../../../cluster/tests/double/schema.rs"]
mod schema;
#[path = "../../../../cluster/tests/double/server.rs"]
mod server;
#[path = "../../../../cluster/tests/double/store.rs"]
mod store;

pub(crate) use controllers::Behaviour;
pub(crate) use server::Double;
pub(crate) use store::{Deny, Fault};
