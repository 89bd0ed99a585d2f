//! What is told about a request once it is answered: metrics always, a log line as configured.
//!
//! Durations end with the head of the answer: how long a client takes to read a body says nothing about the server.

use crate::config::AccessLog;
use crate::exchange::Exchange;
use http::{Method, StatusCode};
use mainstay_identity::Verifier;
use mainstay_kernel::metrics::{Gauge, Histogram, Registry};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// Requests slower than this are logged under [`AccessLog::Errors`].
const SLOW: Duration = Duration::from_secs(1);

/// Methods that metrics name; any other counts as `_OTHER` (OpenTelemetry HTTP semantic conventions).
const METHODS: [(&Method, &str); 8] = [
    (&Method::GET, "GET"),
    (&Method::POST, "POST"),
    (&Method::PATCH, "PATCH"),
    (&Method::DELETE, "DELETE"),
    (&Method::PUT, "PUT"),
    (&Method::HEAD, "HEAD"),
    (&Method::OPTIONS, "OPTIONS"),
    (&Method::CONNECT, "CONNECT"),
];
const OTHER: &str = "_OTHER";

/// Takes handles once and keeps them: the hot path touches an atomic, not the registry.
pub(crate) struct Access {
    registry: Registry,
    durations: RwLock<HashMap<Series, Histogram>>,
    active: [Gauge; METHODS.len() + 1],
    log: AccessLog,
    verifier: Verifier,
}

type Series = (&'static str, &'static str, u16);

/// Counts a request as active until dropped, also when the client went away before the answer.
pub(crate) struct Active(Gauge);

// === impl Access ===

impl Access {
    pub(crate) fn new(registry: Registry, log: AccessLog, verifier: Verifier) -> Self {
        let active = std::array::from_fn(|slot| {
            let method = METHODS.get(slot).map_or(OTHER, |(_, name)| name);
            registry.gauge(
                "http_server_active_requests",
                "Requests being worked on.",
                &[("http_request_method", method)],
            )
        });
        Self { registry, durations: RwLock::default(), active, log, verifier }
    }

    pub(crate) fn begin(&self, method: &Method) -> Active {
        let slot = METHODS.iter().position(|(known, _)| *known == method).unwrap_or(METHODS.len());
        let gauge = self.active[slot].clone();
        gauge.add(1.0);
        Active(gauge)
    }

    pub(crate) fn record(&self, exchange: &Exchange, status: StatusCode) {
        let took = exchange.began.elapsed();
        let method = METHODS.iter().find(|(known, _)| **known == exchange.method).map_or(OTHER, |(_, name)| name);
        self.observe((exchange.route.template, method, status.as_u16()), took);
        let wanted = match self.log {
            AccessLog::All => true,
            AccessLog::Errors => status.is_server_error() || took > SLOW,
            AccessLog::Off => false,
        };
        if wanted {
            self.write(exchange, status, took);
        }
    }

    fn observe(&self, series: Series, took: Duration) {
        let known = self.durations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(&series) {
            return histogram.observe(took);
        }
        drop(known);
        let (route, method, status) = series;
        let histogram = self.registry.histogram(
            "http_server_request_duration_seconds",
            "Time until the head of the answer was ready.",
            &[
                ("http_request_method", method),
                ("http_route", route),
                (
                    "http_response_status_code",
                    http::StatusCode::from_u16(status).as_ref().map_or("", StatusCode::as_str),
                ),
            ],
        );
        histogram.observe(took);
        self.durations.write().unwrap_or_else(PoisonError::into_inner).insert(series, histogram);
    }

    fn write(&self, exchange: &Exchange, status: StatusCode, took: Duration) {
        let token = exchange
            .authorization
            .as_ref()
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .map(|(_, token)| token);
        let caller = token.and_then(|token| self.verifier.verify(token.trim()).ok());
        tracing::info!(
            target: "access",
            method = exchange.method.as_str(),
            path = exchange.target.path(),
            status = status.as_u16(),
            duration_ms = took.as_secs_f64() * 1000.0,
            request_id = &*exchange.id.0,
            role = caller.as_ref().map_or("-", |caller| &*caller.role),
            key = exchange.key.as_ref().map_or("-", |key| &*key.id),
            client = %exchange.client,
            "request"
        );
    }
}

// === impl Active ===

impl Drop for Active {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}
