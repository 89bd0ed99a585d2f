//! Selectors against the labels of pods, and against each other.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Error, Warning};
use std::collections::BTreeSet;

pub(crate) const THEME: Theme = Theme {
    name: "Selectors",
    checks: &[
        check(
            "ML201",
            Error,
            "selector that its own pods do not have",
            "The API server refuses the workload.",
            "Make spec.selector a part of the template's labels.",
        ),
        check(
            "ML202",
            Warning,
            "version in a selector",
            "Selectors cannot be changed: the next version cannot be applied.",
            "Select by name and instance only.",
        ),
        check(
            "ML203",
            Error,
            "two workloads that select the same pods",
            "Each takes the other's pods for its own, and scales and deletes them.",
            "Give every workload a label value of its own in its selector.",
        ),
        check(
            "ML204",
            Warning,
            "Service in front of two workloads",
            "Requests go to either of them by chance.",
            "Select one workload, unless they are two versions of the same program.",
        ),
        check(
            "ML205",
            Error,
            "workload without a selector",
            "The API server refuses it.",
            "Add spec.selector.matchLabels with labels of the template.",
        ),
    ],
    run: &[own_labels, overlaps, services],
};

fn own_labels(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        if workload.kind == "ReplicationController" || !workload.is_service() {
            continue;
        }
        let Some(selector) = workload.selector().filter(|selector| !selector.is_empty()) else {
            lint.report("ML205", workload.item, "spec.selector", "It has no selector.");
            continue;
        };
        if !selector.matches(&workload.labels) {
            let message = format!("The pods do not have the labels {selector}.");
            lint.report("ML201", workload.item, "spec.selector", message);
        }
        for key in selector.keys() {
            if matches!(key, "version" | "app.kubernetes.io/version" | "helm.sh/chart") {
                lint.report("ML202", workload.item, "spec.selector", format!("The selector asks for \"{key}\"."));
            }
        }
    }
}

fn overlaps(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        if workload.kind == "Pod" || world.first_of(workload.item) != workload.item {
            continue;
        }
        let Some(selector) = workload.selector().filter(|selector| !selector.is_empty()) else { continue };
        let others: BTreeSet<String> = world
            .pods_matching(workload.namespace, &selector)
            .into_iter()
            .filter(|other| *other != position)
            .map(|other| &world.workloads[other])
            .filter(|other| other.selector().is_some() && world.first_of(other.item) == other.item)
            .map(crate::workload::Workload::title)
            .take(3)
            .collect();
        if !others.is_empty() {
            let names = others.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("The selector {selector} also matches the pods of {names}.");
            lint.report("ML203", workload.item, "spec.selector", message);
        }
    }
}

fn services(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Service") {
        // copies of one document are reported as such
        let names: BTreeSet<String> =
            world.selected_by_service(*index).into_iter().map(|w| world.workloads[w].title()).collect();
        if names.len() > 1 {
            let names = names.into_iter().take(4).collect::<Vec<_>>().join(", ");
            lint.report("ML204", *index, "spec.selector", format!("It selects the pods of {names}."));
        }
    }
    for index in world.of_kind("Service") {
        let value = world.items[*index].value;
        if lookup::texts(value, "spec.selector").contains_key("app.kubernetes.io/version") {
            lint.report("ML202", *index, "spec.selector", "The selector asks for \"app.kubernetes.io/version\".");
        }
    }
}
