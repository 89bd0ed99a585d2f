//! What Grafana is given when it starts: data sources, where dashboards are, settings.

use crate::facts::Facts;
use serde_json::{Value, json};

/// Stable uid of the data source Prometheus.
pub const DATASOURCE_PROMETHEUS: &str = "prometheus";
/// Stable uid of the data source Loki.
pub const DATASOURCE_LOKI: &str = "loki";

/// What Grafana's settings depend on besides the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrafanaOptions {
    /// URL of Prometheus: `http://prometheus-service:9090`.
    pub prometheus_url: String,
    /// URL of Loki, used when the facts have it.
    pub loki_url: String,
    /// URL of Alertmanager; `None` when there is none.
    pub alertmanager_url: Option<String>,
    /// How often Prometheus reads, in seconds: the least step of a query.
    pub scrape_interval_seconds: u32,
    /// Folder with the Secret's key `GF_SECURITY_ADMIN_PASSWORD` as a file.
    pub secrets_dir: String,
}

impl Default for GrafanaOptions {
    fn default() -> Self {
        Self {
            prometheus_url: "http://prometheus:9090".to_owned(),
            loki_url: "http://loki:3100".to_owned(),
            alertmanager_url: None,
            scrape_interval_seconds: 15,
            secrets_dir: "/run/secrets/mainstay".to_owned(),
        }
    }
}

/// `provisioning/datasources/*.yaml`.
#[must_use]
pub fn grafana_datasources(facts: &Facts, options: &GrafanaOptions) -> Value {
    let mut sources = vec![json!({
        "name": "Prometheus",
        "uid": DATASOURCE_PROMETHEUS,
        "type": "prometheus",
        "access": "proxy",
        "url": options.prometheus_url,
        "isDefault": true,
        "editable": false,
        "jsonData": {
            "httpMethod": "POST",
            "timeInterval": format!("{}s", options.scrape_interval_seconds),
        },
    })];
    if facts.loki {
        sources.push(json!({
            "name": "Loki",
            "uid": DATASOURCE_LOKI,
            "type": "loki",
            "access": "proxy",
            "url": options.loki_url,
            "isDefault": false,
            "editable": false,
            "jsonData": { "maxLines": 1000 },
        }));
    }
    if let Some(url) = &options.alertmanager_url {
        sources.push(json!({
            "name": "Alertmanager",
            "uid": "alertmanager",
            "type": "alertmanager",
            "access": "proxy",
            "url": url,
            "editable": false,
            "jsonData": { "implementation": "prometheus" },
        }));
    }
    json!({ "apiVersion": 1, "datasources": sources })
}

/// `provisioning/dashboards/*.yaml`: dashboards are the files in `folder`, and cannot be changed in the browser.
#[must_use]
pub fn grafana_dashboard_provider(facts: &Facts, folder: &str) -> Value {
    json!({
        "apiVersion": 1,
        "providers": [{
            "name": "mainstay",
            "orgId": 1,
            "folder": facts.project,
            "type": "file",
            "disableDeletion": true,
            "allowUiUpdates": false,
            "updateIntervalSeconds": 60,
            "options": { "path": folder, "foldersFromFilesStructure": false },
        }],
    })
}

/// Environment of Grafana; none of it is secret. The admin's password is a file that Grafana reads itself.
#[must_use]
pub fn grafana_env(options: &GrafanaOptions) -> Vec<(String, String)> {
    let password = format!("{}/GF_SECURITY_ADMIN_PASSWORD", options.secrets_dir.trim_end_matches('/'));
    [
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_FEEDBACK_LINKS_ENABLED", "false"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
        ("GF_LOG_CONSOLE_FORMAT", "json"),
        ("GF_LOG_MODE", "console"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        // preinstalled plugins are fetched from the internet, which network policies close
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_SECURITY_ADMIN_PASSWORD__FILE", password.as_str()),
        ("GF_SECURITY_ADMIN_USER", "admin"),
        ("GF_SECURITY_COOKIE_SAMESITE", "strict"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SNAPSHOTS_EXTERNAL_ENABLED", "false"),
        ("GF_USERS_ALLOW_SIGN_UP", "false"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
