//! CPU Usage and Memory Usage. The processes' own metrics are always there; the containers' need the nodes.

use super::panel::{COLUMNS, Panel, bars, heading, lines, number};
use crate::facts::Facts;

/// Containers of the chosen roles.
const CONTAINERS: &str = "@ns, pod=~\"($role)-.*\"";

pub(super) fn cpu(facts: &Facts) -> Vec<Panel> {
    let rate = "rate(process_cpu_seconds_total{@ns, @role}[$__rate_interval])";
    let mut panels = vec![
        heading("Processes"),
        number("CPU now", "short")
            .about("Cores that the chosen processes use together.")
            .query(&format!("sum({rate})"), "cores")
            .neutral(),
        number("Busiest process", "short")
            .about("Cores of the process that uses most.")
            .query(&format!("max({rate})"), "cores")
            .neutral(),
        number("CPU per request", "s")
            .about("CPU time of the gateway's process for each request it answered.")
            .query(
                "sum(rate(process_cpu_seconds_total{@ns, role=~\"$role\"}[5m]) and on (pod)
                   http_server_active_requests{@ns, http_request_method=\"GET\"})
                 / (sum(rate(http_server_request_duration_seconds_count{@ns, @role}[5m])) > 0)",
                "CPU",
            )
            .neutral(),
        number("Processes", "short")
            .about("How many the numbers are of.")
            .query("count(process_cpu_seconds_total{@ns, @role})", "processes")
            .neutral(),
        lines("CPU Usage by role", "short")
            .about("Cores, all pods of a role together.")
            .query(&format!("sum by (role) ({rate})"), "{{role}}")
            .stacked(),
        lines("CPU Usage by pod", "short").about("Cores.").query(&format!("sum by (pod) ({rate})"), "{{pod}}"),
    ];
    if facts.cadvisor {
        panels.extend(container_cpu(facts));
    }
    panels
}

fn container_cpu(facts: &Facts) -> Vec<Panel> {
    let used = if facts.kube_state_metrics {
        format!(
            "sum by (pod, container) \
                (node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m{{{CONTAINERS}}})"
        )
    } else {
        format!("sum by (pod, container) (rate(container_cpu_usage_seconds_total{{{CONTAINERS}, image!=\"\"}}[5m]))")
    };
    let mut panels = vec![
        heading("Containers"),
        lines("CPU Usage by container", "short")
            .about(
                "Cores, of every container: the database and helpers \
            too.",
            )
            .query(&used, "{{pod}} {{container}}"),
        lines("Held back by the limit", "percentunit")
            .about("Share of time slices in which a container had to wait because of its CPU limit.")
            .query(
                &format!(
                    "sum by (pod, container) (increase(container_cpu_cfs_throttled_periods_total{{{CONTAINERS}, \
                        container!=\"\"}}[5m]))
                     / sum by (pod, container) (increase(container_cpu_cfs_periods_total{{{CONTAINERS}, \
                         container!=\"\"}}[5m]))"
                ),
                "{{pod}} {{container}}",
            )
            .warns_at(0.25, 0.5),
    ];
    if facts.kube_state_metrics {
        panels.extend(against(&used, "cpu"));
    }
    panels
}

pub(super) fn memory(facts: &Facts) -> Vec<Panel> {
    let resident = "process_resident_memory_bytes{@ns, @role}";
    let mut panels = vec![
        heading("Processes"),
        number("Memory now", "bytes")
            .about("Resident memory of the chosen processes together.")
            .query(&format!("sum({resident})"), "resident")
            .neutral(),
        number("Largest process", "bytes")
            .about("Resident memory of the largest process.")
            .query(&format!("max({resident})"), "resident")
            .neutral(),
        number("Growth in 6 hours", "bytes")
            .about("How much more than six hours ago; a process that only ever grows has a leak.")
            .query(&format!("clamp_min(sum({resident}) - sum({resident} offset 6h), 0)"), "more")
            .neutral(),
        number("Open files", "short")
            .about("Files and connections that the chosen processes hold open.")
            .query("sum(process_open_fds{@ns, @role})", "open")
            .neutral(),
        lines("Memory Usage by role", "bytes")
            .about("Resident memory, all pods of a role together.")
            .query(&format!("sum by (role) ({resident})"), "{{role}}")
            .stacked(),
        lines("Memory Usage by pod", "bytes")
            .about("Resident memory.")
            .query(&format!("max by (pod) ({resident})"), "{{pod}}"),
    ];
    for component in facts.mainstay() {
        if let Some(limit) = component.memory_limit {
            let name = &component.name;
            panels.push(
                lines(&format!("{name}: share of its limit"), "percentunit")
                    .about("At the limit the process is killed.")
                    .query(
                        &format!("max by (pod) (process_resident_memory_bytes{{@ns, role=\"{name}\"}}) / {limit}"),
                        "{{pod}}",
                    )
                    .warns_at(0.8, 0.9)
                    .up_to(1.0),
            );
        }
    }
    if facts.cadvisor {
        let used = if facts.kube_state_metrics {
            format!(
                "sum by (pod, container) \
                    (node_namespace_pod_container:container_memory_working_set_bytes{{{CONTAINERS}}})"
            )
        } else {
            format!("sum by (pod, container) (container_memory_working_set_bytes{{{CONTAINERS}, image!=\"\"}})")
        };
        panels.push(heading("Containers"));
        panels.push(
            lines("Memory Usage by container", "bytes")
                .about("Working set: what the kernel cannot take back, and what the limit is measured by.")
                .query(&used, "{{pod}} {{container}}")
                .wide(COLUMNS),
        );
        if facts.kube_state_metrics {
            panels.extend(against(&used, "memory"));
        }
    }
    panels
}

/// Usage against what the containers asked for and may use.
fn against(used: &str, resource: &str) -> Vec<Panel> {
    let bound = |bound: &str| {
        format!(
            "{used} / sum by (pod, container) (kube_pod_container_resource_{bound}{{{CONTAINERS}, \
                resource=\"{resource}\"}})"
        )
    };
    vec![
        bars("Used of what was requested", "percentunit")
            .about("Far below one: the request could be smaller. Above one: the node may be too full to give it.")
            .query(&bound("requests"), "{{pod}} {{container}}")
            .warns_at(1.0, 2.0),
        bars("Used of the limit", "percentunit")
            .about("At one the container is held back, or killed when it is memory.")
            .query(&bound("limits"), "{{pod}} {{container}}")
            .warns_at(0.8, 0.9)
            .up_to(1.0),
    ]
}
