//! A client for anything that answers requests, without a socket.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use mainstay_kernel::http::{Body, ClientAddr, Request, Service, read_body};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use tower::ServiceExt as _;

/// Sends requests as one caller.
#[derive(Clone)]
pub struct Client {
    service: Service,
    headers: Vec<(String, String)>,
    address: IpAddr,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Client {
    /// A caller without any header.
    #[must_use]
    pub fn new(router: axum::Router) -> Self {
        Self::of(Service::new(router))
    }

    /// A caller of any service.
    #[must_use]
    pub fn of(service: Service) -> Self {
        Self { service, headers: Vec::new(), address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
    }

    /// The same caller with one more header on every request.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same caller with a bearer token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The same caller from another address.
    #[must_use]
    pub fn from_address(&self, address: IpAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    /// `HEAD path`.
    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, Body::empty()).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PUT, path, body).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    /// Any method with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json").send(method, path, Body::from(body.to_string())).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: Body) -> Answer {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        for (name, value) in &self.headers {
            request.headers_mut().append(
                http::HeaderName::try_from(name.as_str()).unwrap(),
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        request.extensions_mut().insert(ClientAddr(self.address));
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = read_body(body, 256 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    /// The body as JSON; panics with the body when it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Panics with the body when the status is not the expected one.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}
