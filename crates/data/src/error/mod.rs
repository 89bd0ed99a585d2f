//! What can go wrong, one enum per stage, joined here. Each variant carries its stable code, status, message and hint.

mod auth;
mod db;
mod plan;
pub(crate) mod raise;
mod request;

pub(crate) use auth::AuthError;
pub(crate) use db::ExecError;
pub(crate) use plan::{PlanError, SingleParameter};
pub(crate) use request::{RangeFault, RequestError, Syntax};

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, StatusCode, header};
use mainstay_kernel::error::ErrorEntry;
use serde_json::{Value, json};

/// Any failure of a request.
#[derive(Debug)]
pub(crate) enum Error {
    Request(RequestError),
    Plan(PlanError),
    Auth(AuthError),
    Exec(ExecError),
}

/// The four keys every error body has (PostgREST: "Errors").
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into(), details: None, hint: None }
    }

    pub(crate) fn details(mut self, details: impl Into<Value>) -> Self {
        self.details = Some(details.into());
        self
    }

    pub(crate) fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        json!({ "code": self.code, "message": self.message, "details": self.details, "hint": self.hint })
            .to_string()
            .into_bytes()
    }
}

/// A failure ready to be sent.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) problem: Problem,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    fn new(status: StatusCode, problem: Problem) -> Self {
        Self { status, problem, headers: Vec::new() }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Error {
    /// What the client gets to see. `anonymous` tells a missing privilege (401, sign in) from a refused one (403).
    pub(crate) fn failure(&self, caller: CallerKind) -> Failure {
        match self {
            Error::Request(e) => Failure::new(e.status(), e.problem()),
            Error::Plan(e) => Failure::new(e.status(), e.problem()),
            Error::Auth(e) => Failure::new(e.status(), e.problem()).with(header::WWW_AUTHENTICATE, e.challenge()),
            Error::Exec(e) => e.failure(caller),
        }
    }
}

/// Whether a token named the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallerKind {
    Anonymous,
    Known,
}

impl From<RequestError> for Error {
    fn from(e: RequestError) -> Self {
        Error::Request(e)
    }
}
impl From<PlanError> for Error {
    fn from(e: PlanError) -> Self {
        Error::Plan(e)
    }
}
impl From<AuthError> for Error {
    fn from(e: AuthError) -> Self {
        Error::Auth(e)
    }
}
impl From<ExecError> for Error {
    fn from(e: ExecError) -> Self {
        Error::Exec(e)
    }
}

/// The codes of this room's own errors. PostgreSQL's errors carry their SQLSTATE.
pub const ERRORS: &[ErrorEntry] = &[
    entry("body_too_large", 413, "The request body is larger than `data.max_body`", "Send it in parts"),
    entry(
        "PGRST000",
        503,
        "The database cannot be reached",
        "Wait; it is retried. Check the database and `mainstay doctor`",
    ),
    entry(
        "PGRST001",
        503,
        "The database connection broke while the request ran",
        "Send a read again; look before sending a write again",
    ),
    entry(
        "PGRST002",
        503,
        "The database's catalog has not been read yet",
        "Wait a moment; the log says why when it lasts",
    ),
    entry(
        "PGRST003",
        504,
        "No database connection became free in time",
        "Send less at once, look for slow queries, or raise the pool's size",
    ),
    entry("PGRST100", 400, "The query string cannot be parsed", "Mend the place that the message names"),
    entry("PGRST101", 405, "Functions are called with GET, HEAD or POST", "Use one of them"),
    entry(
        "PGRST102",
        400,
        "The request body is not usable",
        "Send what Content-Type says, rows with equal keys, at most 512 levels deep",
    ),
    entry("PGRST103", 416, "The range lies outside the result", "Ask for rows that exist"),
    entry("PGRST105", 405, "PUT needs eq filters on exactly the primary key", "Add them, or use POST or PATCH"),
    entry(
        "PGRST106",
        406,
        "The schema in the profile header is not exposed",
        "Use one that the hint names, or expose it (`data.schemas`)",
    ),
    entry("PGRST107", 406, "None of the accepted media types can be made", "Accept application/json"),
    entry(
        "PGRST108",
        400,
        "A filter, order or limit names a resource that is not embedded",
        "Add the resource to `select`",
    ),
    entry(
        "PGRST111",
        500,
        "The setting response.headers is not a list of single-key objects",
        "Mend the function that sets it",
    ),
    entry("PGRST112", 500, "The setting response.status is not an HTTP status", "Mend the function that sets it"),
    entry("PGRST114", 400, "limit and offset do not go with PUT", "Leave them out"),
    entry("PGRST115", 400, "The body of PUT has another key than the URL", "Make them equal"),
    entry(
        "PGRST116",
        406,
        "One object was asked for, and the result has none or several",
        "Filter on a key, or ask for a list",
    ),
    entry("PGRST117", 405, "The method is not supported", "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
    entry(
        "PGRST118",
        400,
        "Ordering by a related resource needs a to-one relationship",
        "Order the embedded resource instead",
    ),
    entry(
        "PGRST120",
        400,
        "An embedded resource can only be filtered with is.null or not.is.null",
        "Filter on one of its columns",
    ),
    entry("PGRST121", 500, "RAISE SQLSTATE 'PGRST' carried malformed JSON", "Mend MESSAGE and DETAIL as the hint says"),
    entry(
        "PGRST122",
        400,
        "There are unknown preferences and handling=strict",
        "Leave them out, or use handling=lenient",
    ),
    entry("PGRST123", 400, "Aggregate functions are switched off", "Set `data.aggregates`, or use a view"),
    entry("PGRST124", 400, "More rows would be affected than max-affected allows", "Narrow the filter"),
    entry("PGRST125", 404, "This is not a path of the data API", "Use /<table>, /rpc/<function> or /"),
    entry("PGRST127", 400, "This combination is not implemented", "See the details"),
    entry("PGRST128", 400, "max-affected needs a function that returns rows", "Leave it out"),
    entry("PGRST200", 400, "There is no relationship between the two resources", "Add a foreign key, or mend the name"),
    entry("PGRST201", 300, "There are several relationships between the two resources", "Name one, as the hint shows"),
    entry(
        "PGRST202",
        404,
        "There is no function with that name and those parameters",
        "Mend the name or the arguments",
    ),
    entry("PGRST203", 300, "Several functions match", "Rename parameters or functions"),
    entry("PGRST204", 400, "There is no such column", "Mend the body's keys or `columns`"),
    entry("PGRST205", 404, "There is no such table or view", "Mend the name, or expose its schema"),
    entry("PGRST301", 401, "The token cannot be verified", "Sign in again; check keys and clock"),
    entry("PGRST302", 401, "The request needs a token with more rights", "Send one"),
    entry("PGRST303", 401, "The token's claims are not acceptable", "Sign in again"),
    entry("PGRSTX00", 500, "Something failed inside the server", "The log has the cause under the request's id"),
];

const fn entry(code: &'static str, status: u16, meaning: &'static str, remedy: &'static str) -> ErrorEntry {
    ErrorEntry { code, status, meaning, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_variants() {
        let body = || RequestError::Body(String::new());
        let requests = [
            RequestError::QueryEncoding(""),
            RequestError::RpcMethod(String::new()),
            body(),
            RequestError::BodyTooLarge(1),
            RequestError::Range(RangeFault::NegativeLimit),
            RequestError::PutFilters,
            RequestError::Schema { asked: String::new(), exposed: Vec::new() },
            RequestError::MediaType(Vec::new()),
            RequestError::NotEmbedded(String::new()),
            RequestError::PutRange,
            RequestError::PutKeyMismatch,
            RequestError::Singular(0),
            RequestError::Method(String::new()),
            RequestError::RelatedOrder { origin: String::new(), target: String::new() },
            RequestError::EmbedFilter(String::new()),
            RequestError::Preferences(Vec::new()),
            RequestError::AggregatesDisabled,
            RequestError::MaxAffected(1),
            RequestError::Path,
            RequestError::NotImplemented(""),
            RequestError::MaxAffectedRpc,
            RequestError::OverrideHeaders,
            RequestError::OverrideStatus,
        ];
        let plans = [
            PlanError::AmbiguousRelationship { parent: String::new(), child: String::new(), found: Vec::new() },
            PlanError::AmbiguousFunction(Vec::new()),
            PlanError::NoColumn { table: String::new(), column: String::new() },
            PlanError::NoTable { schema: String::new(), table: String::new(), suggestion: None },
        ];
        let auth = [AuthError::Required, AuthError::RootForbidden, AuthError::Claims(String::new())];
        let exec = [
            ExecError::NoCatalog,
            ExecError::Unreachable(String::new()),
            ExecError::Lost(String::new()),
            ExecError::PoolTimeout,
            ExecError::Internal(String::new()),
        ];
        let all = requests.map(Error::from).into_iter();
        let all = all.chain(plans.map(Error::from)).chain(auth.map(Error::from)).chain(exec.map(Error::from));
        for error in all {
            let failure = error.failure(CallerKind::Known);
            let row = ERRORS.iter().find(|row| row.code == failure.problem.code);
            assert_eq!(row.map(|row| row.status), Some(failure.status.as_u16()), "{error:?}");
        }
        let mut codes: Vec<_> = ERRORS.iter().map(|row| row.code).collect();
        codes.dedup();
        assert_eq!(codes.len(), ERRORS.len());
    }
}
