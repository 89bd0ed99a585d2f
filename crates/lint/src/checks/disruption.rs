//! PodDisruptionBudgets against the number of pods.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Error, Warning};
use crate::selector::Selector;
use serde_json::Value;
use std::collections::HashMap;

pub(crate) const THEME: Theme = Theme {
    name: "Disruption budgets",
    checks: &[
        check(
            "ML401",
            Error,
            "budget with both limits",
            "The API server takes minAvailable or maxUnavailable, not both.",
            "Keep maxUnavailable: 1.",
        ),
        check(
            "ML402",
            Warning,
            "budget that blocks every drain",
            "No node with one of these pods can be drained or upgraded.",
            "Use maxUnavailable: 1, or a minAvailable below the number of replicas.",
        ),
        check(
            "ML403",
            Warning,
            "several replicas without a budget",
            "A drain may stop all of them at once.",
            "Add a PodDisruptionBudget with maxUnavailable: 1.",
        ),
        check(
            "ML404",
            Error,
            "two budgets for one pod",
            "Evictions of pods with two budgets always fail.",
            "Keep one budget per workload.",
        ),
    ],
    run: &[budgets, absent],
};

/// A limit in pods: rounded up, as the disruption controller does.
fn pods(value: &Value, of: i64) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok().filter(|p| (0..=100).contains(p))?;
            of.checked_mul(percent)?.checked_add(99).map(|n| n / 100)
        }
        _ => None,
    }
}

fn budgets(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut budget_of: HashMap<usize, usize> = HashMap::new();
    for index in world.of_kind("PodDisruptionBudget") {
        let item = &world.items[*index];
        let (min, max) = (lookup::at(item.value, "spec.minAvailable"), lookup::at(item.value, "spec.maxUnavailable"));
        if min.is_some() && max.is_some() {
            lint.report("ML401", *index, "spec", "It has minAvailable and maxUnavailable.");
        }
        let Some(selector) = lookup::at(item.value, "spec.selector").map(Selector::of) else { continue };
        let selected = world.pods_matching(item.namespace, &selector);
        let services: Vec<usize> = selected.into_iter().filter(|w| world.workloads[*w].is_service()).collect();
        let total = services.iter().fold(0_i64, |sum, w| sum.saturating_add(world.fewest(*w)));
        for workload in &services {
            if let Some(first) = budget_of.insert(*workload, *index)
                && world.first_of(*index) == *index
            {
                let title = world.workloads[*workload].title();
                let message =
                    format!("PodDisruptionBudget \"{}\" selects the pods of {title} too.", world.items[first].name);
                lint.report("ML404", *index, "spec.selector", message);
            }
        }
        if max.and_then(|max| pods(max, total.max(1))) == Some(0) {
            lint.report("ML402", *index, "spec.maxUnavailable", "It never lets a pod go.");
        }
        if let Some(min) =
            min.and_then(|min| pods(min, total)).filter(|min| !services.is_empty() && *min >= total && *min > 0)
        {
            let message = format!("It keeps {min} pods, and there are only {total}.");
            lint.report("ML402", *index, "spec.minAvailable", message);
        }
    }
}

fn absent(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut covered = std::collections::HashSet::new();
    for index in world.of_kind("PodDisruptionBudget") {
        let item = &world.items[*index];
        if let Some(value) = lookup::at(item.value, "spec.selector") {
            covered.extend(world.pods_matching(item.namespace, &Selector::of(value)));
        }
    }
    for (position, workload) in world.workloads.iter().enumerate() {
        let scaled = matches!(workload.kind, "Deployment" | "StatefulSet");
        if scaled && world.fewest(position) >= 2 && !covered.contains(&position) {
            let message = format!("No PodDisruptionBudget selects the {} pods.", world.fewest(position));
            lint.report("ML403", workload.item, "", message);
        }
    }
}
