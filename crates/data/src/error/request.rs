//! 1xx: what is wrong with the request itself.

use http::StatusCode;

use super::Problem;

/// A grammar failure: where, and what was expected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Syntax {
    /// 1-based column in characters.
    pub(crate) column: usize,
    pub(crate) details: String,
}

/// Why a range cannot be served.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RangeFault {
    NegativeLimit,
    LowerAboveUpper,
    OutOfBounds { offset: i64, total: i64 },
}

/// The request stage's refusals (PostgREST: group 1).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RequestError {
    Syntax { what: &'static str, input: String, syntax: Syntax },
    QueryEncoding(&'static str),
    RpcMethod(String),
    Body(String),
    BodyTooLarge(usize),
    Range(RangeFault),
    PutFilters,
    Schema { asked: String, exposed: Vec<String> },
    MediaType(Vec<String>),
    NotEmbedded(String),
    PutRange,
    PutKeyMismatch,
    Singular(i64),
    Method(String),
    RelatedOrder { origin: String, target: String },
    EmbedFilter(String),
    Preferences(Vec<String>),
    AggregatesDisabled,
    MaxAffected(i64),
    Path,
    NotImplemented(&'static str),
    MaxAffectedRpc,
    OverrideHeaders,
    OverrideStatus,
}

impl RequestError {
    pub(crate) fn status(&self) -> StatusCode {
        use RequestError::*;
        match self {
            Syntax { .. } | QueryEncoding(_) | Body(_) | NotEmbedded(_) | PutRange | PutKeyMismatch => {
                StatusCode::BAD_REQUEST
            }
            RelatedOrder { .. } | EmbedFilter(_) | Preferences(_) | AggregatesDisabled | MaxAffected(_) => {
                StatusCode::BAD_REQUEST
            }
            NotImplemented(_) | MaxAffectedRpc => StatusCode::BAD_REQUEST,
            BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            RpcMethod(_) | PutFilters | Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Schema { .. } | MediaType(_) | Singular(_) => StatusCode::NOT_ACCEPTABLE,
            Path => StatusCode::NOT_FOUND,
            OverrideHeaders | OverrideStatus => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        use RequestError::*;
        match self {
            Syntax { what, input, syntax } => {
                let column = syntax.column;
                Problem::new("PGRST100", format!("\"failed to parse {what} ({input})\" (line 1, column {column})"))
                    .details(syntax.details.clone())
            }
            QueryEncoding(why) => {
                Problem::new("PGRST100", "failed to decode the query string").details((*why).to_owned())
            }
            RpcMethod(method) => Problem::new("PGRST101", format!("Cannot use the {method} method on RPC")),
            Body(message) => Problem::new("PGRST102", message.clone()),
            BodyTooLarge(limit) => {
                Problem::new("body_too_large", "Request body too large").details(format!("The limit is {limit} bytes"))
            }
            Range(fault) => Problem::new("PGRST103", "Requested range not satisfiable").details(fault.details()),
            PutFilters => {
                Problem::new("PGRST105", "Filters must include all and only primary key columns with 'eq' operators")
            }
            Schema { asked, exposed } => Problem::new("PGRST106", format!("Invalid schema: {asked}"))
                .hint(Some(format!("Only the following schemas are exposed: {}", exposed.join(", ")))),
            MediaType(types) => {
                Problem::new("PGRST107", format!("None of these media types are available: {}", types.join(", ")))
            }
            NotEmbedded(name) => {
                Problem::new("PGRST108", format!("'{name}' is not an embedded resource in this request"))
                    .hint(Some(format!("Verify that '{name}' is included in the 'select' query parameter.")))
            }
            OverrideHeaders => Problem::new(
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            ),
            OverrideStatus => Problem::new("PGRST112", "response.status guc must be a valid status code"),
            PutRange => Problem::new("PGRST114", "limit/offset querystring parameters are not allowed for PUT"),
            PutKeyMismatch => Problem::new("PGRST115", "Payload values do not match URL in primary key column(s)"),
            Singular(rows) => Problem::new("PGRST116", "Cannot coerce the result to a single JSON object")
                .details(format!("The result contains {rows} rows")),
            Method(method) => Problem::new("PGRST117", format!("Unsupported HTTP method: {method}")),
            RelatedOrder { origin, target } => {
                Problem::new("PGRST118", format!("A related order on '{target}' is not possible"))
                    .details(format!("'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship"))
            }
            EmbedFilter(target) => {
                Problem::new("PGRST120", format!("Bad operator on the '{target}' embedded resource"))
                    .details("Only is null or not is null filters are allowed on embedded resources")
            }
            Preferences(unknown) => Problem::new("PGRST122", "Invalid preferences given with handling=strict")
                .details(format!("Invalid preferences: {}", unknown.join(", "))),
            AggregatesDisabled => Problem::new("PGRST123", "Use of aggregate functions is not allowed"),
            MaxAffected(rows) => Problem::new("PGRST124", "Query result exceeds max-affected preference constraint")
                .details(format!("The query affects {rows} rows")),
            Path => Problem::new("PGRST125", "Invalid path specified in request URL"),
            NotImplemented(details) => {
                Problem::new("PGRST127", "Feature not implemented").details((*details).to_owned())
            }
            MaxAffectedRpc => Problem::new(
                "PGRST128",
                "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
            ),
        }
    }
}

impl RangeFault {
    fn details(&self) -> String {
        match self {
            RangeFault::NegativeLimit => "Limit should be greater than or equal to zero.".into(),
            RangeFault::LowerAboveUpper => {
                "The lower boundary must be lower than or equal to the upper boundary in the Range header.".into()
            }
            RangeFault::OutOfBounds { offset, total } => {
                format!("An offset of {offset} was requested, but there are only {total} rows.")
            }
        }
    }
}
