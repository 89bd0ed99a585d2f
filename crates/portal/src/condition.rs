//! Conditional requests (RFC 9110, 13): does the client have the file already?

use http::{HeaderMap, HeaderValue, header};

/// True when the client's copy is current. `If-None-Match` wins over `If-Modified-Since`.
pub(crate) fn is_current(headers: &HeaderMap, etag: &HeaderValue, modified: Option<i64>) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return headers.get_all(header::IF_NONE_MATCH).iter().any(|line| names(line, etag));
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(date);
    since.zip(modified).is_some_and(|(since, modified)| modified <= since)
}

/// True when a range may be sent: without `If-Range`, or when it names exactly this version (13.1.5).
pub(crate) fn allows_range(headers: &HeaderMap, etag: &HeaderValue, modified: Option<i64>) -> bool {
    let Some(condition) = headers.get(header::IF_RANGE) else { return true };
    condition == etag || date(condition).zip(modified).is_some_and(|(date, modified)| date == modified)
}

/// Weak comparison (8.8.3.2): a proxy that compressed the file has marked the tag as weak.
fn names(line: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(line), Ok(etag)) = (line.to_str(), etag.to_str()) else { return false };
    line.split(',').map(str::trim).any(|entry| entry == "*" || entry.trim_start_matches("W/") == etag)
}

fn date(value: &HeaderValue) -> Option<i64> {
    let zoned = jiff::fmt::rfc2822::parse(value.to_str().ok()?).ok()?;
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn copies_are_recognised() {
        let etag = HeaderValue::from_static("\"a\"");
        for (name, value, current) in [
            ("if-none-match", "\"a\"", true),
            ("if-none-match", "\"b\", W/\"a\"", true),
            ("if-none-match", "*", true),
            ("if-none-match", "\"b\"", false),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", false),
            ("if-modified-since", "yesterday", false),
        ] {
            assert_eq!(is_current(&headers(name, value), &etag, Some(784_111_777)), current, "{value}");
        }
    }

    #[test]
    fn ranges_need_the_same_version() {
        let etag = HeaderValue::from_static("\"a\"");
        assert!(allows_range(&HeaderMap::new(), &etag, None));
        assert!(allows_range(&headers("if-range", "\"a\""), &etag, None));
        assert!(!allows_range(&headers("if-range", "W/\"a\""), &etag, None));
        assert!(!allows_range(&headers("if-range", "\"b\""), &etag, None));
    }
}
