//! What happens, as calls with types; logs and metrics are made of them here and nowhere else.

use std::time::Duration;

use mainstay_kernel::metrics::{Counter, Gauge, Histogram, Registry};

/// Where the time of a request went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timings {
    pub(crate) parse: Duration,
    pub(crate) plan: Duration,
    pub(crate) execute: Duration,
    pub(crate) respond: Duration,
}

/// Subscribers of this room's events. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    plan: Histogram,
    execute: Histogram,
    respond: Histogram,
    failed: Counter,
    reloads: Counter,
    reload_failures: Counter,
    tables: Gauge,
}

impl Events {
    pub(crate) fn new(registry: &Registry) -> Self {
        let stage = "Time in a stage of data API requests";
        let reloads = "Loads of the database catalog";
        Self {
            plan: registry.histogram("mainstay_data_stage_seconds", stage, &[("stage", "plan")]),
            execute: registry.histogram("mainstay_data_stage_seconds", stage, &[("stage", "execute")]),
            respond: registry.histogram("mainstay_data_stage_seconds", stage, &[("stage", "respond")]),
            failed: registry.counter(
                "mainstay_data_server_errors_total",
                "Data API answers with a status from 500",
                &[],
            ),
            reloads: registry.counter("mainstay_data_catalog_loads_total", reloads, &[("result", "ok")]),
            reload_failures: registry.counter("mainstay_data_catalog_loads_total", reloads, &[("result", "error")]),
            tables: registry.gauge("mainstay_data_catalog_tables", "Tables and views in the catalog", &[]),
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, timings: Timings) {
        self.plan.observe(timings.parse + timings.plan);
        self.execute.observe(timings.execute);
        self.respond.observe(timings.respond);
    }

    /// A request failed by no fault of the client.
    pub(crate) fn server_error(&self, code: &str, cause: &str) {
        self.failed.inc();
        tracing::error!(code, cause, "data API request failed");
    }

    /// A catalog is in force. `sizes` counts tables, relationships and functions.
    pub(crate) fn catalog_loaded(&self, sizes: (usize, usize, usize), took: Duration) {
        self.reloads.inc();
        #[expect(clippy::cast_precision_loss, reason = "a number of tables")]
        self.tables.set(sizes.0 as f64);
        let (tables, relationships, functions) = sizes;
        tracing::info!(tables, relationships, functions, ms = took.as_millis(), "catalog loaded");
    }

    /// A load failed; the last catalog stays in force.
    pub(crate) fn catalog_failed(&self, error: &str) {
        self.reload_failures.inc();
        tracing::warn!(error, "the catalog could not be loaded; trying again");
    }

    /// The listening connection failed; changes are noticed when it is back.
    pub(crate) fn listener_failed(&self, error: &str) {
        tracing::warn!(error, "not listening for catalog changes; connecting again");
    }
}
