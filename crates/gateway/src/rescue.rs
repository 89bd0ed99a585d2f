//! The one place where errors become responses.

use crate::error::Error;
use crate::exchange::Exchange;
use http::{HeaderValue, header};
use mainstay_kernel::error::PublicError as _;
use mainstay_kernel::http::{Response, json};
use serde_json::json;

/// What came of the request phases, the panic fence outermost.
pub(crate) type Outcome = Result<Result<Response, Error>, Box<dyn std::any::Any + Send>>;

/// Turns any outcome into a response.
pub(crate) fn settle(outcome: Outcome, exchange: &Exchange) -> Response {
    match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => respond(&error, exchange),
        Err(panic) => {
            let text =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(
                request_id = &*exchange.id.0,
                route = exchange.route.template,
                panic = text.unwrap_or("unknown"),
                "a request ended in a panic"
            );
            respond(&Error::Panicked, exchange)
        }
    }
}

fn respond(error: &Error, exchange: &Exchange) -> Response {
    let body = match error {
        // these two have the exact body that client libraries know
        Error::KeyMissing | Error::KeyUnknown => json!({ "message": error.message(), "hint": error.hint() }),
        Error::Panicked => json!({
            "code": error.code(), "message": error.message(), "hint": error.hint(), "request_id": &*exchange.id.0,
        }),
        _ => json!({ "code": error.code(), "message": error.message(), "hint": error.hint() }),
    };
    let mut response = json(error.status(), &body);
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
