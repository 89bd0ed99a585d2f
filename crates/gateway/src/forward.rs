//! Sending a request to the role that answers it.

use crate::Edge;
use crate::address::Trust;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::remote;
use crate::request_id::REQUEST_ID;
use crate::route::Role;
use crate::upstream::Kind;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use mainstay_kernel::http::{Request, Response, Scheme};
use tower::ServiceExt as _;

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Sends the request and waits for the head of the answer.
pub(crate) async fn send(edge: &Edge, exchange: &Exchange, mut request: Request) -> Result<Response, Error> {
    let role = exchange.route.role;
    let path = request.uri().path();
    let (upstream, named) = edge.upstreams.of(role, exchange.route.inside(path)).ok_or_else(|| absent(role))?;
    let prefix = path.get(..exchange.route.prefix.len() + named).unwrap_or_default().to_owned();
    strip_prefix(request.uri_mut(), &prefix);
    introduce(exchange, &prefix, &mut request);
    let answer = async {
        match &upstream.0 {
            Kind::Local(local) => match local.service.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Kind::Remote(remote) => remote::call(edge, exchange, remote, request).await,
        }
    };
    // dropping the future on timeout cancels the work in the role, down to the query in the database
    tokio::time::timeout(edge.bounds.time(role), answer).await.map_err(|_| Error::Timeout)?
}

/// The error for a role that this gateway does not reach.
pub(crate) fn absent(role: Role) -> Error {
    if role == Role::Portal { Error::NotFound } else { Error::RoleNotRunning(role) }
}

/// The role sees the path below its prefix, and neither scheme nor authority.
fn strip_prefix(uri: &mut Uri, prefix: &str) {
    let is_origin_form = uri.authority().is_none();
    if prefix.is_empty() && is_origin_form {
        return;
    }
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let inside = target.get(prefix.len()..).unwrap_or("/");
    let inside = if inside.starts_with('/') {
        PathAndQuery::try_from(inside)
    } else {
        PathAndQuery::try_from(format!("/{inside}"))
    };
    *uri = Uri::from(inside.unwrap_or_else(|_| PathAndQuery::from_static("/")));
}

/// Tells the role who asks. Whatever a stranger claimed is overwritten.
fn introduce(exchange: &Exchange, prefix: &str, request: &mut Request) {
    let headers = request.headers_mut();
    if let Some(host) = host(exchange, headers) {
        headers.insert(FORWARDED_HOST, host);
    }
    // HTTP/2 carries the host in the target, which the role does not see
    if !headers.contains_key(header::HOST)
        && let Some(authority) = exchange.target.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(header::HOST, host);
    }
    headers.remove(header::FORWARDED);
    headers.remove(REAL_IP);
    if let Ok(client) = HeaderValue::try_from(exchange.client.to_string()) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme_name(exchange.scheme)));
    headers.remove(FORWARDED_PREFIX);
    if !prefix.is_empty()
        && let Ok(prefix) = HeaderValue::from_str(prefix)
    {
        headers.insert(FORWARDED_PREFIX, prefix);
    }
    headers.insert(REQUEST_ID, exchange.id_value.clone());
}

/// The host that the client asked for.
fn host(exchange: &Exchange, headers: &HeaderMap) -> Option<HeaderValue> {
    let forwarded = headers.get(FORWARDED_HOST).filter(|_| exchange.trust == Trust::Proxy);
    let authority = || exchange.target.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    forwarded.or_else(|| headers.get(header::HOST)).cloned().or_else(authority)
}

pub(crate) fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_sees_the_path_below_its_prefix() {
        for (target, prefix, inside) in [
            ("/rest/v1/orders?select=*", "/rest/v1", "/orders?select=*"),
            ("/rest/v1", "/rest/v1", "/"),
            ("/rest/v1?select=*", "/rest/v1", "/?select=*"),
            ("http://host/rest/v1/", "/rest/v1", "/"),
            ("/app.js", "", "/app.js"),
            ("https://host/app.js", "", "/app.js"),
        ] {
            let mut uri: Uri = target.parse().unwrap();
            strip_prefix(&mut uri, prefix);
            assert_eq!(uri.to_string(), inside, "{target}");
        }
    }
}
