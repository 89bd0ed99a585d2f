//! The configuration of a Prometheus that runs in the namespace, and the endpoints of an operator's monitors.

use crate::facts::{Component, Facts};
use serde_json::{Value, json};

const NAME: &str = "__meta_kubernetes_pod_label_app_kubernetes_io_name";
const PART_OF: &str = "__meta_kubernetes_pod_label_app_kubernetes_io_part_of";
const PORT: &str = "__meta_kubernetes_pod_container_port_name";

/// What the configuration depends on besides the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusOptions {
    /// How often targets are read and rules evaluated, in seconds.
    pub scrape_interval_seconds: u32,
    /// `host:port` of Alertmanager; `None` when nobody is told.
    pub alertmanager: Option<String>,
    /// Paths of rule files; wildcards in the last part are allowed.
    pub rule_files: Vec<String>,
    /// `host:port` of kube-state-metrics, when the facts have it.
    pub kube_state_metrics: Option<String>,
}

impl Default for PrometheusOptions {
    fn default() -> Self {
        Self {
            scrape_interval_seconds: 15,
            alertmanager: None,
            rule_files: vec!["/etc/prometheus/rules/*.yaml".to_owned()],
            kube_state_metrics: None,
        }
    }
}

/// `prometheus.yml`. Pods of the project are discovered in its namespace with the pod's own token; that takes `get`,
/// `list` and `watch` of pods there. With [`Facts::cadvisor`] nodes are read through the API server, which takes a
/// ClusterRole with `get`, `list`, `watch` of `nodes` and `get` of `nodes/metrics` and `nodes/proxy`.
#[must_use]
pub fn prometheus_config(facts: &Facts, options: &PrometheusOptions) -> Value {
    let interval = format!("{}s", options.scrape_interval_seconds);
    let timeout = format!("{}s", (options.scrape_interval_seconds * 2 / 3).clamp(1, 10));
    let mut jobs = vec![own_job(facts), pods_job(facts)];
    jobs.extend(service_jobs(facts));
    if let Some(exporter) = facts.exporter() {
        jobs.push(pod_job(facts, exporter, "metrics", "/metrics", exporter));
    }
    if facts.kube_state_metrics
        && let Some(target) = &options.kube_state_metrics
    {
        jobs.push(json!({
            "job_name": "kube-state-metrics",
            // its series speak of other pods: their labels must not be overwritten by those of the target
            "honor_labels": true,
            "static_configs": [{ "targets": [target], "labels": { "namespace": facts.namespace } }],
        }));
    }
    if facts.cadvisor {
        jobs.push(node_job(facts, "kubelet", "/metrics", "kubelet_volume_stats_.*"));
        jobs.push(node_job(facts, "cadvisor", "/metrics/cadvisor", "container_(cpu|memory|network)_.*"));
    }
    let mut config = json!({
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": timeout,
            "evaluation_interval": interval,
            "external_labels": { "project": facts.project },
        },
        "rule_files": options.rule_files,
        "scrape_configs": jobs,
    });
    if let Some(target) = &options.alertmanager {
        config["alerting"] = json!({
            "alertmanagers": [{ "static_configs": [{ "targets": [target] }] }],
            // one Alertmanager serves the project; the label would only lengthen messages
            "alert_relabel_configs": [{ "regex": "project", "action": "labeldrop" }],
        });
    }
    config
}

/// `endpoints` of a ServiceMonitor, or `podMetricsEndpoints` of a PodMonitor: the labels that dashboards and rules
/// expect. `port` is the name of the Service's (or container's) port.
#[must_use]
pub fn service_monitor_endpoints(scrape_interval_seconds: u32, port: &str, path: &str) -> Value {
    json!([{
        "port": port,
        "path": path,
        "interval": format!("{scrape_interval_seconds}s"),
        "scrapeTimeout": format!("{}s", (scrape_interval_seconds * 2 / 3).clamp(1, 10)),
        "relabelings": [
            { "sourceLabels": [NAME], "targetLabel": "role", "action": "replace" },
            { "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node", "action": "replace" },
        ],
    }])
}

fn own_job(facts: &Facts) -> Value {
    json!({
        "job_name": "prometheus",
        "static_configs": [{
            "targets": ["localhost:9090"],
            "labels": { "role": "prometheus", "namespace": facts.namespace },
        }],
    })
}

/// Everything of the project with a port called `metrics`, except what has a job of its own.
fn pods_job(facts: &Facts) -> Value {
    let own: Vec<&str> = facts.exporter().into_iter().chain(["kube-state-metrics", "prometheus"]).collect();
    let mut relabel = keep_project(facts);
    relabel.push(json!({ "source_labels": [PORT], "regex": "metrics", "action": "keep" }));
    relabel.push(json!({ "source_labels": [NAME], "regex": own.join("|"), "action": "drop" }));
    relabel.extend(identity());
    json!({ "job_name": "mainstay", "kubernetes_sd_configs": [discovery(facts, "pod")], "relabel_configs": relabel })
}

/// The user's own services whose metrics are on another port.
fn service_jobs(facts: &Facts) -> Vec<Value> {
    let scraped = |component: &&Component| component.roles.is_empty() && facts.exporter() != Some(&component.name);
    facts
        .sorted()
        .into_iter()
        .filter(scraped)
        .filter_map(|component| {
            let scrape = component.scrape.as_ref()?;
            let own_job = scrape.port != "metrics" || scrape.path != "/metrics";
            own_job.then(|| pod_job(facts, &component.name, &scrape.port, &scrape.path, &component.name))
        })
        .collect()
}

fn pod_job(facts: &Facts, job: &str, port: &str, path: &str, name: &str) -> Value {
    let mut relabel = keep_project(facts);
    relabel.push(json!({ "source_labels": [NAME], "regex": name, "action": "keep" }));
    relabel.push(json!({ "source_labels": [PORT], "regex": port, "action": "keep" }));
    relabel.extend(identity());
    json!({
        "job_name": job,
        "metrics_path": path,
        "kubernetes_sd_configs": [discovery(facts, "pod")],
        "relabel_configs": relabel,
    })
}

/// A job over the nodes that keeps only this namespace's series: other namespaces are nobody's business here.
fn node_job(facts: &Facts, job: &str, path: &str, keep: &str) -> Value {
    let account = "/var/run/secrets/kubernetes.io/serviceaccount";
    json!({
        "job_name": job,
        "scheme": "https",
        "honor_labels": true,
        "authorization": { "credentials_file": format!("{account}/token") },
        "tls_config": { "ca_file": format!("{account}/ca.crt") },
        "kubernetes_sd_configs": [{ "role": "node" }],
        "relabel_configs": [
            { "source_labels": ["__meta_kubernetes_node_name"], "target_label": "node" },
            { "target_label": "__address__", "replacement": "kubernetes.default.svc:443" },
            {
                "source_labels": ["__meta_kubernetes_node_name"],
                "regex": "(.+)",
                "target_label": "__metrics_path__",
                "replacement": format!("/api/v1/nodes/${{1}}/proxy{path}"),
            },
        ],
        "metric_relabel_configs": [
            { "source_labels": ["namespace"], "regex": facts.namespace, "action": "keep" },
            { "source_labels": ["__name__"], "regex": keep, "action": "keep" },
        ],
    })
}

fn discovery(facts: &Facts, role: &str) -> Value {
    json!({ "role": role, "namespaces": { "names": [facts.namespace] } })
}

fn keep_project(facts: &Facts) -> Vec<Value> {
    vec![
        json!({ "source_labels": [PART_OF], "regex": facts.project, "action": "keep" }),
        // a finished Job's pod answers nobody
        json!({ "source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Succeeded|Failed", "action": "drop" }),
    ]
}

fn identity() -> Vec<Value> {
    [
        (NAME, "role"),
        ("__meta_kubernetes_pod_name", "pod"),
        ("__meta_kubernetes_namespace", "namespace"),
        ("__meta_kubernetes_pod_node_name", "node"),
    ]
    .into_iter()
    .map(|(source, target)| json!({ "source_labels": [source], "target_label": target }))
    .collect()
}
