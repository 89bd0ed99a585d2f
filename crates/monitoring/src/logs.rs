//! Log collection: Loki with Alloy, or Fluent Bit to Elasticsearch or OpenSearch.
//!
//! Mainstay writes one JSON object a line with `timestamp`, `level` (`ERROR`, `WARN`, `INFO`, …), `message`, `target`
//! and, where there is one, `request_id`. Only `level` becomes an index label: the others take too many values.

use crate::facts::Facts;
use serde_json::{Value, json};

/// Loki as a single process with its data under `/loki`, for log lines no older than `retention_hours`.
#[must_use]
pub fn loki_config(retention_hours: u32) -> Value {
    json!({
        "auth_enabled": false,
        "server": { "http_listen_port": 3100, "grpc_listen_port": 9095, "log_level": "warn" },
        "common": {
            "instance_addr": "127.0.0.1",
            "path_prefix": "/loki",
            "replication_factor": 1,
            "ring": { "kvstore": { "store": "inmemory" } },
            "storage": {
                "filesystem": { "chunks_directory": "/loki/chunks", "rules_directory": "/loki/rules" },
            },
        },
        "schema_config": {
            "configs": [{
                "from": "2024-01-01",
                "store": "tsdb",
                "object_store": "filesystem",
                "schema": "v13",
                "index": { "prefix": "index_", "period": "24h" },
            }],
        },
        "limits_config": {
            "retention_period": format!("{retention_hours}h"),
            "reject_old_samples": true,
            "reject_old_samples_max_age": "168h",
            "max_label_names_per_series": 15,
        },
        "compactor": {
            "working_directory": "/loki/compactor",
            "retention_enabled": true,
            // where requests to delete are kept; required as soon as retention is on
            "delete_request_store": "filesystem",
        },
        "analytics": { "reporting_enabled": false },
    })
}

/// Alloy's configuration: log lines of the project's pods, read through the API of the cluster, so that the collector
/// needs neither root nor the node's files. Needs `get`, `list`, `watch` of pods and `get` of `pods/log` in the
/// namespace. `loki_url` is the base address, such as `http://loki:3100`.
#[must_use]
pub fn alloy_config(facts: &Facts, loki_url: &str) -> String {
    let rules: String = [
        ("__meta_kubernetes_namespace", "namespace"),
        ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "role"),
        ("__meta_kubernetes_pod_name", "pod"),
        ("__meta_kubernetes_pod_container_name", "container"),
    ]
    .iter()
    .map(|(source, target)| {
        format!("  rule {{\n    source_labels = [{source:?}]\n    target_label  = {target:?}\n  }}\n\n")
    })
    .collect();
    let selector = format!("app.kubernetes.io/part-of={}", facts.project);
    let push = format!("{}/loki/api/v1/push", loki_url.trim_end_matches('/'));
    format!(
        r#"logging {{
  level  = "warn"
  format = "json"
}}

discovery.kubernetes "pods" {{
  role = "pod"

  namespaces {{
    own_namespace = true
  }}

  selectors {{
    role  = "pod"
    label = {selector:?}
  }}
}}

discovery.relabel "pods" {{
  targets = discovery.kubernetes.pods.targets

{rules}  // its own lines would make it write more of them
  rule {{
    source_labels = ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    regex         = "alloy"
    action        = "drop"
  }}
}}

loki.source.kubernetes "pods" {{
  targets    = discovery.relabel.pods.output
  forward_to = [loki.process.lines.receiver]
}}

loki.process "lines" {{
  stage.json {{
    expressions = {{ level = "level" }}
  }}

  stage.labels {{
    values = {{ level = "" }}
  }}

  forward_to = [loki.write.store.receiver]
}}

loki.write "store" {{
  endpoint {{
    url = {push:?}
  }}
}}
"#
    )
}

/// Where Fluent Bit sends log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FluentBitOptions {
    /// Host of Elasticsearch or OpenSearch.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Speak TLS, and check the certificate.
    pub tls: bool,
    /// Name to sign in with, and the file with the password; `None` without sign-in. Reading a file needs Fluent Bit
    /// 4.2.
    pub login: Option<(String, String)>,
    /// The store is OpenSearch, which has an output of its own.
    pub opensearch: bool,
}

impl Default for FluentBitOptions {
    fn default() -> Self {
        Self { host: "elasticsearch".to_owned(), port: 9200, tls: false, login: None, opensearch: false }
    }
}

/// Fluent Bit's configuration in YAML form (`fluent-bit.yaml`), for a DaemonSet that reads the nodes' log files. It
/// opens the files of the project's namespace only, and needs `get`, `list`, `watch` of pods there for their labels.
/// Indices are called `<project>-YYYY.MM.DD`.
#[must_use]
pub fn fluent_bit_config(facts: &Facts, options: &FluentBitOptions) -> Value {
    let mut output = json!({
        "name": if options.opensearch { "opensearch" } else { "es" },
        "match": "kube.*",
        "host": options.host,
        "port": options.port,
        "logstash_format": "on",
        "logstash_prefix": facts.project,
        "suppress_type_name": "on",
        "replace_dots": "on",
        "generate_id": "on",
        "retry_limit": 10,
        "tls": if options.tls { "on" } else { "off" },
    });
    if options.tls {
        output["tls.verify"] = json!("on");
    }
    let mut config = json!({
        "service": {
            "flush": 5,
            "log_level": "warn",
            "http_server": "on",
            "http_listen": "0.0.0.0",
            "http_port": 2020,
            "health_check": "on",
            "storage.path": "/buffers",
        },
        "pipeline": {
            "inputs": [{
                "name": "tail",
                "tag": "kube.*",
                // the kubelet names the files <pod>_<namespace>_<container>-<id>.log
                "path": format!("/var/log/containers/*_{}_*.log", facts.namespace),
                "multiline.parser": "docker, cri",
                "db": "/buffers/tail.db",
                "mem_buf_limit": "16MB",
                "skip_long_lines": "on",
                "storage.type": "filesystem",
            }],
            "filters": [{
                "name": "kubernetes",
                "match": "kube.*",
                "merge_log": "on",
                "keep_log": "off",
                "labels": "on",
                "annotations": "off",
                "k8s-logging.parser": "off",
                "k8s-logging.exclude": "off",
            }],
        },
    });
    if let Some((user, password_file)) = &options.login {
        output["http_user"] = json!(user);
        output["http_passwd"] = json!("${STORE_PASSWORD}");
        config["env"] = json!([{ "name": "STORE_PASSWORD", "uri": format!("file://{password_file}") }]);
    }
    config["pipeline"]["outputs"] = json!([output]);
    config
}
