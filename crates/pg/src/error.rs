//! What can go wrong between Mainstay and PostgreSQL.

use postgres_protocol::message::backend::ErrorFields;
use std::fmt;

/// Why a statement has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL refused. The transaction it was part of did not happen.
    #[error("{0}")]
    Db(Box<DbError>),
    /// No connection became free in time.
    #[error("no database connection became free in time")]
    Timeout,
    /// PostgreSQL could not be reached, or refused the login. Nothing was sent.
    #[error("the database cannot be reached: {0}")]
    Connect(String),
    /// The connection broke after statements were sent: whether they took effect is unknown.
    #[error("the database connection was lost: {0}")]
    Closed(String),
    /// The other side does not speak PostgreSQL's protocol as expected.
    #[error("unexpected answer from the database: {0}")]
    Protocol(String),
}

/// An error report of PostgreSQL (protocol message `ErrorResponse`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DbError {
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// SQLSTATE, five characters.
    pub code: String,
    /// Primary message.
    pub message: String,
    /// Detail, when there is one.
    pub detail: Option<String>,
    /// Hint, when there is one.
    pub hint: Option<String>,
    /// Position in the statement text in characters, counted from 1.
    pub position: Option<usize>,
    /// Schema that the error is about.
    pub schema: Option<String>,
    /// Table that the error is about.
    pub table: Option<String>,
    /// Column that the error is about.
    pub column: Option<String>,
    /// Constraint that was violated.
    pub constraint: Option<String>,
    /// Which statement of the pipeline or script failed, counted from 0.
    pub statement: usize,
}

impl Error {
    /// PostgreSQL's report, when it is one.
    #[must_use]
    pub fn db(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }

    /// The SQLSTATE, when PostgreSQL gave one.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.db().map(|error| error.code.as_str())
    }

    /// True when the database is away or going away, so that trying again later makes sense.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Closed(_) => true,
            Self::Db(report) => report.is_unavailable(),
            Self::Timeout | Self::Protocol(_) => false,
        }
    }

    /// True when a prepared statement no longer fits the schema; the transaction did not happen and may be tried again.
    #[must_use]
    pub fn is_stale_plan(&self) -> bool {
        self.db().is_some_and(|error| {
            (error.code == "0A000" && error.message.contains("cached plan")) || error.code == "26000"
        })
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Closed(error.to_string())
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.code, self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for DbError {}

impl DbError {
    /// True when the server is starting, stopping or full (SQLSTATE classes 08 and 57P, and 53300).
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self.code.as_str(), "57P01" | "57P02" | "57P03" | "53300") || self.code.starts_with("08")
    }

    pub(crate) fn read(mut fields: ErrorFields<'_>) -> Self {
        use fallible_iterator::FallibleIterator as _;
        let mut error = Self::default();
        while let Ok(Some(field)) = fields.next() {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'V' => error.severity = value,
                b'S' if error.severity.is_empty() => error.severity = value,
                b'C' => error.code = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'P' => error.position = value.parse().ok(),
                b's' => error.schema = Some(value),
                b't' => error.table = Some(value),
                b'c' => error.column = Some(value),
                b'n' => error.constraint = Some(value),
                _ => {}
            }
        }
        error
    }
}
