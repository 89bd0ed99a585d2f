//! The managed server: a private PostgreSQL cluster inside a project folder.
//!
//! Order of [`Managed::start`]: find the binaries → take the folder's lock → make or adopt the data directory → choose a
//! port → start (or adopt a server that outlived its Mainstay) → wait until it answers. [`Managed::supervise`] then starts
//! it again when it dies. PostgreSQL refuses to run as root, so when Mainstay is root the server runs as `postgres` or
//! `nobody`.

mod binaries;
mod cluster;
mod lock;
mod log;
mod owner;
mod pidfile;
mod settings;
mod template;

pub use binaries::{Binaries, BinariesError};
pub use cluster::{Managed, ManagedError, ManagedSettings, Outcome};
pub use lock::{FolderLock, LockError};
