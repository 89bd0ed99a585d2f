//! Configuration: `mainstay.toml` < secret files < environment < flags.
//!
//! A room declares its keys once with [`section!`](crate::section); from that declaration follow the typed struct, its
//! defaults, the name of the environment variable (`MAINSTAY_<SECTION>_<KEY>`), the refusal of unknown keys with file
//! and line, `mainstay config show` and the generated reference page.

mod document;
mod error;
mod secret_files;
mod section;
mod units;

pub use document::{Document, Entry, Flag, Origin, Sources};
pub use error::ConfigError;
pub use secrecy::{ExposeSecret, SecretString};
pub use secret_files::{SECRETS_DIR, read_secret_files};
pub use section::{Key, Section, SectionInfo, read_value};
pub use units::{Seconds, Size};

#[doc(hidden)]
pub use toml::Value as TomlValue;
