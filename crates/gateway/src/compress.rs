//! Compression of answers on their way out. A client that does not ask costs one header lookup.

use crate::cors::add_vary;
use crate::exchange::Exchange;
use crate::route::Role;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use mainstay_kernel::http::{Body, Response};
use std::convert::Infallible;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// Smallest body worth the work, in bytes.
const SMALLEST: u64 = 1024;

/// An encoding we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

/// Whether answers are compressed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compress {
    Texts,
    Never,
}

// === impl Coding ===

impl Coding {
    /// The better one of those accepted (RFC 9110, 12.5.3): zstd before gzip, neither when excluded by `q=0`.
    pub(crate) fn best(accept: &HeaderValue) -> Option<Self> {
        let accept = accept.to_str().ok()?;
        let accepts = |name: &str| {
            accept.split(',').any(|entry| {
                let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
                let excluded = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
                coding.trim().eq_ignore_ascii_case(name) && !excluded
            })
        };
        if accepts("zstd") { Some(Self::Zstd) } else { accepts("gzip").then_some(Self::Gzip) }
    }

    fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        })
    }
}

// === impl Compress ===

impl Compress {
    /// Compresses the answer when client, route and content allow it.
    pub(crate) async fn apply(self, exchange: &Exchange, response: &mut Response) {
        if self == Self::Never || !is_text(response.headers()) || !is_whole(response) {
            return;
        }
        // tokens beside text that the client chose could be guessed from the compressed size (BREACH)
        if exchange.route.role == Role::Auth || exchange.method == Method::HEAD {
            return;
        }
        let size = response.body().size_hint();
        if size.exact().is_some_and(|exact| exact < SMALLEST) {
            return;
        }
        add_vary(response.headers_mut(), header::ACCEPT_ENCODING);
        if let Some(coding) = exchange.coding {
            *response = encode(coding, std::mem::take(response)).await;
        }
    }
}

async fn encode(coding: Coding, response: Response) -> Response {
    let mut waiting = Some(response);
    let source = service_fn(move |_: http::Request<()>| {
        let response = waiting.take().unwrap_or_default();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let encoder = Compression::new(source)
        .quality(CompressionLevel::Fastest)
        .compress_when(|_: StatusCode, _: http::Version, _: &HeaderMap, _: &http::Extensions| true);
    let mut asks = http::Request::new(());
    asks.headers_mut().insert(header::ACCEPT_ENCODING, coding.name());
    let mut response = match encoder.oneshot(asks).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    weaken_etag(response.headers_mut());
    response
}

/// Other bytes need another strong validator; a weak one may stay (RFC 9110, 8.8.1).
fn weaken_etag(headers: &mut HeaderMap) {
    if let Some(weak) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'))
        && let Ok(weak) = HeaderValue::try_from(format!("W/{weak}"))
    {
        headers.insert(header::ETAG, weak);
    }
}

/// Not a part of something, not encoded yet, and not marked as untouchable.
fn is_whole(response: &Response) -> bool {
    let headers = response.headers();
    let untouchable = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("no-transform"));
    response.status() != StatusCode::PARTIAL_CONTENT
        && !response.status().is_informational()
        && response.status() != StatusCode::NO_CONTENT
        && response.status() != StatusCode::NOT_MODIFIED
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && !headers.get(header::CACHE_CONTROL).is_some_and(untouchable)
}

/// Media types that compress well. Event streams are left alone: compression would hold events back.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(media) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = media.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some(("text", sub)) => sub != "event-stream",
        Some(("application", sub)) => {
            matches!(sub, "json" | "javascript" | "xml" | "wasm" | "manifest+json")
                || sub.ends_with("+json")
                || sub.ends_with("+xml")
        }
        Some(("image", sub)) => sub == "svg+xml",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_coding_is_taken() {
        for (accept, best) in [
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip;q=1.0, zstd;q=0", Some(Coding::Gzip)),
            ("br", None),
            ("gzip;q=0", None),
            ("identity", None),
        ] {
            assert_eq!(Coding::best(&HeaderValue::from_static(accept)), best, "{accept}");
        }
    }

    #[test]
    fn only_texts_are_compressed() {
        for (media, text) in [
            ("application/json; charset=utf-8", true),
            ("text/csv", true),
            ("application/vnd.pgrst.object+json", true),
            ("text/event-stream", false),
            ("image/png", false),
            ("application/octet-stream", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media))]);
            assert_eq!(is_text(&headers), text, "{media}");
        }
    }
}
