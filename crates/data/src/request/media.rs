//! Media types of `Accept` and `Content-Type`.

use http::{HeaderMap, header};

/// A media type as far as it makes a difference here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    /// `application/vnd.pgrst.object`: one object instead of a list.
    Object(Nulls),
    /// `application/vnd.pgrst.array;nulls=stripped`.
    ArrayStripped,
    Csv,
    GeoJson,
    OpenApi,
    Form,
    Text,
    Xml,
    OctetStream,
    Any,
    Other(String),
}

/// Whether null members are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    Kept,
    Stripped,
}

impl MediaType {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let nulls = match parts.any(|p| p.replace(' ', "").eq_ignore_ascii_case("nulls=stripped")) {
            true => Nulls::Stripped,
            false => Nulls::Kept,
        };
        match name.as_str() {
            "application/json" => Self::Json,
            "application/vnd.pgrst.object" | "application/vnd.pgrst.object+json" => Self::Object(nulls),
            "application/vnd.pgrst.array" | "application/vnd.pgrst.array+json" => match nulls {
                Nulls::Stripped => Self::ArrayStripped,
                Nulls::Kept => Self::Json,
            },
            "text/csv" => Self::Csv,
            "application/geo+json" => Self::GeoJson,
            "application/openapi+json" => Self::OpenApi,
            "application/x-www-form-urlencoded" => Self::Form,
            "text/plain" => Self::Text,
            "text/xml" => Self::Xml,
            "application/octet-stream" => Self::OctetStream,
            "*/*" | "application/*" => Self::Any,
            _ => Self::Other(name),
        }
    }

    /// The value of `Content-Type` in answers.
    pub(crate) fn content_type(&self) -> &str {
        match self {
            Self::Json | Self::Any => "application/json; charset=utf-8",
            Self::Object(Nulls::Kept) => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::Object(Nulls::Stripped) => "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
            Self::ArrayStripped => "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::GeoJson => "application/geo+json; charset=utf-8",
            Self::OpenApi => "application/openapi+json; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
            Self::Xml => "text/xml; charset=utf-8",
            Self::OctetStream => "application/octet-stream",
            Self::Other(name) => name,
        }
    }

    /// The bare name, for messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Any => "*/*",
            other => other.content_type().trim_end_matches("; charset=utf-8"),
        }
    }
}

/// The accepted types, best first: by quality, then the more specific, then as written (RFC 9110 section 12.5.1).
/// No header accepts anything.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<MediaType> {
    let mut ranked: Vec<(f32, i32, MediaType)> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|text| !text.trim().is_empty())
        .map(|text| (quality(text), specificity(text), MediaType::parse(text)))
        .filter(|(quality, ..)| *quality > 0.0)
        .collect();
    if ranked.is_empty() {
        return vec![MediaType::Any];
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    ranked.into_iter().map(|(.., media)| media).collect()
}

/// Parameters make a type more specific, wildcards less.
fn specificity(text: &str) -> i32 {
    text.split(';').fold(-1, |found, part| match part.trim() {
        part if part.starts_with("q=") => found,
        part => found + 1 - i32::from(part.contains('*')),
    })
}

fn quality(text: &str) -> f32 {
    text.split(';').filter_map(|p| p.trim().strip_prefix("q=")).find_map(|q| q.parse().ok()).unwrap_or(1.0)
}

/// The body's type; JSON unless said otherwise.
pub(crate) fn content(headers: &HeaderMap) -> MediaType {
    match headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) {
        Some(text) => MediaType::parse(text),
        None => MediaType::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_types_are_ranked() {
        let mut headers = HeaderMap::new();
        assert_eq!(accepted(&headers), [MediaType::Any]);
        headers
            .insert(header::ACCEPT, http::HeaderValue::from_static("text/csv;q=0.5, application/json, text/html;q=0"));
        assert_eq!(accepted(&headers), [MediaType::Json, MediaType::Csv]);
        headers.insert(
            header::ACCEPT,
            http::HeaderValue::from_static("*/*, application/json, application/vnd.pgrst.object+json;nulls=stripped"),
        );
        assert_eq!(accepted(&headers), [MediaType::Object(Nulls::Stripped), MediaType::Json, MediaType::Any]);
    }

    #[test]
    fn vendored_types_are_read_with_their_parameter() {
        let cases = [
            ("application/vnd.pgrst.object+json", MediaType::Object(Nulls::Kept)),
            ("application/vnd.pgrst.object", MediaType::Object(Nulls::Kept)),
            ("application/vnd.pgrst.object+json;nulls=stripped", MediaType::Object(Nulls::Stripped)),
            ("application/vnd.pgrst.array+json; nulls=stripped", MediaType::ArrayStripped),
            ("application/vnd.pgrst.array+json", MediaType::Json),
            ("Application/JSON; charset=utf-8", MediaType::Json),
            ("image/png", MediaType::Other("image/png".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(MediaType::parse(text), expected, "{text}");
        }
    }
}
