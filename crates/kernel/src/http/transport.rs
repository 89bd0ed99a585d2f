//! The byte stream under an HTTP connection: makes request targets acceptable and notes when something moved.

use super::request_line::{Parsed, RequestLines};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of an HTTP/2 PING frame (RFC 9113, 6.7). It says that a peer lives, not that a conversation goes on.
const PING: usize = 17;
/// [`Activity::body`] when no length is known.
const UNKNOWN: u64 = u64::MAX;

/// What is going on on a connection. Times are milliseconds since it began; 0 is "not yet".
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    /// Requests that have not been answered yet.
    pub(super) in_flight: AtomicUsize,
    /// When the latest request was answered.
    pub(super) answered: AtomicU64,
    /// When something was last sent.
    pub(super) sent: AtomicU64,
    /// When the head that is arriving now began.
    pub(super) head: AtomicU64,
    /// Requests so far.
    requests: AtomicU64,
    /// Body length of the latest.
    body: AtomicU64,
}

/// A stream and what is known of it.
pub(super) struct Transport<IO> {
    io: IO,
    activity: Arc<Activity>,
    lines: RequestLines,
    /// Read and encoded, but there was no room for it yet: at most three times one read.
    pending: Vec<u8>,
}

// === impl Activity ===

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            in_flight: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            head: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            body: AtomicU64::new(UNKNOWN),
        }
    }

    /// Milliseconds since the connection began, at least 1.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// The head of a request has been read. `body` is its length, if the message ends with it.
    pub(super) fn begin(&self, body: Option<u64>) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.body.store(body.unwrap_or(UNKNOWN), Ordering::Release);
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.head.store(0, Ordering::Release);
    }

    /// A request has been answered, or its client went away.
    pub(super) fn end(&self) {
        self.answered.store(self.now(), Ordering::Release);
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// True until the first request.
    pub(super) fn is_untouched(&self) -> bool {
        self.requests.load(Ordering::Acquire) == 0
    }

    fn parsed(&self) -> Parsed {
        let body = self.body.load(Ordering::Acquire);
        Parsed { messages: self.requests.load(Ordering::Acquire), body: (body != UNKNOWN).then_some(body) }
    }
}

// === impl Transport ===

impl<IO> Transport<IO> {
    pub(super) fn new(io: IO, activity: Arc<Activity>) -> Self {
        Self { io, activity, lines: RequestLines::new(), pending: Vec::new() }
    }

    fn deliver_pending(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.pending.len().min(buf.remaining());
        buf.put_slice(&self.pending[..count]);
        self.pending.drain(..count);
    }

    fn follow(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if buf.filled().len() == before {
            return;
        }
        if self.lines.is_at_beginning() {
            self.activity.head.store(self.activity.now(), Ordering::Release);
        }
        if let Some(encoded) = self.lines.follow(&buf.filled()[before..]) {
            buf.set_filled(before);
            self.pending = encoded;
            self.deliver_pending(buf);
        }
    }

    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        if matches!(result, Poll::Ready(Ok(count)) if *count != PING) {
            self.activity.sent.store(self.activity.now(), Ordering::Release);
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Transport<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.pending.is_empty() {
            this.deliver_pending(buf);
            return Poll::Ready(Ok(()));
        }
        if this.lines.is_done() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        this.lines.settle(this.activity.parsed());
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        this.follow(buf, before);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Transport<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.wrote(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
