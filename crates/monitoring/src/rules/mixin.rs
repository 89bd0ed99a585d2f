//! Recordings under kubernetes-mixin's names, for this namespace only; without its label for many clusters.

use super::{Group, group, record};
use crate::facts::Facts;

pub(super) fn recordings(facts: &Facts) -> Vec<Group> {
    let mut rules = Vec::new();
    if facts.cadvisor && facts.kube_state_metrics {
        // an aggregation by pod alone, because a pod that moves has two rows of kube_pod_info for a while
        let node = "* on (namespace, pod) group_left (node)
            topk by (namespace, pod) (1, max by (namespace, pod, node) (kube_pod_info{@ns, node!=\"\"}))";
        rules.push(record(
            "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m",
            &format!(
                "sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{{@ns, \
                    image!=\"\"}}[5m])) {node}"
            ),
        ));
        rules.push(record(
            "node_namespace_pod_container:container_memory_working_set_bytes",
            &format!(
                "sum by (namespace, pod, container) (container_memory_working_set_bytes{{@ns, image!=\"\"}}) {node}"
            ),
        ));
    }
    if facts.kube_state_metrics {
        for resource in ["cpu", "memory"] {
            for bound in ["requests", "limits"] {
                rules.push(record(
                    &format!("namespace_{resource}:kube_pod_container_resource_{bound}:sum"),
                    &format!(
                        "sum by (namespace) (sum by (namespace, pod)
                           (max by (namespace, pod, container) (kube_pod_container_resource_{bound}{{@ns, \
                               resource=\"{resource}\"}}))
                         * on (namespace, pod) group_left ()
                           max by (namespace, pod) (kube_pod_status_phase{{@ns, phase=~\"Pending|Running\"}} == 1))"
                    ),
                ));
            }
        }
    }
    vec![group("mainstay.kubernetes-recordings", rules)]
}
