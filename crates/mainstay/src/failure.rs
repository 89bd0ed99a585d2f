//! Why a command ended badly, and with which exit code.

use mainstay_kernel::config::ConfigError;
use std::fmt;

/// The end of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration cannot be used: exit code 64.
    Config(ConfigError),
    /// Anything else: exit code 1.
    Failed(anyhow::Error),
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 64,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure
where
    E: NotConfig,
{
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Errors that are not about configuration. A list, so that a new kind of error is thought about.
pub(crate) trait NotConfig {}
impl NotConfig for anyhow::Error {}
impl NotConfig for std::io::Error {}
impl NotConfig for serde_json::Error {}
impl NotConfig for mainstay_pg::Error {}
impl NotConfig for mainstay_pg::managed::ManagedError {}
impl NotConfig for mainstay_pg::managed::BinariesError {}
impl NotConfig for mainstay_pg::migrate::MigrateError {}
impl NotConfig for mainstay_kernel::tls::TlsError {}
impl NotConfig for mainstay_identity::SignError {}
impl NotConfig for mainstay_identity::KeyError {}
impl NotConfig for mainstay_gateway::UpstreamError {}
