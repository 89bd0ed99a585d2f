//! Why a command ended badly, and with which exit code.

use mainstay_kernel::config::ConfigError;
use mainstay_pg::migrate::MigrateError;
use std::fmt;

/// SQLSTATEs, as [`MigrateError`] writes them, that say nothing against the migration: connections (class 08),
/// conflicts with others (40001, 40P01, 55P03), resources (53), cancelled (57014), server going down (57P).
const PASSING: &[&str] = &["(08", "(40001)", "(40P01)", "(53", "(55P03)", "(57014)", "(57P", "(58"];

/// The end of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration cannot be used: exit code 64.
    Config(ConfigError),
    /// A migration is wrong, so that trying again cannot help: exit code 42.
    Migration(anyhow::Error),
    /// A signal ended the command before it was done: exit code 143, as of a process that SIGTERM ended.
    Stopped,
    /// `diff` found changes, `lint` errors, `render --check` a stale tree; the command has said so itself: exit code 1.
    Found,
    /// `diff` could not compare: exit code 2, as of `kubectl diff`.
    Uncompared(anyhow::Error),
    /// Anything else: exit code 1.
    Failed(anyhow::Error),
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 64,
            Self::Migration(_) => 42,
            Self::Stopped => 143,
            Self::Uncompared(_) => 2,
            Self::Failed(_) | Self::Found => 1,
        }
    }

    /// True when the command has told everything already.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Found)
    }

    /// Says what was attempted.
    pub(crate) fn during(self, what: &'static str) -> Self {
        match self {
            Self::Migration(error) => Self::Migration(error.context(what)),
            Self::Failed(error) => Self::Failed(error.context(what)),
            Self::Uncompared(error) => Self::Uncompared(error.context(what)),
            Self::Config(_) | Self::Stopped | Self::Found => self,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Stopped => f.write_str("stopped by a signal before it was done"),
            Self::Found => f.write_str("there are differences"),
            Self::Migration(error) | Self::Uncompared(error) | Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        if is_wrong(&error) { Self::Migration(error.into()) } else { Self::Failed(error.into()) }
    }
}

/// True when the migration has to be changed; false when the database was away, full, or stopped the statement.
fn is_wrong(error: &MigrateError) -> bool {
    match error {
        MigrateError::Changed { .. } => true,
        MigrateError::Refused { problem, .. } => !PASSING.iter().any(|code| problem.contains(code)),
        MigrateError::Folder(..) | MigrateError::Database(_) => false,
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
impl NotConfig for mainstay_kernel::tls::TlsError {}
impl NotConfig for mainstay_identity::SignError {}
impl NotConfig for mainstay_identity::KeyError {}
impl NotConfig for mainstay_gateway::UpstreamError {}
impl NotConfig for mainstay_manifest::yaml::YamlError {}
impl NotConfig for mainstay_deploy::render::RenderError {}
impl NotConfig for mainstay_image::ImageError {}

impl From<mainstay_cluster::Error> for Failure {
    /// The sentence, its code, and what to do.
    fn from(error: mainstay_cluster::Error) -> Self {
        let remedy = error.remedy();
        let remedy = if remedy.is_empty() { String::new() } else { format!("\n  → {remedy}") };
        Self::Failed(anyhow::anyhow!("{error} ({}){remedy}", error.code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_that_must_be_changed_ends_with_42() {
        let refused = |problem: &str| MigrateError::Refused {
            name: "0001".to_owned(),
            line: 1,
            problem: problem.to_owned(),
            statement: String::new(),
            hint: String::new(),
        };
        for (error, code) in [
            (refused("syntax error at or near \"x\" (42601)"), 42),
            (refused("duplicate key value (23505); Key (id)=(1) already exists."), 42),
            (refused("deadlock detected (40P01); Process 1 waits"), 1),
            (refused("could not extend file: No space left on device (53100)"), 1),
            (refused("terminating connection due to administrator command (57P01)"), 1),
            (MigrateError::Changed { set: "project".to_owned(), name: "0001".to_owned() }, 42),
            (MigrateError::Database(mainstay_pg::Error::Connect("refused".to_owned())), 1),
            (MigrateError::Folder("migrations".to_owned(), "permission denied".to_owned()), 1),
        ] {
            let text = error.to_string();
            assert_eq!(Failure::from(error).during("migrating").exit_code(), code, "{text}");
        }
    }
}
