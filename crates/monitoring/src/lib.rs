//! What is watched, and how: metrics, dashboards, rules, routes and the configuration of the programs that watch.
//!
//! A base crate: it takes [`Facts`] about a system and returns `serde_json` values and text. It reads nothing and
//! writes nothing; the same facts give the same bytes. A rule or panel that could never have data is left out, and
//! what needs no cluster metrics (CPU, memory, restarts) is taken from the processes' own.

mod alertmanager;
mod alerts;
pub mod dashboards;
mod exporter;
mod facts;
mod grafana;
mod logs;
pub mod metrics;
mod prometheus;
pub mod query;
pub mod rules;

pub use alertmanager::{AlertmanagerOptions, alertmanager_config};
pub use alerts::{Alerts, Channel, Email, Slack, Webhook};
pub use dashboards::{Dashboard, dashboards};
pub use exporter::{POSTGRES_EXPORTER_PORT, postgres_exporter_args, postgres_exporter_env};
pub use facts::{Backup, Component, Facts, Postgres, Scrape};
pub use grafana::{
    DATASOURCE_LOKI, DATASOURCE_PROMETHEUS, GrafanaOptions, grafana_dashboard_provider, grafana_datasources,
    grafana_env,
};
pub use logs::{FluentBitOptions, alloy_config, fluent_bit_config, loki_config};
pub use prometheus::{PrometheusOptions, prometheus_config, service_monitor_endpoints};
pub use rules::{Rules, rules};
