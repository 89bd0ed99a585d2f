//! Capacity: how much is left of what there is.

use super::panel::{Panel, bars, heading, lines, number};
use crate::facts::Facts;

pub(super) fn panels(facts: &Facts) -> Vec<Panel> {
    let mut panels = processes(facts);
    if facts.kube_state_metrics {
        panels.extend(quota(facts));
        if facts.components.iter().any(|component| component.autoscaled) {
            panels.extend(autoscalers());
        }
    }
    if facts.cadvisor {
        panels.extend(nodes());
    }
    if let Some(backup) = facts.backup.as_ref().filter(|_| facts.kube_state_metrics) {
        let cron = &backup.cron_job;
        let (old, older) = (f64::from(backup.max_age_hours) * 3600.0 * 0.9, f64::from(backup.max_age_hours) * 3600.0);
        panels.push(heading("Backups"));
        panels.push(
            number("Age of the newest backup", "s")
                .about("Since a backup Job last succeeded.")
                .query(
                    &format!("time() - max(kube_cronjob_status_last_successful_time{{@ns, cronjob=\"{cron}\"}})"),
                    "age",
                )
                .warns_at(old, older),
        );
    }
    panels
}

fn processes(facts: &Facts) -> Vec<Panel> {
    let mut panels = vec![
        heading("Processes"),
        lines("CPU by role", "short")
            .about("Cores.")
            .query("sum by (role) (rate(process_cpu_seconds_total{@ns}[$__rate_interval]))", "{{role}}")
            .stacked(),
        lines("Memory by role", "bytes")
            .about("Resident memory.")
            .query("sum by (role) (process_resident_memory_bytes{@ns})", "{{role}}")
            .stacked(),
        lines("Connections refused", "short").about("In five minutes, because a cap was reached.").query(
            "sum by (role, listener) (increase(mainstay_edge_refused_connections_total{@ns}[5m]))",
            "{{role}} {{listener}}",
        ),
    ];
    if facts.has_pool() {
        panels.push(
            lines("Pools in use", "percentunit")
                .about("Connections lent of those that a pool may open.")
                .query(
                    "sum by (role, pool) (mainstay_db_pool_lent{@ns}) / sum by (role, pool) \
                    (mainstay_db_pool_connections{@ns})",
                    "{{role}} {{pool}}",
                )
                .warns_at(0.8, 0.95)
                .up_to(1.0),
        );
    }
    if facts.exporter().is_some() {
        panels.push(
            lines("Server connections", "percentunit")
                .about("Open connections of those that PostgreSQL allows.")
                .query("sum(pg_stat_activity_count{@ns}) / max(pg_settings_max_connections{@ns})", "used")
                .warns_at(0.8, 0.95)
                .up_to(1.0),
        );
    }
    panels
}

fn quota(facts: &Facts) -> Vec<Panel> {
    let mut panels = vec![
        heading("Namespace"),
        bars("Quota used", "percentunit")
            .about("Of each resource. At one, more pods are refused.")
            .query(
                "kube_resourcequota{@ns, type=\"used\"} / ignoring (type) (kube_resourcequota{@ns, type=\"hard\"} > 0)",
                "{{resource}}",
            )
            .warns_at(0.8, 0.95)
            .up_to(1.0),
    ];
    for (resource, unit, metric) in [
        ("cpu", "short", "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m"),
        ("memory", "bytes", "node_namespace_pod_container:container_memory_working_set_bytes"),
    ] {
        let title = if resource == "cpu" { "CPU: used, requested, limit" } else { "Memory: used, requested, limit" };
        let mut panel = lines(title, unit)
            .about("Of the whole namespace.")
            .query(&format!("namespace_{resource}:kube_pod_container_resource_requests:sum{{@ns}}"), "requested")
            .query(&format!("namespace_{resource}:kube_pod_container_resource_limits:sum{{@ns}}"), "limit");
        if facts.cadvisor {
            panel = panel.query(&format!("sum({metric}{{@ns}})"), "used");
        }
        panels.push(panel);
    }
    panels
}

fn autoscalers() -> Vec<Panel> {
    let hpa = "kube_horizontalpodautoscaler";
    vec![
        heading("Autoscalers"),
        lines("Pods", "short")
            .about("What there is and what is wanted.")
            .query(&format!("{hpa}_status_current_replicas{{@ns}}"), "{{horizontalpodautoscaler}} now")
            .query(&format!("{hpa}_status_desired_replicas{{@ns}}"), "{{horizontalpodautoscaler}} wanted"),
        bars("Pods of the most allowed", "percentunit")
            .about("At one, load can grow and pods cannot.")
            .query(
                &format!("{hpa}_status_current_replicas{{@ns}} / {hpa}_spec_max_replicas{{@ns}}"),
                "{{horizontalpodautoscaler}}",
            )
            .warns_at(0.8, 1.0)
            .up_to(1.0),
    ]
}

fn nodes() -> Vec<Panel> {
    vec![
        heading("Volumes and network"),
        bars("Volumes: space used", "percentunit")
            .about("By claim.")
            .query(
                "max by (persistentvolumeclaim) (kubelet_volume_stats_used_bytes{@ns} / \
                kubelet_volume_stats_capacity_bytes{@ns})",
                "{{persistentvolumeclaim}}",
            )
            .warns_at(0.8, 0.9)
            .up_to(1.0),
        lines("Volumes: space left", "bytes").about("By claim.").query(
            "min by (persistentvolumeclaim) \
                (kubelet_volume_stats_available_bytes{@ns})",
            "{{persistentvolumeclaim}}",
        ),
        lines("Network in", "Bps")
            .about("By pod.")
            .query("sum by (pod) (rate(container_network_receive_bytes_total{@ns}[$__rate_interval]))", "{{pod}}"),
        lines("Network out", "Bps")
            .about("By pod.")
            .query("sum by (pod) (rate(container_network_transmit_bytes_total{@ns}[$__rate_interval]))", "{{pod}}"),
    ]
}
