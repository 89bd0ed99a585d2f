//! Autoscalers and disruption budgets.

use crate::system::{Component, Kind, System};
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase};

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    for component in &system.components {
        all.extend(autoscaler(system, component));
        all.extend(budget(system, component));
    }
    all
}

fn autoscaler(system: &System, component: &Component) -> Option<Object> {
    let scaling = component.scaling.as_ref()?;
    let metric = |name: &str, target: Option<u32>| {
        target.map(|percent| MetricSpec {
            type_: "Resource".to_owned(),
            resource: Some(ResourceMetricSource {
                name: name.to_owned(),
                target: MetricTarget {
                    type_: "Utilization".to_owned(),
                    average_utilization: i32::try_from(percent).ok(),
                    ..MetricTarget::default()
                },
            }),
            ..MetricSpec::default()
        })
    };
    let policy =
        |type_: &str, value, period_seconds| HPAScalingPolicy { type_: type_.to_owned(), value, period_seconds };
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let typed = HorizontalPodAutoscaler {
        metadata: system.meta_of(&scaling.name, component),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: component.name.clone(),
            },
            min_replicas: Some(number(scaling.min)),
            max_replicas: number(scaling.max),
            metrics: Some(
                [metric("cpu", scaling.cpu), metric("memory", scaling.memory)].into_iter().flatten().collect(),
            ),
            behavior: Some(HorizontalPodAutoscalerBehavior {
                scale_up: Some(HPAScalingRules {
                    stabilization_window_seconds: Some(0),
                    select_policy: Some("Max".to_owned()),
                    policies: Some(vec![policy("Percent", 100, 15), policy("Pods", 4, 15)]),
                    ..HPAScalingRules::default()
                }),
                scale_down: Some(HPAScalingRules {
                    stabilization_window_seconds: Some(300),
                    policies: Some(vec![policy("Percent", 50, 60)]),
                    ..HPAScalingRules::default()
                }),
            }),
        }),
        ..HorizontalPodAutoscaler::default()
    };
    Some(Object::new(
        Phase::Scaling,
        format!("{}/hpa.yaml", system.folder(component)),
        format!(
            "{} to {} pods of {}, by load. Up at once, down slowly. Needs the cluster's metrics API (metrics-server).",
            scaling.min, scaling.max, component.name
        ),
        &typed,
    ))
}

/// One pod at a time may be taken by planned events. With a single pod there is nothing to keep up: a budget for it would
/// only stop nodes from being drained.
fn budget(system: &System, component: &Component) -> Option<Object> {
    let least = component.scaling.as_ref().map_or(component.replicas, |s| s.min);
    let wanted = match component.kind {
        Kind::Roles(_) | Kind::Service => least >= 2,
        // a single server: being asked one by one at least keeps it from being counted as healthy while it is not
        Kind::Database => component.controller == crate::system::Controller::StatefulSet,
        _ => false,
    };
    if !wanted {
        return None;
    }
    let typed = PodDisruptionBudget {
        metadata: system.meta_of(&format!("{}-pdb", component.name), component),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            min_available: None,
            selector: Some(system.pod_selector(component)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        }),
        ..PodDisruptionBudget::default()
    };
    Some(Object::new(
        Phase::Scaling,
        format!("{}/pdb.yaml", system.folder(component)),
        format!(
            "Planned events (a node is drained, the cluster is upgraded) take one pod of {} at a time.",
            component.name
        ),
        &typed,
    ))
}
