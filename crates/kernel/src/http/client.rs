//! The one outgoing HTTP client: pooled, TLS, bounded in time and size, follows no redirects.

use super::{Body, Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// Why a call to another server failed. The text is for logs, not for clients.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or it broke before the answer's head arrived. `sent` is false when the request certainly did not
    /// reach the server, so that any method may be tried again.
    #[error("no answer: {reason}")]
    NoAnswer {
        /// The chain of causes.
        reason: String,
        /// Whether any byte of the request may have been acted upon.
        sent: bool,
    },
    /// The deadline passed.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer's body is larger than accepted, or broke off.
    #[error("the answer's body is too large or incomplete")]
    Body,
}

/// A pooling client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: Client<hyper_rustls::HttpsConnector<HttpConnector>, Body>,
    timeout: Duration,
    body_limit: usize,
}

impl HttpClient {
    /// A client whose calls end within `timeout` and whose collected answers are at most `body_limit` bytes.
    #[must_use]
    pub fn new(timeout: Duration, body_limit: usize) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(5)));
        // a peer that vanished without a word (its machine died) is noticed, and its connections leave the pool
        tcp.set_keepalive(Some(Duration::from_secs(10)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(5)));
        tcp.set_keepalive_retries(Some(2));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(Duration::from_secs(20)));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let inner = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { inner, timeout, body_limit }
    }

    /// Sends a request and collects the answer.
    ///
    /// # Errors
    /// See [`ClientError`]. An answer with any status is a success here.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ClientError> {
        let exchange = async {
            let (parts, body) = self.stream(request.map(|body| Body::new(Full::new(body)))).await?.into_parts();
            let body = Limited::new(body, self.body_limit).collect().await.map_err(|_| ClientError::Body)?.to_bytes();
            Ok(http::Response::from_parts(parts, body))
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| ClientError::Timeout(self.timeout))?
    }

    /// Sends a request and returns as soon as the answer's head is there; the body streams. The caller sets the deadline.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`].
    pub async fn stream(&self, request: Request) -> Result<Response, ClientError> {
        match self.inner.request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) => Err(ClientError::NoAnswer { sent: !error.is_connect(), reason: chain(&error) }),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
