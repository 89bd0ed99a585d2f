//! Status Pods.

use super::panel::{Panel, bars, heading, lines, number};
use crate::facts::Facts;

pub(super) fn panels(facts: &Facts) -> Vec<Panel> {
    let mut panels = vec![
        heading("Processes"),
        number("Answering", "short")
            .about("Pods that answered Prometheus' last scrape.")
            .query("sum(up{@ns, @role})", "answering")
            .neutral(),
        number("Not answering", "short")
            .about("Pods that Prometheus knows and cannot read.")
            .query("count(up{@ns, @role} == 0) or vector(0)", "not answering")
            .warns_at(1.0, 2.0),
        number("Restarted in the last hour", "short")
            .about("Processes that started within an hour: restarts, rollouts, new replicas.")
            .query("count(time() - process_start_time_seconds{@ns, @role} < 3600) or vector(0)", "started")
            .warns_at(3.0, 10.0),
        number("Versions running", "short")
            .about("More than one only while an update rolls out.")
            .query("count(count by (version) (mainstay_build_info{@ns, @role}))", "versions")
            .warns_at(2.0, 3.0),
        lines("Pods answering by role", "short")
            .about("Falls to zero when a role is gone: then RoleDown fires.")
            .query("sum by (role) (up{@ns, @role})", "{{role}}"),
        lines("Age of processes", "s")
            .about("A saw's teeth are restarts.")
            .query("time() - process_start_time_seconds{@ns, @role}", "{{pod}}"),
    ];
    if facts.kube_state_metrics {
        panels.extend(cluster_view());
    }
    panels
}

fn cluster_view() -> Vec<Panel> {
    vec![
        heading("As the cluster sees them"),
        lines("Pods by phase", "short")
            .about("Pending for long: no room, no volume or no image.")
            .query("sum by (phase) (kube_pod_status_phase{@ns, pod=~\"($role)-.*\"})", "{{phase}}")
            .stacked(),
        lines("Ready pods", "percentunit")
            .about("Share of running pods that may be given requests.")
            .query(
                "sum(kube_pod_status_ready{@ns, pod=~\"($role)-.*\", condition=\"true\"})
                 / sum(kube_pod_status_phase{@ns, pod=~\"($role)-.*\", phase=~\"Running|Pending|Unknown\"})",
                "ready",
            )
            .up_to(1.0),
        bars("Restarts in the last hour", "short")
            .about("By container.")
            .query(
                "sum by (pod, container) (increase(kube_pod_container_status_restarts_total{@ns, \
                    pod=~\"($role)-.*\"}[1h])) > 0",
                "{{pod}} {{container}}",
            )
            .warns_at(1.0, 5.0),
        lines("Why containers wait", "short")
            .about("CrashLoopBackOff, ImagePullBackOff, CreateContainerConfigError …")
            .query(
                "sum by (reason) (kube_pod_container_status_waiting_reason{@ns, \
                pod=~\"($role)-.*\"})",
                "{{reason}}",
            ),
        lines("Why containers last ended", "short").about("OOMKilled: the memory limit was reached.").query(
            "sum by (reason) (kube_pod_container_status_last_terminated_reason{@ns, pod=~\"($role)-.*\"})",
            "{{reason}}",
        ),
        lines("Deployments: wanted and available", "short")
            .about("The two lines of a Deployment part during a rollout and meet after it.")
            .query("kube_deployment_spec_replicas{@ns, deployment=~\"$role\"}", "{{deployment}} wanted")
            .query("kube_deployment_status_replicas_available{@ns, deployment=~\"$role\"}", "{{deployment}} available"),
    ]
}
