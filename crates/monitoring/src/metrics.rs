//! The table of metrics: every name that a rule or panel may use, and who exposes it.
//!
//! A test reads the workspace's sources and holds Mainstay's rows to what the code registers, both ways.

use Kind::{Counter, Gauge, Histogram};
use Source::{CertManager, KubeStateMetrics, Kubelet, Mainstay, PostgresExporter, Prometheus};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution: `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// Who exposes a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Mainstay's processes.
    Mainstay,
    /// postgres_exporter.
    PostgresExporter,
    /// kube-state-metrics.
    KubeStateMetrics,
    /// The kubelet of each node, on `/metrics` and `/metrics/cadvisor`.
    Kubelet,
    /// cert-manager's controller.
    CertManager,
    /// Prometheus itself, about its targets and rules.
    Prometheus,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name; of a histogram without `_bucket`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Labels that its source gives it; `role`, `pod`, `namespace` and the like come from Prometheus.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
    /// Who exposes it.
    pub source: Source,
}

const fn metric(
    source: Source,
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, labels, help, source }
}

/// All metrics.
#[rustfmt::skip] // a table: one row a line
pub const METRICS: &[Metric] = &[
    metric(Mainstay, "http_client_request_duration_seconds", Histogram, &["peer"], "Time until a role behind a URL answered, retries included."),
    metric(Mainstay, "http_server_active_requests", Gauge, &["http_request_method"], "Requests being worked on."),
    metric(Mainstay, "http_server_request_duration_seconds", Histogram, &["http_request_method", "http_route", "http_response_status_code"], "Time until the head of the answer was ready."),
    metric(Mainstay, "mainstay_auth_logins_total", Counter, &["result"], "Sign-ins by result."),
    metric(Mainstay, "mainstay_auth_password_dummy_verifications_total", Counter, &[], "Verifications run only so that an unknown account takes as long as a known one."),
    metric(Mainstay, "mainstay_auth_password_queue", Gauge, &[], "Password hashes running or waiting."),
    metric(Mainstay, "mainstay_auth_refreshes_total", Counter, &["result"], "Token refreshes by result."),
    metric(Mainstay, "mainstay_auth_sign_ups_total", Counter, &[], "Accounts made by sign-up."),
    metric(Mainstay, "mainstay_build_info", Gauge, &["version", "roles"], "Version and roles of this process."),
    metric(Mainstay, "mainstay_data_catalog_loads_total", Counter, &["result"], "Loads of the database catalog"),
    metric(Mainstay, "mainstay_data_catalog_tables", Gauge, &[], "Tables and views in the catalog"),
    metric(Mainstay, "mainstay_data_server_errors_total", Counter, &[], "Data API answers with a status from 500"),
    metric(Mainstay, "mainstay_data_stage_seconds", Histogram, &["stage"], "Time in a stage of data API requests"),
    metric(Mainstay, "mainstay_db_pool_connections", Gauge, &["pool"], "Most connections of the pool."),
    metric(Mainstay, "mainstay_db_pool_idle", Gauge, &["pool"], "Open connections that wait to be lent."),
    metric(Mainstay, "mainstay_db_pool_lent", Gauge, &["pool"], "Connections lent now."),
    metric(Mainstay, "mainstay_db_pool_wait_seconds", Histogram, &["pool"], "Time callers waited for a connection."),
    metric(Mainstay, "mainstay_edge_connections", Gauge, &["listener"], "Open connections."),
    metric(Mainstay, "mainstay_edge_refused_connections_total", Counter, &["listener"], "Connections refused because a cap was reached."),
    metric(Mainstay, "process_cpu_seconds_total", Counter, &[], "User and system CPU time spent in seconds."),
    metric(Mainstay, "process_open_fds", Gauge, &[], "Number of open file descriptors."),
    metric(Mainstay, "process_resident_memory_bytes", Gauge, &[], "Resident memory size in bytes."),
    metric(Mainstay, "process_start_time_seconds", Gauge, &[], "Start time since the Unix epoch in seconds."),
    metric(PostgresExporter, "pg_database_size_bytes", Gauge, &["datname"], "Disk space used by the database."),
    metric(PostgresExporter, "pg_database_wraparound_age_datfrozenxid_seconds", Gauge, &["datname"], "Age of the oldest unfrozen transaction id, in transactions whatever the name says."),
    metric(PostgresExporter, "pg_exporter_last_scrape_error", Gauge, &[], "1 when the last scrape had an error."),
    metric(PostgresExporter, "pg_locks_count", Gauge, &["datname", "mode"], "Number of locks."),
    metric(PostgresExporter, "pg_settings_max_connections", Gauge, &[], "max_connections."),
    metric(PostgresExporter, "pg_settings_max_locks_per_transaction", Gauge, &[], "max_locks_per_transaction."),
    metric(PostgresExporter, "pg_settings_superuser_reserved_connections", Gauge, &[], "superuser_reserved_connections."),
    metric(PostgresExporter, "pg_stat_activity_count", Gauge, &["datname", "state"], "Connections in this state."),
    metric(PostgresExporter, "pg_stat_activity_max_tx_duration", Gauge, &["datname", "state"], "Longest time that an open transaction has been running, in seconds."),
    metric(PostgresExporter, "pg_stat_bgwriter_checkpoints_req_total", Counter, &[], "Requested checkpoints (up to PostgreSQL 16)."),
    metric(PostgresExporter, "pg_stat_bgwriter_checkpoints_timed_total", Counter, &[], "Scheduled checkpoints (up to PostgreSQL 16)."),
    metric(PostgresExporter, "pg_stat_checkpointer_num_requested_total", Counter, &[], "Requested checkpoints (from PostgreSQL 17)."),
    metric(PostgresExporter, "pg_stat_checkpointer_num_timed_total", Counter, &[], "Scheduled checkpoints (from PostgreSQL 17)."),
    metric(PostgresExporter, "pg_stat_database_blks_hit", Counter, &["datid", "datname"], "Disk blocks found in the buffer cache."),
    metric(PostgresExporter, "pg_stat_database_blks_read", Counter, &["datid", "datname"], "Disk blocks read."),
    metric(PostgresExporter, "pg_stat_database_deadlocks", Counter, &["datid", "datname"], "Deadlocks."),
    metric(PostgresExporter, "pg_stat_database_temp_bytes", Counter, &["datid", "datname"], "Bytes written to temporary files."),
    metric(PostgresExporter, "pg_stat_database_tup_deleted", Counter, &["datid", "datname"], "Rows deleted."),
    metric(PostgresExporter, "pg_stat_database_tup_fetched", Counter, &["datid", "datname"], "Rows fetched."),
    metric(PostgresExporter, "pg_stat_database_tup_inserted", Counter, &["datid", "datname"], "Rows inserted."),
    metric(PostgresExporter, "pg_stat_database_tup_updated", Counter, &["datid", "datname"], "Rows updated."),
    metric(PostgresExporter, "pg_stat_database_xact_commit", Counter, &["datid", "datname"], "Transactions committed."),
    metric(PostgresExporter, "pg_stat_database_xact_rollback", Counter, &["datid", "datname"], "Transactions rolled back."),
    metric(PostgresExporter, "pg_stat_user_tables_last_autovacuum", Gauge, &["datname", "schemaname", "relname"], "Last time the table was vacuumed by the daemon; 0 for never."),
    metric(PostgresExporter, "pg_stat_user_tables_last_vacuum", Gauge, &["datname", "schemaname", "relname"], "Last time the table was vacuumed by hand; 0 for never."),
    metric(PostgresExporter, "pg_stat_user_tables_n_dead_tup", Gauge, &["datname", "schemaname", "relname"], "Estimated dead rows."),
    metric(PostgresExporter, "pg_stat_user_tables_n_live_tup", Gauge, &["datname", "schemaname", "relname"], "Estimated live rows."),
    metric(PostgresExporter, "pg_up", Gauge, &[], "1 when the exporter reached the server."),
    metric(KubeStateMetrics, "kube_cronjob_created", Gauge, &["cronjob"], "When the CronJob was made."),
    metric(KubeStateMetrics, "kube_cronjob_status_last_successful_time", Gauge, &["cronjob"], "When a Job of the CronJob last succeeded."),
    metric(KubeStateMetrics, "kube_deployment_spec_replicas", Gauge, &["deployment"], "Wanted pods."),
    metric(KubeStateMetrics, "kube_deployment_status_condition", Gauge, &["deployment", "condition", "status", "reason"], "Conditions of the Deployment."),
    metric(KubeStateMetrics, "kube_deployment_status_replicas_available", Gauge, &["deployment"], "Available pods."),
    metric(KubeStateMetrics, "kube_deployment_status_replicas_updated", Gauge, &["deployment"], "Pods of the newest template."),
    metric(KubeStateMetrics, "kube_horizontalpodautoscaler_spec_max_replicas", Gauge, &["horizontalpodautoscaler"], "Most pods."),
    metric(KubeStateMetrics, "kube_horizontalpodautoscaler_spec_min_replicas", Gauge, &["horizontalpodautoscaler"], "Fewest pods."),
    metric(KubeStateMetrics, "kube_horizontalpodautoscaler_status_current_replicas", Gauge, &["horizontalpodautoscaler"], "Pods now."),
    metric(KubeStateMetrics, "kube_horizontalpodautoscaler_status_desired_replicas", Gauge, &["horizontalpodautoscaler"], "Pods that the autoscaler wants."),
    metric(KubeStateMetrics, "kube_job_failed", Gauge, &["job_name", "condition"], "Whether the Job has failed."),
    metric(KubeStateMetrics, "kube_job_status_active", Gauge, &["job_name"], "Running pods of the Job."),
    metric(KubeStateMetrics, "kube_job_status_start_time", Gauge, &["job_name"], "When the Job began."),
    metric(KubeStateMetrics, "kube_pod_container_resource_limits", Gauge, &["pod", "container", "resource", "unit"], "Limits of a container."),
    metric(KubeStateMetrics, "kube_pod_container_resource_requests", Gauge, &["pod", "container", "resource", "unit"], "Requests of a container."),
    metric(KubeStateMetrics, "kube_pod_container_status_last_terminated_reason", Gauge, &["pod", "container", "reason"], "Why a container last ended."),
    metric(KubeStateMetrics, "kube_pod_container_status_restarts_total", Counter, &["pod", "container"], "Restarts of a container."),
    metric(KubeStateMetrics, "kube_pod_container_status_waiting_reason", Gauge, &["pod", "container", "reason"], "Why a container waits."),
    metric(KubeStateMetrics, "kube_pod_info", Gauge, &["pod", "node"], "Facts about a pod."),
    metric(KubeStateMetrics, "kube_pod_owner", Gauge, &["pod", "owner_kind", "owner_name"], "What made a pod."),
    metric(KubeStateMetrics, "kube_pod_status_phase", Gauge, &["pod", "phase"], "Phase of a pod."),
    metric(KubeStateMetrics, "kube_pod_status_ready", Gauge, &["pod", "condition"], "Whether a pod is ready."),
    metric(KubeStateMetrics, "kube_poddisruptionbudget_status_current_healthy", Gauge, &["poddisruptionbudget"], "Healthy pods."),
    metric(KubeStateMetrics, "kube_poddisruptionbudget_status_desired_healthy", Gauge, &["poddisruptionbudget"], "Healthy pods that must stay."),
    metric(KubeStateMetrics, "kube_resourcequota", Gauge, &["resourcequota", "resource", "type"], "Quota: hard and used."),
    metric(KubeStateMetrics, "kube_statefulset_replicas", Gauge, &["statefulset"], "Wanted pods."),
    metric(KubeStateMetrics, "kube_statefulset_status_current_revision", Gauge, &["statefulset", "revision"], "Revision that the pods had."),
    metric(KubeStateMetrics, "kube_statefulset_status_replicas_ready", Gauge, &["statefulset"], "Ready pods."),
    metric(KubeStateMetrics, "kube_statefulset_status_replicas_updated", Gauge, &["statefulset"], "Pods of the newest template."),
    metric(KubeStateMetrics, "kube_statefulset_status_update_revision", Gauge, &["statefulset", "revision"], "Revision that the pods shall have."),
    metric(Kubelet, "container_cpu_cfs_periods_total", Counter, &["pod", "container"], "Scheduling periods."),
    metric(Kubelet, "container_cpu_cfs_throttled_periods_total", Counter, &["pod", "container"], "Scheduling periods in which the container was held back."),
    metric(Kubelet, "container_cpu_usage_seconds_total", Counter, &["pod", "container", "image"], "CPU time of a container."),
    metric(Kubelet, "container_memory_working_set_bytes", Gauge, &["pod", "container", "image"], "Memory that cannot be taken back from a container."),
    metric(Kubelet, "container_network_receive_bytes_total", Counter, &["pod", "interface"], "Bytes received by a pod."),
    metric(Kubelet, "container_network_transmit_bytes_total", Counter, &["pod", "interface"], "Bytes sent by a pod."),
    metric(Kubelet, "kubelet_volume_stats_available_bytes", Gauge, &["persistentvolumeclaim"], "Free bytes of a volume."),
    metric(Kubelet, "kubelet_volume_stats_capacity_bytes", Gauge, &["persistentvolumeclaim"], "Size of a volume."),
    metric(Kubelet, "kubelet_volume_stats_inodes", Gauge, &["persistentvolumeclaim"], "Inodes of a volume."),
    metric(Kubelet, "kubelet_volume_stats_inodes_free", Gauge, &["persistentvolumeclaim"], "Free inodes of a volume."),
    metric(Kubelet, "kubelet_volume_stats_inodes_used", Gauge, &["persistentvolumeclaim"], "Used inodes of a volume."),
    metric(Kubelet, "kubelet_volume_stats_used_bytes", Gauge, &["persistentvolumeclaim"], "Used bytes of a volume."),
    metric(CertManager, "certmanager_certificate_expiration_timestamp_seconds", Gauge, &["name"], "When a certificate ends."),
    metric(Prometheus, "ALERTS", Gauge, &["alertname", "alertstate", "severity"], "Alerts that are pending or firing."),
    metric(Prometheus, "up", Gauge, &["job", "instance"], "1 when the last scrape of a target succeeded."),
];

/// The row of a series name: `_bucket`, `_sum` and `_count` find their histogram.
#[must_use]
pub fn find(series: &str) -> Option<&'static Metric> {
    let exact = METRICS.iter().find(|metric| metric.name == series && metric.kind != Histogram);
    exact.or_else(|| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix))?;
        METRICS.iter().find(|metric| metric.name == base && metric.kind == Histogram)
    })
}
