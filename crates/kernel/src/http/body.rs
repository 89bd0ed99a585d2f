//! Reading a body into memory with a bound.

use super::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// Why a body could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than allowed; nothing past the limit was kept.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The client went away before sending all of it.
    #[error("the body ended before it was complete")]
    Aborted,
}

/// Collects a body of at most `limit` bytes. A `Content-Length` over the limit is refused before reading.
///
/// # Errors
/// See [`BodyError`].
pub async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let hint = http_body::Body::size_hint(&body);
    if hint.lower() > limit as u64 {
        return Err(BodyError::TooLarge { limit });
    }
    let mut first: Option<Bytes> = None;
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| if is_limit(&error) { BodyError::TooLarge { limit } } else { BodyError::Aborted })?;
        let Ok(data) = frame.into_data() else { continue };
        if collected.len() + first.as_ref().map_or(0, Bytes::len) + data.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        // most bodies are one frame: hand it on without a copy
        match first.take() {
            None if collected.is_empty() => first = Some(data),
            Some(earlier) => {
                collected.reserve(earlier.len() + data.len());
                collected.extend_from_slice(&earlier);
                collected.extend_from_slice(&data);
            }
            None => collected.extend_from_slice(&data),
        }
    }
    Ok(first.unwrap_or_else(|| collected.freeze()))
}

/// True when an outer layer (the gateway's limit on a streamed body) cut the body off.
fn is_limit(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_bounded() {
        assert_eq!(read_body(Body::from("abc"), 3).await.unwrap(), "abc");
        assert_eq!(read_body(Body::from("abcd"), 3).await, Err(BodyError::TooLarge { limit: 3 }));
        let chunks = futures_util::stream::iter(["ab", "cd", "ef"].map(|c| Ok::<_, std::io::Error>(Bytes::from(c))));
        assert_eq!(read_body(Body::from_stream(chunks), 6).await.unwrap(), "abcdef");
        let chunks = futures_util::stream::iter(["ab", "cd", "ef"].map(|c| Ok::<_, std::io::Error>(Bytes::from(c))));
        assert_eq!(read_body(Body::from_stream(chunks), 5).await, Err(BodyError::TooLarge { limit: 5 }));
    }
}
