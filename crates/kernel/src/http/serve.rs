//! The accept loop: deadlines, caps and draining that `axum::serve` has no knobs for.
//!
//! Order of a connection's life: cap per process and per address → TLS handshake deadline → HTTP with a header
//! deadline → idle deadline between requests → on draining, `Connection: close` → on stopping, finish what is in flight.

use super::{Body, PeerAddr, Request, Response, Scheme, Service};
use crate::lifecycle::Lifecycle;
use crate::metrics::{Counter, Gauge, Registry};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

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
    // clients that are already in the backlog were promised a connection
    while let Ok(Ok((stream, peer))) = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await {
        edge.admit(stream, peer, &service);
    }
    drop(listener);
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

/// What the idle watch needs to know of a connection.
#[derive(Default)]
struct Activity {
    in_flight: AtomicUsize,
    /// Milliseconds since the connection began, at the end of the latest request.
    last: AtomicU64,
}

fn builder(limits: &EdgeLimits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_deadline)
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
        let began = Instant::now();
        let activity = Arc::new(Activity::default());
        let lifecycle = self.lifecycle.clone();
        let answer = {
            let activity = activity.clone();
            move |request: hyper::Request<Incoming>| {
                let (service, activity, lifecycle) = (service.clone(), activity.clone(), lifecycle.clone());
                activity.in_flight.fetch_add(1, Ordering::AcqRel);
                async move {
                    let _done = Done { activity, began };
                    let mut request: Request = request.map(Body::new);
                    request.extensions_mut().insert(PeerAddr(peer));
                    request.extensions_mut().insert(scheme);
                    let http1 = request.version() < http::Version::HTTP_2;
                    let mut response: Response = match service.oneshot(request).await {
                        Ok(response) => response,
                        Err(never) => match never {},
                    };
                    if http1 && lifecycle.is_draining() {
                        response
                            .headers_mut()
                            .insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
                    }
                    Ok::<_, std::convert::Infallible>(response)
                }
            }
        };
        let connection = self.http.serve_connection_with_upgrades(TokioIo::new(io), hyper::service::service_fn(answer));
        let mut connection = std::pin::pin!(connection);
        let mut asked_to_end = false;
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = self.lifecycle.stopping(), if !asked_to_end => {
                    connection.as_mut().graceful_shutdown();
                    asked_to_end = true;
                }
                () = self.idle(&activity, began), if !asked_to_end => {
                    connection.as_mut().graceful_shutdown();
                    asked_to_end = true;
                }
                () = tokio::time::sleep(self.limits.drain_deadline), if asked_to_end => return,
            }
        }
    }

    /// Resolves once nothing has been in flight for the idle deadline (for the head deadline before the first request).
    async fn idle(&self, activity: &Activity, began: Instant) {
        loop {
            let last = activity.last.load(Ordering::Acquire);
            let busy = activity.in_flight.load(Ordering::Acquire) > 0;
            let allowed = if last == 0 && !busy { self.limits.head_deadline } else { self.limits.idle_deadline };
            let end = began + Duration::from_millis(last) + allowed;
            if !busy && Instant::now() >= end {
                return;
            }
            let wait = if busy { allowed } else { end.saturating_duration_since(Instant::now()) };
            tokio::time::sleep(wait.max(Duration::from_millis(10))).await;
        }
    }
}

struct Done {
    activity: Arc<Activity>,
    began: Instant,
}

impl Drop for Done {
    fn drop(&mut self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        self.activity.last.store(now, Ordering::Release);
        self.activity.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
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
