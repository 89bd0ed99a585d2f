//! Writing answers. Errors have two forms, and the request says which (supabase/auth: `HandleResponseError`).

use crate::error::Failure;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mainstay_kernel::error::PublicError as _;
use mainstay_kernel::http::RequestId;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

const VERSION: HeaderName = HeaderName::from_static("x-supabase-api-version");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-sb-error-code");
/// The version from which errors are `{"code","message"}`.
const VERSION_2024: &str = "2024-01-01";

/// A 200 with a JSON body.
pub(crate) fn json_ok(value: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(value).map_err(Failure::internal)?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))], body).into_response())
}

/// 303: the browser goes there with GET.
pub(crate) fn see_other(target: &str) -> Result<Response, Failure> {
    redirect(StatusCode::SEE_OTHER, target)
}

/// 302, what supabase/auth uses on the way to a provider and back.
pub(crate) fn found(target: &str) -> Result<Response, Failure> {
    redirect(StatusCode::FOUND, target)
}

fn redirect(status: StatusCode, target: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(target).map_err(Failure::internal)?;
    Ok((status, [(LOCATION, location)]).into_response())
}

/// Carries the failure to [`render`], which knows the request.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Middleware: gives failures their body, answers the version header, and keeps tokens out of caches.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let version = requested_version(request.headers());
    let error_id = request.extensions().get::<RequestId>().map(|id| id.0.to_string());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Arc<Failure>>() {
        let error_id = error_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        log(&failure, &error_id);
        let kept = std::mem::take(response.headers_mut());
        response = body(&failure, version, &error_id).into_response();
        response.headers_mut().extend(
            kept.into_iter()
                .filter_map(|(name, value)| Some((name?, value)))
                .filter(|(name, _)| *name == http::header::ALLOW),
        );
    }
    let headers = response.headers_mut();
    if version == Version::V2024 {
        headers.insert(VERSION, HeaderValue::from_static(VERSION_2024));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Initial,
    V2024,
}

/// Versions are dates; a request gets the newest form that is not newer than it asked for.
fn requested_version(headers: &HeaderMap) -> Version {
    match headers.get(VERSION).and_then(|value| value.to_str().ok()) {
        Some(date) if date.len() == 10 && date >= VERSION_2024 && date.parse::<jiff::civil::Date>().is_ok() => {
            Version::V2024
        }
        _ => Version::Initial,
    }
}

fn body(failure: &Failure, version: Version, error_id: &str) -> Response {
    let (code, status, message) = (failure.code(), failure.status(), failure.message());
    let mut body = match version {
        Version::V2024 => json!({"code": code, "message": message}),
        Version::Initial => json!({"code": status.as_u16(), "error_code": code, "msg": message}),
    };
    if let Value::Object(fields) = &mut body {
        if !failure.reasons().is_empty() {
            fields.insert("weak_password".to_owned(), json!({"reasons": failure.reasons()}));
        }
        if status.is_server_error() {
            fields.insert("error_id".to_owned(), error_id.into());
        }
    }
    let mut response = mainstay_kernel::http::json(status, &body);
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert(ERROR_CODE, code);
    }
    if let Some(seconds) = failure.retry_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Server faults once at error, with the whole chain; what a client did wrong is its own business.
pub(crate) fn log(failure: &Failure, error_id: &str) {
    if !failure.status().is_server_error() {
        tracing::debug!(code = failure.code(), "request refused");
        return;
    }
    let mut chain = failure.to_string();
    let mut source = std::error::Error::source(failure);
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    tracing::error!(code = failure.code(), error_id, "request failed: {chain}");
}
