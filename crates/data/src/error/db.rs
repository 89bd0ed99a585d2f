//! What the database or the way to it answered.

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{CallerKind, Failure, Problem, RequestError, raise};

/// An error report of PostgreSQL, as far as clients see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DbFault {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
}

/// The execute stage's failures.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// PostgreSQL refused a statement.
    Db(DbFault),
    /// A check after the statement failed; the transaction was rolled back.
    Check(RequestError),
    /// The catalog was never loaded.
    NoCatalog,
    /// No connection could be made.
    Unreachable(String),
    /// The connection broke while the statement ran; a write may or may not have happened.
    Lost(String),
    /// No pooled connection became free in time.
    PoolTimeout,
    /// Our own fault; the text goes to the log only.
    Internal(String),
}

impl From<mainstay_pg::Error> for ExecError {
    fn from(error: mainstay_pg::Error) -> Self {
        match error {
            mainstay_pg::Error::Db(e) => {
                let e = *e;
                ExecError::Db(DbFault { code: e.code, message: e.message, detail: e.detail, hint: e.hint })
            }
            mainstay_pg::Error::Timeout => ExecError::PoolTimeout,
            mainstay_pg::Error::Closed(why) => ExecError::Lost(why),
            mainstay_pg::Error::Connect(why) => ExecError::Unreachable(why),
            other => ExecError::Internal(other.to_string()),
        }
    }
}

impl ExecError {
    /// What the log needs and the client must not have.
    pub(crate) fn cause(&self) -> &str {
        match self {
            ExecError::Internal(cause) | ExecError::Unreachable(cause) | ExecError::Lost(cause) => cause,
            ExecError::Db(fault) => &fault.message,
            ExecError::NoCatalog => "the catalog was never loaded",
            ExecError::PoolTimeout => "all connections are in use",
            ExecError::Check(_) => "a check of the result failed",
        }
    }

    pub(crate) fn failure(&self, caller: CallerKind) -> Failure {
        match self {
            ExecError::Db(fault) => fault.failure(caller),
            ExecError::Check(e) => Failure::new(e.status(), e.problem()),
            ExecError::NoCatalog => {
                unavailable(Problem::new("PGRST002", "Could not query the database for the schema cache. Retrying."))
            }
            ExecError::Unreachable(_) => {
                unavailable(Problem::new("PGRST000", "Database connection error. Retrying the connection."))
            }
            ExecError::Lost(_) => {
                unavailable(Problem::new("PGRST001", "Database client error. Retrying the connection."))
            }
            ExecError::PoolTimeout => Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                Problem::new("PGRST003", "Timed out acquiring connection from connection pool."),
            ),
            ExecError::Internal(_) => {
                Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Problem::new("PGRSTX00", "Internal server error"))
            }
        }
    }
}

fn unavailable(problem: Problem) -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, problem).with(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl DbFault {
    fn failure(&self, caller: CallerKind) -> Failure {
        if self.code == "PGRST" {
            return match raise::read(&self.message, self.detail.as_deref()) {
                Ok(raised) => {
                    let mut failure = Failure::new(raised.status, raised.problem);
                    failure.headers = raised.headers;
                    failure
                }
                Err(problem) => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, problem),
            };
        }
        let status = self.status(caller);
        let problem = Problem {
            code: self.code.clone().into(),
            message: self.message.clone(),
            details: self.detail.clone().map(Into::into),
            hint: self.hint.clone(),
        };
        let failure = Failure::new(status, problem);
        match status {
            StatusCode::UNAUTHORIZED => failure.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => failure.with(header::RETRY_AFTER, HeaderValue::from_static("1")),
            _ => failure,
        }
    }

    /// SQLSTATE to status (PostgREST: "HTTP Status Codes"; PostgreSQL: appendix A).
    fn status(&self, caller: CallerKind) -> StatusCode {
        let number = match (self.code.as_str(), self.code.get(..2).unwrap_or_default()) {
            ("23503" | "23505", _) => 409,
            ("25006", _) => 405,
            ("21000", _) if self.message.ends_with("requires a WHERE clause") => 400,
            ("22023", _) if self.message.starts_with("role") && self.message.ends_with("does not exist") => 401,
            ("42883", _) if self.message.starts_with("function xmlagg(") => 406,
            ("42883" | "42P01", _) => 404,
            ("42P17" | "53400", _) => 500,
            ("42501", _) if caller == CallerKind::Anonymous => 401,
            ("42501", _) => 403,
            // the server is going down, has crashed, or is coming up: trying again later makes sense
            ("57P01" | "57P02" | "57P03", _) => 503,
            ("P0001", _) => 400,
            (_, "08" | "53") => 503,
            (_, "0L" | "0P" | "28") => 403,
            (_, "09" | "21" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58") => 500,
            (_, "F0" | "HV" | "P0" | "XX") => 500,
            (code, "PT") => code[2..].parse().ok().filter(|n| (100..600).contains(n)).unwrap_or(500),
            _ => 400,
        };
        StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A header name and value taken from SQL, when both are legal HTTP.
pub(crate) fn legal_header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_answer_with_the_documented_status() {
        let cases = [
            ("23505", "duplicate key", CallerKind::Known, 409),
            ("23502", "null value", CallerKind::Known, 400),
            ("42501", "permission denied", CallerKind::Known, 403),
            ("42501", "permission denied", CallerKind::Anonymous, 401),
            ("42703", "column does not exist", CallerKind::Anonymous, 400),
            ("42P01", "relation does not exist", CallerKind::Known, 404),
            ("22023", "role \"x\" does not exist", CallerKind::Known, 401),
            ("22023", "invalid value for parameter \"TimeZone\"", CallerKind::Known, 400),
            ("21000", "DELETE requires a WHERE clause", CallerKind::Known, 400),
            ("21000", "more than one row", CallerKind::Known, 500),
            ("25006", "read-only", CallerKind::Known, 405),
            ("57014", "canceling statement", CallerKind::Known, 500),
            ("57P01", "terminating", CallerKind::Known, 503),
            ("57P02", "crash of another server process", CallerKind::Known, 503),
            ("57P03", "starting up", CallerKind::Known, 503),
            ("P0001", "raised", CallerKind::Known, 400),
            ("P0002", "no data", CallerKind::Known, 500),
            ("PT418", "teapot", CallerKind::Known, 418),
            ("PTxyz", "odd", CallerKind::Known, 500),
            ("22P02", "invalid input syntax", CallerKind::Known, 400),
        ];
        for (code, message, caller, status) in cases {
            let fault = DbFault { code: code.into(), message: message.into(), detail: None, hint: None };
            assert_eq!(fault.failure(caller).status.as_u16(), status, "{code} {message}");
        }
    }
}
