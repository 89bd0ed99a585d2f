//! `/health` and its aliases: is this gateway able to serve right now?

use crate::Edge;
use http::{Method, StatusCode, header};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Request, Response, bytes, json};
use serde_json::json;

/// The answer when the path asks for it; any other path is `None`.
pub(crate) fn answer(edge: &Edge, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    if path != "/health" && !edge.health_paths.iter().any(|alias| **alias == *path) {
        return None;
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    let mut response = report(edge);
    response.headers_mut().insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    Some(response)
}

fn report(edge: &Edge) -> Response {
    match readiness(edge) {
        Readiness::Ready => bytes(StatusCode::OK, "application/json; charset=utf-8", r#"{"status":"ok"}"#),
        Readiness::NotReady(reason) => {
            json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "unavailable", "reason": reason }))
        }
    }
}

/// Ready unless draining, or a role of this process is not. A role behind a URL has its own probes.
pub(crate) fn readiness(edge: &Edge) -> Readiness {
    if edge.is_draining() {
        return Readiness::NotReady("shutting down".to_owned());
    }
    edge.upstreams
        .all()
        .find_map(|upstream| match upstream.ready() {
            Readiness::Ready => None,
            not_ready @ Readiness::NotReady(_) => Some(not_ready),
        })
        .unwrap_or(Readiness::Ready)
}
