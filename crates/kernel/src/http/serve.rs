//! The accept loop: deadlines, caps and draining that `axum::serve` has no knobs for.
//!
//! Order of a connection's life: cap per process and per address → TLS handshake deadline → HTTP with a header
//! deadline → idle deadline between requests → on draining, `Connection: close` → on stopping, finish what is in flight.
//!
//! hyper's own deadline for heads is not used: it also runs while a kept connection waits for its next request, so the
//! idle deadline would never be reached.

use super::transport::{Activity, Transport};
use super::{Body, PeerAddr, Request, Response, Scheme, Service};
use crate::lifecycle::Lifecycle;
use crate::metrics::{Counter, Gauge, Registry};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// Time that a connection accepted just before the end gets to send its first request.
const FIRST_REQUEST: Duration = Duration::from_millis(250);

/// An HTTP/1 connection older than this many milliseconds is closed with its next answer. Load balancers that choose a
/// server for each connection, as Kubernetes Services do, reach new replicas only over new connections.
const RENEW_AFTER: u64 = 60_000;

/// Bounds of the edge.
#[derive(Debug, Clone)]
pub struct EdgeLimits {
    /// Connections of the whole listener.
    pub connections: usize,
    /// Connections of one peer address.
    pub connections_per_address: usize,
    /// Time for the TLS handshake, and for the head of a request to arrive once it has begun.
    pub head_deadline: Duration,
    /// Time a connection may stay without a request.
    pub idle_deadline: Duration,
    /// Time for requests in flight to end after stopping.
    pub drain_deadline: Duration,
    /// Largest head of a request in bytes.
    pub head_size: usize,
}

/// What the edge counts.
#[derive(Debug, Clone)]
pub struct EdgeMetrics {
    connections: Gauge,
    refused: Counter,
}

/// Runs the accept loop until the lifecycle stops and all connections have ended (or their deadline passed).
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    service: Service,
    limits: EdgeLimits,
    metrics: EdgeMetrics,
    lifecycle: Lifecycle,
) {
    let edge = Arc::new(Edge {
        acceptor: tls.map(tokio_rustls::TlsAcceptor::from),
        http: builder(&limits),
        open: AtomicUsize::new(0),
        per_address: Mutex::default(),
        limits,
        metrics,
        lifecycle: lifecycle.clone(),
    });
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => edge.admit(stream, peer, &service),
                // out of file descriptors and the like: wait instead of spinning
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            () = lifecycle.stopping() => break,
        }
    }
    edge.close(listener, &service);
    let deadline = Instant::now() + edge.limits.drain_deadline;
    while edge.open.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Edge {
    acceptor: Option<tokio_rustls::TlsAcceptor>,
    http: Builder<TokioExecutor>,
    open: AtomicUsize,
    per_address: Mutex<HashMap<IpAddr, usize>>,
    limits: EdgeLimits,
    metrics: EdgeMetrics,
    lifecycle: Lifecycle,
}

/// Holds a connection's place under the caps.
struct Place {
    edge: Arc<Edge>,
    address: IpAddr,
}

/// Why a connection ends.
enum End {
    /// Nothing is in flight, or nothing new may begin: what is there is finished.
    Graceful,
    /// A head that does not get complete.
    Abrupt,
}

fn builder(limits: &EdgeLimits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(limits.head_size.max(8192))
        .keep_alive(true)
        .pipeline_flush(true);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(limits.head_size).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    http
}

// === impl Edge ===

impl Edge {
    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, service: &Service) {
        let Some(place) = self.take_place(peer.ip()) else {
            self.metrics.refused.inc();
            return;
        };
        let (edge, service) = (self.clone(), service.clone());
        self.lifecycle.spawn("connection", async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match &edge.acceptor {
                None => edge.converse(stream, peer.ip(), Scheme::Http, service).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(edge.limits.head_deadline, acceptor.accept(stream)).await
                    {
                        edge.converse(stream, peer.ip(), Scheme::Https, service).await;
                    }
                }
            }
        });
    }

    /// Closes the listener without a reset for clients that the kernel has already connected: the queue of connections is
    /// made as short as it gets, emptied, and closed at once. A client that connects between the last two steps, some
    /// microseconds apart, is still refused late; nothing but a packet filter could prevent that.
    fn close(self: &Arc<Self>, listener: TcpListener, service: &Service) {
        let Ok(listener) = listener.into_std() else { return };
        let _ = rustix::net::listen(&listener, 0);
        // those that keep coming were not promised anything
        let enough = Instant::now() + FIRST_REQUEST;
        while Instant::now() < enough
            && let Ok((stream, peer)) = listener.accept()
        {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.admit(stream, peer, service);
            }
        }
    }

    fn take_place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if self.open.load(Ordering::Relaxed) >= self.limits.connections {
            return None;
        }
        let mut per_address = self.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let held = per_address.entry(address).or_default();
        if *held >= self.limits.connections_per_address {
            return None;
        }
        *held += 1;
        self.metrics.connections.set(usize_to_f64(self.open.fetch_add(1, Ordering::AcqRel) + 1));
        Some(Place { edge: self.clone(), address })
    }

    async fn converse<IO>(&self, io: IO, peer: IpAddr, scheme: Scheme, service: Service)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let lifecycle = self.lifecycle.clone();
        let answer = {
            let activity = activity.clone();
            move |request: hyper::Request<Incoming>| {
                let (service, lifecycle, age) = (service.clone(), lifecycle.clone(), activity.clone());
                let in_flight = InFlight::begin(&activity, &request);
                async move {
                    let _in_flight = in_flight;
                    let mut request: Request = request.map(Body::new);
                    request.extensions_mut().insert(PeerAddr(peer));
                    request.extensions_mut().insert(scheme);
                    let http1 = request.version() < http::Version::HTTP_2;
                    let closes = move || lifecycle.is_draining() || age.now() > RENEW_AFTER;
                    let mut response: Response = match service.oneshot(request).await {
                        Ok(response) => response,
                        Err(never) => match never {},
                    };
                    // a connection that changes its protocol says `Connection: upgrade`
                    if http1 && closes() && response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
                        response
                            .headers_mut()
                            .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
                    }
                    Ok::<_, std::convert::Infallible>(response)
                }
            }
        };
        let io = TokioIo::new(Transport::new(io, activity.clone()));
        let connection = self.http.serve_connection_with_upgrades(io, hyper::service::service_fn(answer));
        let mut connection = std::pin::pin!(connection);
        let end = tokio::select! {
            _ = connection.as_mut() => return,
            () = self.last_chance(&activity) => End::Graceful,
            end = self.idle(&activity) => end,
        };
        if matches!(end, End::Graceful) {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = connection => {}
                () = self.stalled(&activity) => {}
            }
        }
    }

    /// Resolves when the process stops; for a connection that is new, once its first request had a chance to arrive.
    async fn last_chance(&self, activity: &Activity) {
        self.lifecycle.stopping().await;
        let enough = millis(FIRST_REQUEST);
        while activity.is_untouched() && activity.now() < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Resolves once nothing has been in flight and nothing was sent for the idle deadline (for the head deadline before
    /// the first request), or a head takes longer than its deadline.
    async fn idle(&self, activity: &Activity) -> End {
        let (head_deadline, idle_deadline) = (millis(self.limits.head_deadline), millis(self.limits.idle_deadline));
        loop {
            let head = activity.head.load(Ordering::Acquire);
            let answered = activity.answered.load(Ordering::Acquire);
            let busy = activity.in_flight.load(Ordering::Acquire) > 0;
            let now = activity.now();
            // a head that waits behind another request is not late
            let (end, how) = match (head, answered) {
                (1.., _) => (head.max(answered).saturating_add(head_deadline), End::Abrupt),
                (0, 0) => (head_deadline, End::Graceful),
                _ => {
                    let last = answered.max(activity.sent.load(Ordering::Acquire));
                    (last.saturating_add(idle_deadline), End::Graceful)
                }
            };
            if !busy && now >= end {
                return how;
            }
            // a head may begin while this sleeps
            let wait = if busy { head_deadline } else { end.saturating_sub(now).min(head_deadline) };
            tokio::time::sleep(Duration::from_millis(wait.max(10))).await;
        }
    }

    /// Resolves when a connection that was asked to end makes no progress any more; when the process stops, at the latest
    /// after the drain deadline.
    async fn stalled(&self, activity: &Activity) {
        let stop = async {
            self.lifecycle.stopping().await;
            tokio::time::sleep(self.limits.drain_deadline).await;
        };
        let still = async {
            let mut before = None;
            loop {
                let sent = activity.sent.load(Ordering::Acquire);
                if activity.in_flight.load(Ordering::Acquire) == 0 && before == Some(sent) {
                    return;
                }
                before = Some(sent);
                tokio::time::sleep(self.limits.drain_deadline).await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = still => {}
        }
    }
}

/// Counts a request as in flight until it is answered.
struct InFlight(Arc<Activity>);

impl InFlight {
    fn begin(activity: &Arc<Activity>, request: &hyper::Request<Incoming>) -> Self {
        // after these, the bytes are no messages any more, or not one after the other
        let changes = request.version() >= http::Version::HTTP_2
            || request.method() == http::Method::CONNECT
            || request.headers().contains_key(http::header::UPGRADE);
        let body = http_body::Body::size_hint(request.body()).exact().filter(|_| !changes);
        activity.begin(body);
        Self(activity.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut per_address = self.edge.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = per_address.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                per_address.remove(&self.address);
            }
        }
        drop(per_address);
        self.edge.metrics.connections.set(usize_to_f64(self.edge.open.fetch_sub(1, Ordering::AcqRel) - 1));
    }
}

// === impl EdgeMetrics ===

impl EdgeMetrics {
    /// Registers the metrics of a listener.
    #[must_use]
    pub fn register(registry: &Registry, listener: &str) -> Self {
        let labels = [("listener", listener)];
        Self {
            connections: registry.gauge("mainstay_edge_connections", "Open connections.", &labels),
            refused: registry.counter(
                "mainstay_edge_refused_connections_total",
                "Connections refused because a cap was reached.",
                &labels,
            ),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of connections")]
fn usize_to_f64(n: usize) -> f64 {
    n as f64
}
