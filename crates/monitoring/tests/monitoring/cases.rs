//! For every alert: series under which it fires, and series so near that it must not.
//!
//! `NS` stands for the namespace; values are in promtool's notation, one a minute.

/// One alert, both ways.
pub(crate) struct Case {
    pub(crate) alert: &'static str,
    pub(crate) severity: &'static str,
    /// Minutes after which it is asked for.
    pub(crate) at: u32,
    pub(crate) fires: &'static [(&'static str, &'static str)],
    pub(crate) quiet: &'static [(&'static str, &'static str)],
    /// Which system; see `facts`.
    pub(crate) system: &'static str,
}

type Series = &'static [(&'static str, &'static str)];

const fn case(alert: &'static str, severity: &'static str, at: u32, fires: Series, quiet: Series) -> Case {
    Case { alert, severity, at, fires, quiet, system: "full" }
}

const COUNT: &str = "http_server_request_duration_seconds_count{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='200'}";
const FAILED: &str = "http_server_request_duration_seconds_count{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='500'}";
const UNREACHED: &str = "http_server_request_duration_seconds_count{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='503'}";
const FAST: &str = "http_server_request_duration_seconds_bucket{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='200', le='2.5'}";
const SLOW: &str = "http_server_request_duration_seconds_bucket{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='200', le='5'}";
const ANY: &str = "http_server_request_duration_seconds_bucket{NS, role='gateway', pod='g', http_route='/rest/v1/{table}', http_response_status_code='200', le='+Inf'}";
const LENT: &str = "mainstay_db_pool_lent{NS, role='api', pod='a', pool='data'}";
const POOL: &str = "mainstay_db_pool_connections{NS, role='api', pod='a', pool='data'}";
const WAIT: &str = "mainstay_db_pool_wait_seconds_bucket{NS, role='api', pod='a', pool='data', le='0.1'}";
const WAIT_LONG: &str = "mainstay_db_pool_wait_seconds_bucket{NS, role='api', pod='a', pool='data', le='0.5'}";
const WAIT_ANY: &str = "mainstay_db_pool_wait_seconds_bucket{NS, role='api', pod='a', pool='data', le='+Inf'}";
const HPA_NOW: &str = "kube_horizontalpodautoscaler_status_current_replicas{NS, horizontalpodautoscaler='api'}";
const HPA_WANTED: &str = "kube_horizontalpodautoscaler_status_desired_replicas{NS, horizontalpodautoscaler='api'}";
const HPA_MIN: &str = "kube_horizontalpodautoscaler_spec_min_replicas{NS, horizontalpodautoscaler='api'}";
const HPA_MAX: &str = "kube_horizontalpodautoscaler_spec_max_replicas{NS, horizontalpodautoscaler='api'}";
const USED: &str = "kube_resourcequota{NS, resourcequota='q', resource='pods', type='used'}";
const HARD: &str = "kube_resourcequota{NS, resourcequota='q', resource='pods', type='hard'}";
const FREE: &str = "kubelet_volume_stats_available_bytes{NS, persistentvolumeclaim='data'}";
const SIZE: &str = "kubelet_volume_stats_capacity_bytes{NS, persistentvolumeclaim='data'}";
const FILLED: &str = "kubelet_volume_stats_used_bytes{NS, persistentvolumeclaim='data'}";
const INODES_FREE: &str = "kubelet_volume_stats_inodes_free{NS, persistentvolumeclaim='data'}";
const INODES: &str = "kubelet_volume_stats_inodes{NS, persistentvolumeclaim='data'}";
const INODES_USED: &str = "kubelet_volume_stats_inodes_used{NS, persistentvolumeclaim='data'}";
const OPEN: &str = "pg_stat_activity_count{NS, instance='e', datname='shop', state='active'}";
const MOST: &str = "pg_settings_max_connections{NS, instance='e'}";
const RESERVED: &str = "pg_settings_superuser_reserved_connections{NS, instance='e'}";
const HIT: &str = "pg_stat_database_blks_hit{NS, instance='e', datname='shop'}";
const READ: &str = "pg_stat_database_blks_read{NS, instance='e', datname='shop'}";
const COMMITS: &str = "pg_stat_database_xact_commit{NS, instance='e', datname='shop'}";
const ROLLBACKS: &str = "pg_stat_database_xact_rollback{NS, instance='e', datname='shop'}";
const DEAD: &str =
    "pg_stat_user_tables_n_dead_tup{NS, instance='e', datname='shop', schemaname='public', relname='orders'}";
const LIVE: &str =
    "pg_stat_user_tables_n_live_tup{NS, instance='e', datname='shop', schemaname='public', relname='orders'}";
const AUTO: &str =
    "pg_stat_user_tables_last_autovacuum{NS, instance='e', datname='shop', schemaname='public', relname='orders'}";
const HAND: &str =
    "pg_stat_user_tables_last_vacuum{NS, instance='e', datname='shop', schemaname='public', relname='orders'}";

#[rustfmt::skip]
pub(crate) const CASES: &[Case] = &[
    case("RoleDown", "critical", 5,
        &[("up{NS, role='gateway', pod='one'}", "0+0x9"), ("up{NS, role='gateway', pod='two'}", "0+0x9")],
        &[("up{NS, role='gateway', pod='one'}", "0+0x9"), ("up{NS, role='gateway', pod='two'}", "1+0x9")]),
    case("RoleDown", "critical", 5,
        &[("up{namespace='another', role='gateway'}", "1+0x9")],
        &[("up{NS, role='gateway'}", "1 0 1 0 1 0 1")]),
    case("RoleDown", "warning", 5,
        &[("up{NS, role='gateway'}", "1+0x9"), ("up{NS, role='mailer'}", "0+0x9")],
        &[("up{NS, role='gateway'}", "1+0x9"), ("up{NS, role='mailer'}", "1+0x9")]),
    case("TargetDown", "warning", 12, &[("up{NS, role='api', pod='b', instance='b'}", "0+0x20")], &[("up{NS, role='api', pod='b', instance='b'}", "0+0x8 1+0x9")]),
    case("MemoryNearLimit", "warning", 15, &[("process_resident_memory_bytes{NS, role='gateway', pod='g'}", "130000000+0x20")], &[("process_resident_memory_bytes{NS, role='gateway', pod='g'}", "110000000+0x20")]),
    case("ConnectionsRefused", "warning", 20, &[("mainstay_edge_refused_connections_total{NS, role='gateway', listener='public'}", "0+10x30")], &[("mainstay_edge_refused_connections_total{NS, role='gateway', listener='public'}", "0+0.5x30")]),
    Case { system: "small", ..case("RoleRestarting", "warning", 20, &[("process_start_time_seconds{NS, role='api', pod='a'}", "1 1 1 5 5 9 9 12+0x20")], &[("process_start_time_seconds{NS, role='api', pod='a'}", "1 1 1 5 5 9 9+0x20")]) },
    case("HighErrorRate", "critical", 70, &[(COUNT, "0+100x90"), (FAILED, "0+10x90")], &[(COUNT, "0+100x90"), (FAILED, "0+1x90")]),
    case("HighErrorRate", "critical", 70, &[(FAILED, "0+1x90")], &[(FAILED, "0+0x60 1 2 3 4 5 5 5 5 5 5 5 5 5 5 5 5")]),
    case("HighErrorRate", "critical", 70, &[(COUNT, "0+100x90"), (FAILED, "0+10x90")], &[(COUNT, "0+100x90"), (FAILED, "0+10x40 400+0x50")]),
    case("HighErrorRate", "warning", 390, &[(COUNT, "0+100x400"), (FAILED, "0+1x400")], &[(COUNT, "0+1000x400"), (FAILED, "0+1x400")]),
    case("HighLatencyP99", "warning", 20, &[(COUNT, "0+60x30"), (FAST, "0+0x30"), (SLOW, "0+60x30"), (ANY, "0+60x30")], &[(COUNT, "0+60x30"), (FAST, "0+60x30"), (SLOW, "0+60x30"), (ANY, "0+60x30")]),
    case("GatewayUpstreamErrors", "warning", 15, &[(COUNT, "0+10x30"), (UNREACHED, "0+10x30")], &[(COUNT, "0+10x30"), (UNREACHED, "0+0.2x30")]),
    case("AuthFailuresSpike", "warning", 20,
        &[("mainstay_auth_logins_total{NS, role='api', result='refused'}", "0+20x30"), ("mainstay_auth_logins_total{NS, role='api', result='ok'}", "0+1x30")],
        &[("mainstay_auth_logins_total{NS, role='api', result='refused'}", "0+20x30"), ("mainstay_auth_logins_total{NS, role='api', result='ok'}", "0+40x30")]),
    case("AuthPasswordQueue", "warning", 10, &[("mainstay_auth_password_queue{NS, role='api', pod='a'}", "30+0x20")], &[("mainstay_auth_password_queue{NS, role='api', pod='a'}", "12+0x20")]),
    case("DataCatalogLoadFailed", "warning", 20, &[("mainstay_data_catalog_loads_total{NS, role='api', result='error'}", "0+1x30")], &[("mainstay_data_catalog_loads_total{NS, role='api', result='error'}", "3+0x30"), ("mainstay_data_catalog_loads_total{NS, role='api', result='ok'}", "0+1x30")]),
    case("DbPoolExhausted", "critical", 15, &[(LENT, "10+0x20"), (POOL, "10+0x20"), (WAIT, "0+0x20"), (WAIT_LONG, "0+60x20"), (WAIT_ANY, "0+60x20")], &[(LENT, "10+0x20"), (POOL, "10+0x20"), (WAIT, "0+60x20"), (WAIT_LONG, "0+60x20"), (WAIT_ANY, "0+60x20")]),
    case("Watchdog", "none", 1, &[], &[]),
    case("InfoInhibitor", "none", 30, &[(USED, "95+0x40"), (HARD, "100+0x40")], &[(USED, "95+0x40"), (HARD, "100+0x40"), ("kube_job_failed{NS, job_name='x', condition='true'}", "1+0x40")]),
    case("KubePodCrashLooping", "warning", 25, &[("kube_pod_container_status_waiting_reason{NS, pod='a', container='c', reason='CrashLoopBackOff'}", "1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1 _ 1")], &[("kube_pod_container_status_waiting_reason{NS, pod='a', container='c', reason='CrashLoopBackOff'}", "1 1 1 1 0+0x30")]),
    case("KubePodNotReady", "warning", 20,
        &[("kube_pod_status_phase{NS, pod='a', phase='Pending'}", "1+0x30"), ("kube_pod_owner{NS, pod='a', owner_kind='ReplicaSet', owner_name='r'}", "1+0x30")],
        &[("kube_pod_status_phase{NS, pod='a', phase='Pending'}", "1+0x30"), ("kube_pod_owner{NS, pod='a', owner_kind='Job', owner_name='j'}", "1+0x30")]),
    case("KubeContainerWaiting", "warning", 70, &[("kube_pod_container_status_waiting_reason{NS, pod='a', container='c', reason='ImagePullBackOff'}", "1+0x80")], &[("kube_pod_container_status_waiting_reason{NS, pod='a', container='c', reason='ImagePullBackOff'}", "1+0x50 0+0x30")]),
    case("KubePdbNotEnoughHealthyPods", "warning", 20,
        &[("kube_poddisruptionbudget_status_desired_healthy{NS, poddisruptionbudget='p'}", "1+0x30"), ("kube_poddisruptionbudget_status_current_healthy{NS, poddisruptionbudget='p'}", "0+0x30")],
        &[("kube_poddisruptionbudget_status_desired_healthy{NS, poddisruptionbudget='p'}", "1+0x30"), ("kube_poddisruptionbudget_status_current_healthy{NS, poddisruptionbudget='p'}", "1+0x30")]),
    case("KubeDeploymentReplicasMismatch", "warning", 30,
        &[("kube_deployment_spec_replicas{NS, deployment='d'}", "2+0x40"), ("kube_deployment_status_replicas_available{NS, deployment='d'}", "1+0x40"), ("kube_deployment_status_replicas_updated{NS, deployment='d'}", "2+0x40")],
        &[("kube_deployment_spec_replicas{NS, deployment='d'}", "20+0x40"), ("kube_deployment_status_replicas_available{NS, deployment='d'}", "1+0x40"), ("kube_deployment_status_replicas_updated{NS, deployment='d'}", "0+0.5x40")]),
    case("KubeDeploymentRolloutStuck", "warning", 20, &[("kube_deployment_status_condition{NS, deployment='d', condition='Progressing', status='false'}", "1+0x30")], &[("kube_deployment_status_condition{NS, deployment='d', condition='Progressing', status='false'}", "0+0x30"), ("kube_deployment_status_condition{NS, deployment='d', condition='Progressing', status='true'}", "1+0x30")]),
    case("KubeStatefulSetReplicasMismatch", "warning", 30,
        &[("kube_statefulset_replicas{NS, statefulset='s'}", "1+0x40"), ("kube_statefulset_status_replicas_ready{NS, statefulset='s'}", "0+0x40"), ("kube_statefulset_status_replicas_updated{NS, statefulset='s'}", "1+0x40")],
        &[("kube_statefulset_replicas{NS, statefulset='s'}", "1+0x40"), ("kube_statefulset_status_replicas_ready{NS, statefulset='s'}", "1+0x40"), ("kube_statefulset_status_replicas_updated{NS, statefulset='s'}", "1+0x40")]),
    case("KubeStatefulSetUpdateNotRolledOut", "warning", 25,
        &[("kube_statefulset_status_current_revision{NS, statefulset='s', revision='a'}", "1+0x40"), ("kube_statefulset_status_update_revision{NS, statefulset='s', revision='b'}", "1+0x40"), ("kube_statefulset_replicas{NS, statefulset='s'}", "1+0x40"), ("kube_statefulset_status_replicas_updated{NS, statefulset='s'}", "0+0x40")],
        &[("kube_statefulset_status_current_revision{NS, statefulset='s', revision='a'}", "1+0x40"), ("kube_statefulset_status_update_revision{NS, statefulset='s', revision='a'}", "1+0x40"), ("kube_statefulset_replicas{NS, statefulset='s'}", "1+0x40"), ("kube_statefulset_status_replicas_updated{NS, statefulset='s'}", "0+0x40")]),
    case("KubeJobNotCompleted", "warning", 780, &[("kube_job_status_start_time{NS, job_name='j'}", "0+0x800"), ("kube_job_status_active{NS, job_name='j'}", "1+0x800")], &[("kube_job_status_start_time{NS, job_name='j'}", "0+0x800"), ("kube_job_status_active{NS, job_name='j'}", "0+0x800")]),
    case("KubeJobFailed", "warning", 20, &[("kube_job_failed{NS, job_name='j', condition='true'}", "1+0x30")], &[("kube_job_failed{NS, job_name='j', condition='false'}", "1+0x30")]),
    case("KubeHpaReplicasMismatch", "warning", 35, &[(HPA_WANTED, "5+0x40"), (HPA_NOW, "3+0x40"), (HPA_MIN, "2+0x40"), (HPA_MAX, "10+0x40")], &[(HPA_WANTED, "3+0x40"), (HPA_NOW, "3+0x40"), (HPA_MIN, "2+0x40"), (HPA_MAX, "10+0x40")]),
    case("KubeHpaMaxedOut", "warning", 20, &[(HPA_NOW, "10+0x40"), (HPA_MIN, "2+0x40"), (HPA_MAX, "10+0x40")], &[(HPA_NOW, "1+0x40"), (HPA_MIN, "1+0x40"), (HPA_MAX, "1+0x40")]),
    case("KubeQuotaAlmostFull", "info", 20, &[(USED, "95+0x40"), (HARD, "100+0x40")], &[(USED, "80+0x40"), (HARD, "100+0x40")]),
    case("KubeQuotaFullyUsed", "info", 20, &[(USED, "100+0x40"), (HARD, "100+0x40")], &[(USED, "99+0x40"), (HARD, "100+0x40")]),
    case("KubeQuotaExceeded", "warning", 20, &[(USED, "110+0x40"), (HARD, "100+0x40")], &[(USED, "100+0x40"), (HARD, "100+0x40")]),
    case("CPUThrottlingHigh", "info", 25,
        &[("container_cpu_cfs_throttled_periods_total{NS, pod='a', container='c'}", "0+50x40"), ("container_cpu_cfs_periods_total{NS, pod='a', container='c'}", "0+100x40")],
        &[("container_cpu_cfs_throttled_periods_total{NS, pod='a', container='c'}", "0+10x40"), ("container_cpu_cfs_periods_total{NS, pod='a', container='c'}", "0+100x40")]),
    case("KubePersistentVolumeFillingUp", "critical", 5, &[(FREE, "2+0x9"), (SIZE, "100+0x9"), (FILLED, "98+0x9")], &[(FREE, "4+0x9"), (SIZE, "100+0x9"), (FILLED, "96+0x9")]),
    case("KubePersistentVolumeFillingUp", "warning", 480, &[(FREE, "14-0.01x500"), (SIZE, "100+0x500"), (FILLED, "86+0x500")], &[(FREE, "10+0x500"), (SIZE, "100+0x500"), (FILLED, "90+0x500")]),
    case("KubePersistentVolumeInodesFillingUp", "critical", 5, &[(INODES_FREE, "2+0x9"), (INODES, "100+0x9"), (INODES_USED, "98+0x9")], &[(INODES_FREE, "4+0x9"), (INODES, "100+0x9"), (INODES_USED, "96+0x9")]),
    case("KubePersistentVolumeInodesFillingUp", "warning", 480, &[(INODES_FREE, "14-0.01x500"), (INODES, "100+0x500"), (INODES_USED, "86+0x500")], &[(INODES_FREE, "10+0x500"), (INODES, "100+0x500"), (INODES_USED, "90+0x500")]),
    case("MigrationJobFailed", "critical", 5, &[("kube_job_failed{NS, job_name='db-init-3f2a', condition='true'}", "1+0x9")], &[("kube_job_failed{NS, job_name='report', condition='true'}", "1+0x9")]),
    case("BackupTooOld", "critical", 1830, &[("kube_cronjob_status_last_successful_time{NS, cronjob='backup'}", "0+0x1900")], &[("kube_cronjob_status_last_successful_time{NS, cronjob='backup'}", "60000+0x1900"), ("kube_cronjob_created{NS, cronjob='backup'}", "0+0x1900")]),
    case("BackupTooOld", "critical", 1830, &[("kube_cronjob_created{NS, cronjob='backup'}", "0+0x1900")], &[("kube_cronjob_created{NS, cronjob='report'}", "0+0x1900")]),
    case("BackupFailed", "warning", 5, &[("kube_job_failed{NS, job_name='backup-29103840', condition='true'}", "1+0x9")], &[("kube_job_failed{NS, job_name='backup-verify-29103840', condition='true'}", "1+0x9")]),
    case("CertificateExpiringSoon", "critical", 70, &[("certmanager_certificate_expiration_timestamp_seconds{NS, name='tls'}", "259200+0x80")], &[("certmanager_certificate_expiration_timestamp_seconds{NS, name='tls'}", "2592000+0x80")]),
    case("CertificateExpiringSoon", "critical", 70, &[("certmanager_certificate_expiration_timestamp_seconds{exported_NS, namespace='cert-manager', name='tls'}", "259200+0x80")], &[("certmanager_certificate_expiration_timestamp_seconds{exported_namespace='another', namespace='cert-manager', name='tls'}", "259200+0x80")]),
    case("PostgreSQLDown", "critical", 3, &[("pg_up{NS, instance='e'}", "0+0x9")], &[("pg_up{NS, instance='e'}", "1+0x9")]),
    case("PostgresHasExporterErrors", "warning", 40, &[("pg_exporter_last_scrape_error{NS, instance='e'}", "1+0x50")], &[("pg_exporter_last_scrape_error{NS, instance='e'}", "1+0x20 0+0x30")]),
    case("PostgreSQLMaxConnectionsReached", "critical", 3, &[(OPEN, "97+0x9"), (MOST, "100+0x9"), (RESERVED, "3+0x9")], &[(OPEN, "96+0x9"), (MOST, "100+0x9"), (RESERVED, "3+0x9")]),
    case("PostgreSQLHighConnections", "warning", 12, &[(OPEN, "80+0x20"), (MOST, "100+0x20"), (RESERVED, "3+0x20")], &[(OPEN, "70+0x20"), (MOST, "100+0x20"), (RESERVED, "3+0x20")]),
    case("PostgreSQLSlowQueries", "warning", 5, &[("pg_stat_activity_max_tx_duration{NS, instance='e', datname='shop', state='active'}", "300+0x9")], &[("pg_stat_activity_max_tx_duration{NS, instance='e', datname='shop', state='idle'}", "300+0x9"), ("pg_stat_activity_max_tx_duration{NS, instance='e', datname='shop', state='active'}", "100+0x9")]),
    case("PostgreSQLCacheHitRatio", "warning", 30, &[(HIT, "0+9000x40"), (READ, "0+9000x40")], &[(HIT, "0+60x40"), (READ, "0+60x40")]),
    case("PostgresHasTooManyRollbacks", "warning", 15, &[(COMMITS, "0+600x20"), (ROLLBACKS, "0+600x20")], &[(COMMITS, "0+600x20"), (ROLLBACKS, "0+6x20")]),
    case("PostgresHasHighDeadLocks", "warning", 15, &[("pg_stat_database_deadlocks{NS, instance='e', datname='shop'}", "0+10x20")], &[("pg_stat_database_deadlocks{NS, instance='e', datname='shop'}", "0+1x20")]),
    case("PostgresAcquiredTooManyLocks", "warning", 10,
        &[("pg_locks_count{NS, instance='e', datname='shop', mode='rowexclusivelock'}", "2000+0x20"), ("pg_settings_max_locks_per_transaction{NS, instance='e'}", "64+0x20"), (MOST, "100+0x20")],
        &[("pg_locks_count{NS, instance='e', datname='shop', mode='rowexclusivelock'}", "200+0x20"), ("pg_settings_max_locks_per_transaction{NS, instance='e'}", "64+0x20"), (MOST, "100+0x20")]),
    case("PostgresTablesNotVaccumed", "warning", 690, &[(DEAD, "5000+0x700"), (LIVE, "1000+0x700"), (AUTO, "0+0x700"), (HAND, "0+0x700")], &[(DEAD, "5000+0x700"), (LIVE, "1000+0x700"), (AUTO, "30000+0x700"), (HAND, "0+0x700")]),
    case("PostgresTooManyCheckpointsRequested", "warning", 20,
        &[("pg_stat_checkpointer_num_requested_total{NS, instance='e'}", "0+10x30"), ("pg_stat_checkpointer_num_timed_total{NS, instance='e'}", "0+1x30")],
        &[("pg_stat_checkpointer_num_requested_total{NS, instance='e'}", "0+1x30"), ("pg_stat_checkpointer_num_timed_total{NS, instance='e'}", "0+10x30")]),
    Case { system: "operator", ..case("PostgresTooManyCheckpointsRequested", "warning", 20,
        &[("pg_stat_bgwriter_checkpoints_req_total{NS, instance='e'}", "0+10x30"), ("pg_stat_bgwriter_checkpoints_timed_total{NS, instance='e'}", "0+1x30")],
        &[("pg_stat_bgwriter_checkpoints_req_total{NS, instance='e'}", "0+1x30"), ("pg_stat_bgwriter_checkpoints_timed_total{NS, instance='e'}", "0+10x30")]) },
    case("PGDatabaseXidAge", "warning", 15, &[("pg_database_wraparound_age_datfrozenxid_seconds{NS, instance='e', datname='shop'}", "400000000+0x20")], &[("pg_database_wraparound_age_datfrozenxid_seconds{NS, instance='e', datname='shop'}", "200000000+0x20")]),
];
