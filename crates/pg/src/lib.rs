#![doc = include_str!("../README.md")]

mod bootstrap;
mod error;
mod ident;
mod listen;
pub mod managed;
pub mod migrate;
mod options;
mod pool;
mod script;
mod statement;
mod stream;
mod tls;
mod wire;

pub use bootstrap::{Bootstrap, create_monitor, exposed_without_policies};
pub use error::{DbError, Error};
pub use ident::Ident;
pub use listen::{Listener, Notification};
pub use options::{ConnectOptions, SslMode};
pub use pool::{Conn, Pool, PoolSettings, PoolState};
pub use statement::{Column, IntoParam, Reuse, Row, Rows, Statement};
pub use wire::Connection;
