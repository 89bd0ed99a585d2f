//! The admin listener: `/metrics`, `/livez`, `/readyz`, and the project's own health paths.

use crate::roles::Running;
use http::StatusCode;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Request, Response, Service, bytes, json};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::{ProcessMetrics, Registry};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// What the admin listener looks at.
pub(crate) struct Admin {
    pub(crate) registry: Registry,
    pub(crate) process: ProcessMetrics,
    pub(crate) running: Arc<Running>,
    pub(crate) lifecycle: Lifecycle,
    /// `gateway.health_paths`: they answer like `/readyz`, so that probes made for another server need no change.
    pub(crate) health_paths: Vec<String>,
}

impl Admin {
    /// The service for the admin listener.
    pub(crate) fn service(self) -> Service {
        let admin = Arc::new(self);
        Service::new(tower::service_fn(move |request: Request| {
            let admin = admin.clone();
            let path = request.uri().path().to_owned();
            async move { Ok::<_, Infallible>(admin.answer(&path).await) }
        }))
    }

    async fn answer(&self, path: &str) -> Response {
        match path {
            "/metrics" => {
                self.process.refresh();
                self.running.refresh_metrics();
                bytes(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", self.registry.render())
            }
            // alive: the process answers. What is wrong elsewhere must not make the orchestrator kill it.
            "/livez" => json(StatusCode::OK, &json!({ "alive": true })),
            "/readyz" => self.ready().await,
            path if self.health_paths.iter().any(|health| health == path) => self.ready().await,
            _ => json(StatusCode::NOT_FOUND, &json!({ "message": "this listener has /metrics, /livez and /readyz" })),
        }
    }

    async fn ready(&self) -> Response {
        let mut roles = Map::new();
        let mut all = !self.lifecycle.is_draining();
        for (name, readiness) in self.running.readiness().await {
            let text = match readiness {
                Readiness::Ready => "ready".to_owned(),
                Readiness::NotReady(why) => {
                    all = false;
                    why
                }
            };
            roles.insert(name.to_owned(), Value::String(text));
        }
        let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, &json!({ "ready": all, "draining": self.lifecycle.is_draining(), "roles": roles }))
    }
}
