#![doc = include_str!("../README.md")]

mod access;
mod address;
mod bounds;
mod compress;
mod config;
mod cors;
mod error;
mod exchange;
mod forward;
mod headers;
mod health;
mod keys;
mod lent;
mod limit;
mod phases;
mod remote;
mod request_id;
mod rescue;
mod route;
mod upstream;

pub use config::{AccessLog, Config};
pub use error::ERRORS;
pub use upstream::{Upstream, UpstreamError, Upstreams};

use mainstay_identity::{ApiKeys, Verifier};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::config::Section as _;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{NetworkError, Networks, Service};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How often clients that stopped calling are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// What the gateway is given.
pub struct Deps {
    /// The project's API keys.
    pub keys: ApiKeys,
    /// Reads tokens, to name the caller's role in the access log. Roles check tokens themselves.
    pub verifier: Verifier,
    /// The time, for request ids.
    pub clock: SharedClock,
    /// Where metrics are registered.
    pub registry: Registry,
    /// The roles.
    pub upstreams: Upstreams,
    /// Address of the project as clients see it, such as `https://app.example.com`; may be empty.
    pub public_url: String,
}

/// Why the gateway cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting does not fit; the key and the sentence.
    #[error("gateway.{0}: {1}")]
    Config(&'static str, String),
    /// An address range cannot be read.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// The gateway, ready to serve.
pub struct Room {
    edge: Arc<Edge>,
}

/// Everything that the phases need.
pub(crate) struct Edge {
    bounds: bounds::Bounds,
    limits: limit::Limits,
    keys: ApiKeys,
    cors: cors::Cors,
    security: headers::SecurityHeaders,
    compress: compress::Compress,
    access: access::Access,
    ids: request_id::Ids,
    proxies: address::Proxies,
    upstreams: Upstreams,
    health_paths: Vec<Box<str>>,
    /// Where plain requests are sent; `None` when they are served.
    https_base: Option<String>,
    /// Known once the room runs.
    lifecycle: OnceLock<Lifecycle>,
}

/// Builds the gateway. Nothing listens yet: the accept loop is `kernel::http::serve`.
///
/// # Errors
/// When settings contradict each other.
pub fn build(config: &Config, deps: Deps) -> Result<Room, BuildError> {
    config.validate().map_err(|(key, problem)| BuildError::Config(key, problem))?;
    let edge = Edge {
        bounds: bounds::Bounds::new(config),
        limits: limit::Limits::new(config, Networks::parse(&config.rate_limit_exempt)?),
        keys: deps.keys,
        cors: cors::Cors::new(config),
        security: headers::SecurityHeaders::new(config),
        compress: if config.compression { compress::Compress::Texts } else { compress::Compress::Never },
        access: access::Access::new(deps.registry.clone(), config.access_log, deps.verifier),
        ids: request_id::Ids::new(deps.clock),
        proxies: address::Proxies(Networks::parse(&config.trusted_proxies)?),
        upstreams: deps.upstreams.measured(&deps.registry),
        health_paths: config.health_paths.iter().map(|path| path.as_str().into()).collect(),
        https_base: https_base(config, &deps.public_url)?,
        lifecycle: OnceLock::new(),
    };
    Ok(Room { edge: Arc::new(edge) })
}

fn https_base(config: &Config, public_url: &str) -> Result<Option<String>, BuildError> {
    if !config.redirect_to_https {
        return Ok(None);
    }
    match url::Url::parse(public_url) {
        Ok(url) if url.scheme() == "https" => Ok(Some(url.origin().ascii_serialization())),
        _ => Err(BuildError::Config(
            "redirect_to_https",
            "the project's public URL does not begin with https".to_owned(),
        )),
    }
}

// === impl Room ===

impl Room {
    /// The service of the public listener.
    #[must_use]
    pub fn service(&self) -> Service {
        let edge = self.edge.clone();
        Service::new(tower::service_fn(move |request| {
            let edge = edge.clone();
            async move { Ok(phases::answer(&edge, request).await) }
        }))
    }

    /// Ready unless draining or a role in this process is not ready.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        health::readiness(&self.edge)
    }

    /// Starts background work and learns when draining begins. The first call counts.
    pub fn run(&self, lifecycle: &Lifecycle) {
        if self.edge.lifecycle.set(lifecycle.clone()).is_err() {
            return;
        }
        let (edge, stopping) = (self.edge.clone(), lifecycle.clone());
        lifecycle.spawn("gateway limits", async move {
            while tokio::time::timeout(SWEEP_EVERY, stopping.stopping()).await.is_err() {
                edge.limits.sweep();
            }
        });
    }
}

// === impl Edge ===

impl Edge {
    pub(crate) fn is_draining(&self) -> bool {
        self.lifecycle.get().is_some_and(Lifecycle::is_draining)
    }
}
