//! What was asked. Pure: knows the wire, not the database; whether it makes sense is for the plan.

mod csv;
pub(crate) mod media;
pub(crate) mod payload;
pub(crate) mod prefer;
pub(crate) mod query;
pub(crate) mod target;

use bytes::Bytes;
use http::request::Parts;

use crate::error::RequestError;
use media::MediaType;
use payload::{Payload, Target};
use prefer::{Preferences, TxOverride};
use query::range::{Range, top_level};
use query::{Others, Query};
use target::{Action, Invocation, Mutation, Schema};

/// A request in the data API's own words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiRequest {
    pub(crate) action: Action,
    pub(crate) schema: Schema,
    pub(crate) query: Query,
    /// The top level's window, `Range` header included.
    pub(crate) range: Range,
    pub(crate) prefer: Preferences,
    pub(crate) accept: Vec<MediaType>,
    pub(crate) content: MediaType,
    pub(crate) payload: Option<Payload>,
}

/// The settings the request stage needs.
#[derive(Debug, Clone)]
pub(crate) struct RequestRules {
    pub(crate) schemas: Vec<String>,
    pub(crate) tx: TxOverride,
}

/// Turns a request's head and body into an `ApiRequest`.
///
/// # Errors
/// The 1xx family: path, method, profile, query grammar, ranges and body.
pub(crate) fn parse(rules: &RequestRules, head: &Parts, body: Bytes) -> Result<ApiRequest, RequestError> {
    let action = target::action(head.uri.path(), &head.method)?;
    let schema = target::schema(&head.headers, &head.method, &rules.schemas)?;
    let others = match action {
        Action::Call { invocation: Invocation::Read(_), .. } => Others::Arguments,
        _ => Others::Filters,
    };
    let query = query::parse(head.uri.query().unwrap_or_default(), others)?;
    let asked = query.ranges.iter().find(|(path, _)| path.is_empty()).map(|(_, range)| *range);
    let range = top_level(&head.method, &head.headers, asked)?;
    let content = media::content(&head.headers);
    let payload = read_payload(&action, &query, &content, body)?;
    Ok(ApiRequest {
        action,
        schema,
        range,
        prefer: Preferences::parse(&head.headers, rules.tx),
        accept: media::accepted(&head.headers),
        content,
        payload,
        query,
    })
}

fn read_payload(
    action: &Action,
    query: &Query,
    content: &MediaType,
    body: Bytes,
) -> Result<Option<Payload>, RequestError> {
    let columns = query.columns.as_deref();
    match action {
        Action::Mutate { mutation: Mutation::Insert | Mutation::Update, .. } => {
            payload::parse(body, content, columns, Target::Table).map(Some)
        }
        Action::Mutate { mutation: Mutation::Upsert, .. } => {
            payload::parse(body, content, None, Target::Table).map(Some)
        }
        Action::Call { invocation: Invocation::Post, .. } => {
            payload::parse(body, content, columns, Target::Function).map(Some)
        }
        _ => Ok(None),
    }
}
