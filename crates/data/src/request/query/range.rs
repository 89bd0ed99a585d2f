//! `limit`, `offset` and the `Range` header: which rows of the result.

use http::{HeaderMap, Method, header};

use crate::error::{RangeFault, RequestError};

/// A window on the rows. The default is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Range {
    pub(crate) offset: i64,
    pub(crate) limit: Option<i64>,
}

impl Range {
    pub(crate) fn is_all(self) -> bool {
        self == Range::default()
    }

    /// Caps the number of rows (setting `max_rows`).
    pub(crate) fn capped(self, most: Option<i64>) -> Self {
        let limit = match (self.limit, most) {
            (Some(limit), Some(most)) => Some(limit.min(most)),
            (limit, most) => limit.or(most),
        };
        Self { limit, ..self }
    }

    fn last(self) -> Option<i64> {
        self.limit.map(|limit| self.offset.saturating_add(limit).saturating_sub(1))
    }

    fn intersect(self, other: Range) -> Result<Self, RequestError> {
        let offset = self.offset.max(other.offset);
        let last = match (self.last(), other.last()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match last {
            // each is sound by itself, so the limit is to blame (PostgREST says so too)
            Some(last) if last < offset => Err(RequestError::Range(RangeFault::NegativeLimit)),
            Some(last) => Ok(Self { offset, limit: Some(last - offset + 1) }),
            None => Ok(Self { offset, limit: None }),
        }
    }
}

/// The top-level window: the query string's, narrowed by the `Range` header.
/// The header counts for GET only (RFC 9110 section 14.2).
pub(crate) fn top_level(method: &Method, headers: &HeaderMap, asked: Option<Range>) -> Result<Range, RequestError> {
    let asked = asked.unwrap_or_default();
    // a negative offset begins at the first row, and the window ends where it was meant to
    let asked = match asked.limit {
        Some(0) => Range { offset: 0, limit: Some(0) },
        Some(limit) if limit < 0 => return Err(RequestError::Range(RangeFault::NegativeLimit)),
        _ if asked.offset < 0 => asked.intersect(Range::default())?,
        _ => asked,
    };
    if *method == Method::PUT && !asked.is_all() {
        return Err(RequestError::PutRange);
    }
    if *method != Method::GET || asked.limit == Some(0) {
        return Ok(asked);
    }
    match headers.get(header::RANGE).and_then(|v| v.to_str().ok()).map(from_header) {
        Some(range) => asked.intersect(range?),
        None => Ok(asked),
    }
}

/// `first-last` or `first-`; anything else, such as byte ranges, is not for us and ignored.
fn from_header(text: &str) -> Result<Range, RequestError> {
    let Some((first, last)) = text.split_once('-') else { return Ok(Range::default()) };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if first.is_empty() || !digits(first) || !digits(last) {
        return Ok(Range::default());
    }
    let Ok(offset) = first.parse::<i64>() else { return Ok(Range::default()) };
    match last.parse::<i64>() {
        Ok(last) if last < offset => Err(RequestError::Range(RangeFault::LowerAboveUpper)),
        Ok(last) => Ok(Range { offset, limit: Some((last - offset).saturating_add(1)) }),
        Err(_) => Ok(Range { offset, limit: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(header: Option<&'static str>, asked: Range) -> Result<Range, RequestError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(header::RANGE, http::HeaderValue::from_static(value));
        }
        top_level(&Method::GET, &headers, Some(asked))
    }

    fn range(offset: i64, limit: Option<i64>) -> Range {
        Range { offset, limit }
    }

    #[test]
    fn header_and_parameters_intersect() {
        assert_eq!(top(None, range(3, Some(2))), Ok(range(3, Some(2))));
        assert_eq!(top(Some("0-4"), range(0, None)), Ok(range(0, Some(5))));
        assert_eq!(top(Some("2-"), range(0, Some(10))), Ok(range(2, Some(8))));
        assert_eq!(top(Some("bytes=0-4"), range(0, None)), Ok(range(0, None)));
        assert_eq!(top(Some("0-4"), range(9, Some(0))), Ok(range(0, Some(0))));
    }

    #[test]
    fn impossible_ranges_are_416() {
        assert_eq!(top(Some("5-2"), range(0, None)), Err(RequestError::Range(RangeFault::LowerAboveUpper)));
        assert_eq!(top(None, range(0, Some(-1))), Err(RequestError::Range(RangeFault::NegativeLimit)));
        assert_eq!(top(Some("10-20"), range(0, Some(5))), Err(RequestError::Range(RangeFault::NegativeLimit)));
    }

    #[test]
    fn a_negative_offset_is_the_first_row() {
        assert_eq!(top(None, range(-4, None)), Ok(range(0, None)));
        assert_eq!(top(None, range(-4, Some(10))), Ok(range(0, Some(6))));
        assert_eq!(top(None, range(i64::MIN, None)), Ok(range(0, None)));
    }

    #[test]
    fn max_rows_caps() {
        assert_eq!(range(0, None).capped(Some(10)).limit, Some(10));
        assert_eq!(range(0, Some(5)).capped(Some(10)).limit, Some(5));
        assert_eq!(range(0, Some(50)).capped(Some(10)).limit, Some(10));
    }
}
