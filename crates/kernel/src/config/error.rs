//! What can be wrong with a configuration, said so that the reader can go and mend it.

use std::fmt;

/// A configuration that cannot be used. The text names the place (file and line, or variable) and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where: `mainstay.toml:12`, `environment variable MAINSTAY_GATEWAY_PORT`, `flag --port`.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl ConfigError {
    /// An error at a place.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for ConfigError {}
