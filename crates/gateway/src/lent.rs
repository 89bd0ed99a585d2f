//! A request body that can be taken back when the connection to the role failed before any of it was read.

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::LengthLimitError;
use mainstay_kernel::http::Body;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// A body shared between whoever sends it and whoever may send it again.
#[derive(Clone)]
pub(crate) struct Lent(Arc<Mutex<Slot>>);

struct Slot {
    body: Option<Body>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Read,
    TooLarge,
}

impl Lent {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Slot { body: Some(body), state: State::Untouched })))
    }

    /// True while nobody has read from it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.slot().state == State::Untouched
    }

    /// True when it was cut off because it is longer than allowed.
    pub(crate) fn is_too_large(&self) -> bool {
        self.slot().state == State::TooLarge
    }

    /// The body, if it is whole.
    pub(crate) fn take_back(&self) -> Option<Body> {
        let mut slot = self.slot();
        if slot.state == State::Untouched { slot.body.take() } else { None }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut slot = self.slot();
        slot.state = State::Read;
        let Some(body) = slot.body.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(Some(Err(error))) = &polled
            && is_limit(error)
        {
            slot.state = State::TooLarge;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.slot().body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.slot().body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

fn is_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Limited};

    #[tokio::test]
    async fn an_untouched_body_comes_back_whole() {
        let lent = Lent::new(Body::from("abc"));
        drop(Body::new(lent.clone()));
        let body = lent.take_back().unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn a_body_that_was_read_does_not() {
        let lent = Lent::new(Body::from("abc"));
        let _ = Body::new(lent.clone()).frame().await;
        assert!(!lent.is_untouched() && lent.take_back().is_none());
    }

    #[tokio::test]
    async fn a_body_over_its_limit_is_told_apart() {
        let lent = Lent::new(Body::new(Limited::new(Body::from("abcdef"), 3)));
        let _ = Body::new(lent.clone()).collect().await;
        assert!(lent.is_too_large());
    }
}
