//! `[monitoring]` and `[logging]`.

use super::kubernetes::choice;
use mainstay_kernel::config::Seconds;
use std::collections::BTreeMap;

mainstay_kernel::section! {
    /// Metrics and dashboards on a cluster: our own Prometheus and Grafana, or objects for an operator that is there.
    pub struct Monitoring in "monitoring" {
        /// Run Prometheus and Grafana in the namespace, and Alertmanager when `[alerts]` names a receiver.
        pub bundled: bool = false,
        /// Render ServiceMonitor, PrometheusRule and dashboard ConfigMaps for an existing Prometheus Operator.
        pub operator: bool = false,
        /// Labels by which the operator finds its objects.
        pub operator_labels: BTreeMap<String, String> = BTreeMap::from([("release".to_owned(), "kube-prometheus-stack".to_owned())]),
        /// Namespace of the operator's Prometheus, which may then reach the metrics ports.
        pub operator_namespace: String = "monitoring".into(),
        /// How often metrics are read.
        pub scrape_interval: Seconds = Seconds::new(15),
        /// How long the bundled Prometheus keeps its data.
        pub retention: String = "15d".into(),
        /// Size at which the bundled Prometheus drops its oldest data.
        pub retention_size: String = "1GB".into(),
        /// Size of a volume for the bundled Prometheus. Unset: its data ends with the pod.
        pub storage: Option<String> = None,
        /// Let the bundled Prometheus discover pods, services and endpoints through a ClusterRole. Off: a Role in the
        /// namespace, which is enough.
        pub cluster_role: bool = false,
        /// Let the bundled Prometheus read what nodes say about containers (CPU, memory, volumes), with a ClusterRole.
        /// Its right to `nodes/proxy` also lets its holder run commands in any container of the cluster. Off: the
        /// dashboards show what the roles say about themselves.
        pub node_metrics: bool = false,
        /// Run kube-state-metrics in the namespace: the state of pods, Deployments and Jobs as metrics.
        pub kube_state_metrics: bool = false,
        /// Run the PostgreSQL exporter.
        pub postgres_exporter: bool = false,
        /// Run Grafana with the bundled Prometheus.
        pub grafana: bool = true,
        /// Sizes that differ from docs/kubernetes/sizes.md: `[monitoring.sizes.prometheus] memory = "1Gi"`.
        pub sizes: BTreeMap<String, super::super::tables::SizeSettings> = BTreeMap::new(),
    }
    validate(this) {
        if this.bundled && this.operator {
            return Err(("operator", "an operator's Prometheus and a bundled one would both watch the project; set one of `bundled` and `operator`".into()));
        }
        if !this.bundled && !this.operator && (this.postgres_exporter || this.kube_state_metrics) {
            return Err(("bundled", "an exporter without a Prometheus is read by nobody; set `bundled` or `operator`".into()));
        }
        if let Some(size) = &this.storage { super::volume(size).map_err(|e| ("storage", e))?; }
        for (name, size) in &this.sizes { size.check().map_err(|e| ("sizes", format!("{name}: {e}")))?; }
        Ok(())
    }
}

choice! {
    /// Where log lines go besides the node's own files.
    LoggingStack {
        /// Nowhere: `kubectl logs` and `mainstay logs` read them.
        Off = "off",
        /// Grafana Loki, collected by Grafana Alloy through the API, without host access.
        Loki = "loki",
        /// Elasticsearch and Kibana, collected by Fluent Bit from the nodes, in a namespace of its own.
        Efk = "efk",
    }
}

mainstay_kernel::section! {
    /// Log collection on a cluster.
    pub struct Logging in "logging" {
        /// `off`, `loki` or `efk`.
        pub stack: LoggingStack = LoggingStack::Off,
        /// How long lines are kept, in hours.
        pub retention_hours: u32 = 168,
        /// Size of the store's volume.
        pub storage: String = "5Gi".into(),
    }
    validate(this) {
        super::volume(&this.storage).map_err(|e| ("storage", e))?;
        if this.retention_hours < 24 { return Err(("retention_hours", "is at least 24".into())); }
        Ok(())
    }
}
