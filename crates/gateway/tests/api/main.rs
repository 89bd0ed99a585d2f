//! The gateway as clients and roles see it.

mod browsers;
mod keys;
mod limits;
mod remote;
mod requests;
mod setup;
