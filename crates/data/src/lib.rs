#![doc = include_str!("../README.md")]

mod catalog;
mod config;
mod error;
mod events;
mod execute;
mod pipeline;
mod plan;
mod request;
mod response;
mod sql;
#[cfg(test)]
#[path = "../tests/stages/mod.rs"]
mod stages;
mod timezones;

use std::sync::Arc;

use mainstay_identity::Verifier;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Body, Request, Response};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use mainstay_pg::Pool;

use catalog::{QualifiedName, Snapshot, Watch};
use events::Events;
use pipeline::{SessionRules, Stages};
use plan::{Aggregates, PlanRules};
use request::RequestRules;
use request::prefer::TxOverride;
use timezones::TimeZones;

pub use config::Config;
pub use error::ERRORS;

/// What the room needs from outside.
pub struct Deps {
    /// Connections of a login role that may become the callers' roles. Its options are also used to listen.
    pub pool: Pool,
    /// Verifies the callers' tokens.
    pub verifier: Verifier,
    /// Takes the room's metrics.
    pub registry: Registry,
}

/// Why the room cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// `pre_request` is not `schema.name`.
    #[error("data.pre_request must be written as schema.name, not {0:?}")]
    PreRequest(String),
}

/// The data API. Cheap to clone.
#[derive(Clone)]
pub struct Room {
    stages: Arc<Stages>,
    schemas: Vec<String>,
}

/// Builds the room. It answers 503 until [`Room::run`] has read the database's catalog.
///
/// # Errors
/// See [`BuildError`].
pub fn build(config: &Config, deps: Deps) -> Result<Room, BuildError> {
    let pre_request = config.pre_request.as_deref().map(parse_function).transpose()?;
    let stages = Stages {
        pool: deps.pool,
        verifier: deps.verifier,
        snapshot: Snapshot::default(),
        timezones: TimeZones::default(),
        events: Events::new(&deps.registry),
        request_rules: RequestRules {
            schemas: config.schemas.clone(),
            tx: if config.tx_override { TxOverride::Allowed } else { TxOverride::Refused },
        },
        plan_rules: PlanRules {
            max_rows: config.max_rows.and_then(|rows| i64::try_from(rows).ok()),
            aggregates: if config.aggregates { Aggregates::Allowed } else { Aggregates::Refused },
        },
        session_rules: SessionRules {
            anon_role: config.anon_role.clone(),
            extra_search_path: config.extra_search_path.clone(),
            pre_request,
        },
        max_body: config.max_body.bytes(),
    };
    Ok(Room { stages: Arc::new(stages), schemas: config.schemas.clone() })
}

fn parse_function(text: &str) -> Result<QualifiedName, BuildError> {
    match text.split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() => Ok(QualifiedName::new(schema, name)),
        _ => Err(BuildError::PreRequest(text.to_owned())),
    }
}

impl Room {
    /// Routes; paths come without the gateway's prefix. Every request verifies its token itself.
    pub fn router(&self) -> axum::Router {
        let stages = self.stages.clone();
        axum::Router::new().fallback(move |request: Request| {
            let stages = stages.clone();
            async move { stages.answer(request).await.map(Body::from) as Response }
        })
    }

    /// Ready once a catalog has been read. Later failures to reload keep the last one in force.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        match self.stages.snapshot.current() {
            Some(_) => Readiness::Ready,
            None => Readiness::NotReady("the database's catalog has not been read yet".to_owned()),
        }
    }

    /// Starts reading the catalog and following its changes (`NOTIFY pgrst, 'reload schema'`).
    pub fn run(&self, lifecycle: &Lifecycle) {
        let watch = Watch {
            pool: self.stages.pool.clone(),
            schemas: self.schemas.clone(),
            snapshot: self.stages.snapshot.clone(),
            events: self.stages.events.clone(),
        };
        lifecycle.spawn("data catalog", watch.run(lifecycle.clone()));
    }
}
