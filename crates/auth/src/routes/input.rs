//! Reading requests: bounded JSON bodies, forms and queries.

use crate::error::{Code, Failure};
use axum::extract::{FromRequest, FromRequestParts};
use http::request::Parts;
use mainstay_kernel::http::{BodyError, Request, read_body};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Largest body, as in supabase/auth.
const BODY_LIMIT: usize = 1_000_000;

/// A body of JSON, whatever its declared media type.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// The same, where an empty body means defaults.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// The query as pairs, later ones winning.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

/// A JSON object, for metadata.
pub(crate) type Object = Map<String, Value>;

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        parse(&body(request).await?).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let body = body(request).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        parse(&body).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

impl Query {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of a parameter; empty counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// The bytes of a body.
pub(crate) async fn body(request: Request) -> Result<bytes::Bytes, Failure> {
    read_body(request.into_body(), BODY_LIMIT).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => Code::RequestEntityTooLarge.into(),
        BodyError::Aborted => Failure::new(Code::BadJson, "The request body ended before it was complete"),
    })
}

/// Reads a JSON object. Anything else is refused here, because serde would take an array for a struct as well.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let refuse = |problem: &dyn std::fmt::Display| {
        Failure::new(Code::BadJson, format!("Could not parse request body as JSON: {problem}"))
    };
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|error| refuse(&error)),
        _ => Err(refuse(&"expected an object")),
    }
}
