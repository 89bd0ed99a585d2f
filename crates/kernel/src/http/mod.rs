//! The HTTP edge: the types that travel between gateway and roles, bounded bodies, the accept loop and the client.

mod address;
mod body;
mod client;
mod request_line;
mod serve;
mod transport;

pub use address::{Network, NetworkError, Networks, client_address};
pub use body::{BodyError, read_body};
pub use client::{ClientError, HttpClient};
pub use serve::{EdgeLimits, EdgeMetrics, serve};

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

/// A request or response body.
pub type Body = axum::body::Body;
/// A request on its way to a role.
pub type Request = http::Request<Body>;
/// A role's answer.
pub type Response = http::Response<Body>;
/// Something that answers requests: a role in this process or behind a URL, with no difference to the caller.
pub type Service = tower::util::BoxCloneSyncService<Request, Response, Infallible>;

/// Request extension: who is on the other end, after trusted proxies were taken into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// Request extension: the address of the TCP peer, before proxies were taken into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub IpAddr);

/// Request extension: whether the connection to the client is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// Request extension: the request id, also sent back as `x-request-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// A response with a JSON body.
#[must_use]
pub fn json(status: http::StatusCode, value: &serde_json::Value) -> Response {
    bytes(status, "application/json; charset=utf-8", value.to_string())
}

/// A response with a body of the given media type.
#[must_use]
pub fn bytes(status: http::StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    response
}
