//! Accepted media types → how the body is built.

use crate::error::RequestError;
use crate::request::ApiRequest;
use crate::request::media::{MediaType, Nulls};
use crate::request::target::Output;

/// How PostgreSQL aggregates the rows into the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyBuilder {
    /// No body wanted: nothing is read or aggregated for it.
    Omitted,
    Array(Nulls),
    Object(Nulls),
    Csv,
    GeoJson,
}

/// Whether the answer will carry the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Rows,
    Nothing,
}

impl From<Output> for Wanted {
    fn from(output: Output) -> Self {
        match output {
            Output::Body => Wanted::Rows,
            Output::Headers => Wanted::Nothing,
        }
    }
}

/// Picks the best accepted type we can make (PostgREST: "Media Types").
///
/// # Errors
/// PGRST107 when there is none.
pub(crate) fn negotiate(request: &ApiRequest, wanted: Wanted) -> Result<(BodyBuilder, MediaType), RequestError> {
    let picked = request.accept.iter().find_map(|media| builder(media).map(|b| (b, media)));
    let (builder, media) =
        picked.ok_or_else(|| RequestError::MediaType(request.accept.iter().map(|m| m.name().to_owned()).collect()))?;
    let media = if *media == MediaType::Any { MediaType::Json } else { media.clone() };
    match wanted {
        Wanted::Rows => Ok((builder, media)),
        Wanted::Nothing => Ok((BodyBuilder::Omitted, media)),
    }
}

fn builder(media: &MediaType) -> Option<BodyBuilder> {
    match media {
        MediaType::Json | MediaType::Any => Some(BodyBuilder::Array(Nulls::Kept)),
        MediaType::ArrayStripped => Some(BodyBuilder::Array(Nulls::Stripped)),
        MediaType::Object(nulls) => Some(BodyBuilder::Object(*nulls)),
        MediaType::Csv => Some(BodyBuilder::Csv),
        MediaType::GeoJson => Some(BodyBuilder::GeoJson),
        MediaType::OpenApi | MediaType::Form | MediaType::Text | MediaType::Xml => None,
        MediaType::OctetStream | MediaType::Other(_) => None,
    }
}
