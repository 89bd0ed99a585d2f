//! Content codings: which a client accepts, and gzip for texts that were not compressed beforehand.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use std::convert::Infallible;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// A coding that a file may be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The name in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The extension of a file that was compressed beforehand.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zst",
            Self::Gzip => "gz",
        }
    }

    /// Whether the client takes it (RFC 9110, 12.5.3). Without the header only the file itself is sent.
    pub(crate) fn is_accepted(self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok()).any(|line| {
            line.split(',').any(|entry| {
                let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
                let is_excluded = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
                name.trim().eq_ignore_ascii_case(self.name()) && !is_excluded
            })
        })
    }
}

/// Compresses in memory; `None` when it does not pay.
pub(crate) fn gzip(plain: &Bytes) -> Option<Bytes> {
    let source = {
        let plain = plain.clone();
        service_fn(move |_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(plain.clone()))))
        })
    };
    let encoder = Compression::new(source)
        .quality(CompressionLevel::Default)
        .compress_when(|_: StatusCode, _: http::Version, _: &HeaderMap, _: &http::Extensions| true);
    let mut asks = Request::new(());
    asks.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    // everything is in memory, so neither future ever waits
    let response = encoder.oneshot(asks).now_or_never()?.ok()?;
    let packed = response.into_body().collect().now_or_never()?.ok()?.to_bytes();
    (packed.len() < plain.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_taken_when_accepted() {
        let headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br;q=0, zstd;q=0.5"))]);
        assert!(Coding::Gzip.is_accepted(&headers) && Coding::Zstd.is_accepted(&headers));
        assert!(!Coding::Brotli.is_accepted(&headers) && !Coding::Gzip.is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn gzip_is_kept_only_when_smaller() {
        let text = Bytes::from("hello ".repeat(1000));
        let packed = gzip(&text).unwrap();
        assert!(packed.len() < 200 && packed.starts_with(&[0x1f, 0x8b]));
        assert_eq!(gzip(&Bytes::from_static(b"x")), None);
    }
}
