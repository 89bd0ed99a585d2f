//! A role behind a URL: hop-by-hop headers, retries, and connections that turn into tunnels.

use crate::Edge;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::forward::{FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PREFIX, FORWARDED_PROTO, scheme_name};
use crate::lent::Lent;
use crate::request_id::REQUEST_ID;
use crate::upstream::Remote;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use http_body::Body as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mainstay_kernel::http::{Body, ClientError, Request, Response};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Time for a restarting role to come back, or for its service to choose another replica.
const PAUSE_BEFORE_RETRY: Duration = Duration::from_millis(20);

/// Fields that belong to one connection (RFC 9110, 7.6.1, and the older ones still seen).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The gateway's own fields: a client may not name them in `Connection` to have them dropped.
const OWN: [HeaderName; 5] = [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PREFIX, FORWARDED_PROTO, REQUEST_ID];

/// Whether the connection is to become something else.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Intent {
    Exchange,
    /// The value of `Upgrade`.
    Upgrade(HeaderValue),
}

/// The head of a request, kept for a second attempt.
struct Head {
    method: Method,
    address: Uri,
    headers: HeaderMap,
}

/// Calls a remote role; measured from the first attempt to the head of the answer.
pub(crate) async fn call(
    edge: &Edge,
    exchange: &Exchange,
    remote: &Remote,
    mut request: Request,
) -> Result<Response, Error> {
    let began = Instant::now();
    let intent = intent(&request);
    let client_side = (intent != Intent::Exchange).then(|| hyper::upgrade::on(&mut request));
    prepare(exchange, &intent, request.headers_mut());
    let response = attempt_twice(edge, exchange, remote, request).await;
    if let Some(durations) = &remote.durations {
        durations.observe(began.elapsed());
    }
    let mut response = response?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client_side) = client_side
    {
        tunnel(edge, client_side, hyper::upgrade::on(&mut response));
        return Ok(response);
    }
    remove_hop_by_hop(response.headers_mut());
    Ok(response)
}

/// Tries again once: a request that was surely not acted upon, or that changes nothing.
async fn attempt_twice(edge: &Edge, exchange: &Exchange, remote: &Remote, request: Request) -> Result<Response, Error> {
    let unavailable = || Error::UpstreamUnavailable(exchange.route.role);
    let address = remote.address(request.uri()).ok_or_else(unavailable)?;
    let (parts, body) = request.into_parts();
    let is_bodiless = body.is_end_stream();
    let head = Head { method: parts.method, address, headers: parts.headers };
    let lent = Lent::new(body);
    let body = if is_bodiless { Body::empty() } else { Body::new(lent.clone()) };
    let error = match remote.client.stream(head.request(body)).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    if lent.is_too_large() {
        return Err(Error::BodyTooLarge { limit: edge.bounds.body(exchange.route.role) });
    }
    let is_unsent = matches!(error, ClientError::NoAnswer { sent: false, .. }) && lent.is_untouched();
    let again = if is_bodiless {
        (is_unsent || head.method.is_safe()).then(Body::empty)
    } else {
        lent.take_back().filter(|_| is_unsent)
    };
    let Some(body) = again else {
        return Err(report(exchange, &error));
    };
    tokio::time::sleep(PAUSE_BEFORE_RETRY).await;
    remote.client.stream(head.request(body)).await.map_err(|error| report(exchange, &error))
}

fn report(exchange: &Exchange, error: &ClientError) -> Error {
    tracing::warn!(role = exchange.route.role.label(), request_id = &*exchange.id.0, %error, "a role did not answer");
    Error::UpstreamUnavailable(exchange.route.role)
}

fn intent(request: &Request) -> Intent {
    let asks = request
        .headers()
        .get_all(header::CONNECTION)
        .iter()
        .any(|line| names(line).any(|name| name.eq_ignore_ascii_case("upgrade")));
    match request.headers().get(header::UPGRADE) {
        Some(protocol) if asks && request.version() == Version::HTTP_11 => Intent::Upgrade(protocol.clone()),
        _ => Intent::Exchange,
    }
}

/// Makes the client's headers ours: what was meant for our connection goes, what the next hop needs comes.
fn prepare(exchange: &Exchange, intent: &Intent, headers: &mut HeaderMap) {
    let host = headers.get(FORWARDED_HOST).cloned();
    remove_hop_by_hop(headers);
    if let Ok(forwarded) = HeaderValue::try_from(forwarded(exchange, host.as_ref())) {
        headers.insert(header::FORWARDED, forwarded);
    }
    headers.remove(header::HOST);
    if let Intent::Upgrade(protocol) = intent {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
}

/// `Forwarded` (RFC 7239).
fn forwarded(exchange: &Exchange, host: Option<&HeaderValue>) -> String {
    let client = match exchange.client {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("\"[{v6}]\""),
    };
    let proto = scheme_name(exchange.scheme);
    match host.and_then(|host| host.to_str().ok()).filter(|host| !host.contains(['"', '\\'])) {
        Some(host) => format!("for={client};proto={proto};host=\"{host}\""),
        None => format!("for={client};proto={proto}"),
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        headers.get_all(header::CONNECTION).iter().flat_map(names).filter_map(|name| name.parse().ok()).collect();
    for name in named.iter().filter(|name| !OWN.contains(name)).chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn names(line: &HeaderValue) -> impl Iterator<Item = &str> {
    line.to_str().unwrap_or_default().split(',').map(str::trim)
}

/// Copies bytes both ways until one side ends or the process stops.
fn tunnel(edge: &Edge, client_side: OnUpgrade, role_side: OnUpgrade) {
    let Some(lifecycle) = edge.lifecycle.get() else { return };
    let stopping = lifecycle.clone();
    lifecycle.spawn("tunnel", async move {
        let copy = async {
            if let (Ok(client), Ok(role)) = tokio::join!(client_side, role_side) {
                let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(role)).await;
            }
        };
        tokio::select! {
            () = copy => {}
            () = stopping.stopping() => {}
        }
    });
}

// === impl Head ===

impl Head {
    fn request(&self, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.address.clone();
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_connection_do_not_travel() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("keep-alive", "5"),
            ("accept", "*/*"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }
}
