//! Request ids: the client's own when it is sane, else a new UUID v7.

use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::http::RequestId;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// `x-request-id`
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id accepted from a client.
const LONGEST: usize = 128;

/// Makes ids. They must be unique, not secret, so a random start and a counter take the place of a system call for
/// randomness per request.
#[derive(Debug)]
pub(crate) struct Ids {
    clock: SharedClock,
    process: [u8; 2],
    counter: AtomicU64,
}

impl Ids {
    pub(crate) fn new(clock: SharedClock) -> Self {
        let seed = Uuid::new_v4().into_bytes();
        let mut start = [0; 8];
        start.copy_from_slice(&seed[8..]);
        Self { clock, process: [seed[0], seed[1]], counter: AtomicU64::new(u64::from_be_bytes(start)) }
    }

    /// The request's id, as text and as header value.
    pub(crate) fn accept_or_make(&self, headers: &HeaderMap) -> (RequestId, HeaderValue) {
        if let Some(value) = headers.get(REQUEST_ID).filter(|value| is_sane(value.as_bytes()))
            && let Ok(text) = value.to_str()
        {
            return (RequestId(text.into()), value.clone());
        }
        let mut buffer = Uuid::encode_buffer();
        let text = &*self.make().hyphenated().encode_lower(&mut buffer);
        let value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"));
        (RequestId(text.into()), value)
    }

    fn make(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        let mut tail = [0; 10];
        tail[..2].copy_from_slice(&self.process);
        // an odd stride visits every value once, and leaves ids of neighbours easy to tell apart
        let step = self.counter.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        tail[2..].copy_from_slice(&step.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

fn is_sane(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_kernel::clock::SystemClock;

    #[test]
    fn ids_are_kept_when_sane_and_made_otherwise() {
        let ids = Ids::new(SystemClock::shared());
        let given = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            ids.accept_or_make(&headers).0.0.to_string()
        };
        assert_eq!(given("abc-123"), "abc-123");
        for odd in ["", "with space", &"x".repeat(129), "umläut"] {
            let made = given(odd);
            assert_eq!(Uuid::parse_str(&made).unwrap().get_version_num(), 7, "{odd}");
        }
        let many: std::collections::HashSet<_> = (0..10_000).map(|_| ids.make()).collect();
        assert_eq!(many.len(), 10_000);
    }
}
