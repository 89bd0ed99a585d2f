//! Pod Security Standards against the namespace's labels.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::podsecurity::{Level, evaluate};
use crate::report::Severity::{Advice, Error, Warning};
use crate::world::World;

pub(crate) const THEME: Theme = Theme {
    name: "Pod security",
    checks: &[
        check(
            "ML601",
            Error,
            "pod that the baseline forbids",
            "It can leave its container; a namespace labelled baseline or restricted refuses it.",
            "Remove the field. An agent that needs it goes into a namespace of its own, labelled privileged.",
        ),
        check(
            "ML602",
            Error,
            "pod that is not restricted",
            "A namespace labelled restricted refuses it.",
            "Set runAsNonRoot, allowPrivilegeEscalation: false, capabilities.drop: [ALL] and seccompProfile RuntimeDefault.",
        ),
        check(
            "ML603",
            Warning,
            "namespace without pod-security labels",
            "Whatever pod is put there is admitted.",
            "Label the Namespace pod-security.kubernetes.io/enforce: restricted.",
        ),
        check(
            "ML604",
            Error,
            "unknown pod-security level",
            "The API server warns and falls back to another level.",
            "Use privileged, baseline or restricted.",
        ),
        check(
            "ML605",
            Advice,
            "pod-security version not pinned",
            "With the next Kubernetes the same pods may be refused.",
            "Add pod-security.kubernetes.io/enforce-version: v1.NN.",
        ),
    ],
    run: &[pods, namespaces],
};

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The level that a namespace's label enforces.
pub(super) fn enforced(world: &World<'_>, namespace: &str) -> Option<Level> {
    match world.namespace_labels(namespace).get(ENFORCE).copied() {
        Some("restricted") => Some(Level::Restricted),
        Some("baseline") => Some(Level::Baseline),
        Some("privileged") => Some(Level::Privileged),
        _ => None,
    }
}

fn pods(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let level = enforced(world, workload.namespace);
        if level == Some(Level::Privileged) {
            continue;
        }
        for violation in evaluate(workload) {
            let (code, severity) = match (violation.level, level) {
                (Level::Restricted, Some(Level::Restricted)) => ("ML602", Error),
                (Level::Restricted, Some(_)) => ("ML602", Advice),
                (Level::Restricted, None) => ("ML602", Warning),
                _ => ("ML601", Error),
            };
            let mut message = violation.message;
            if let Some(first) = message.get(..1) {
                message = format!("{}{}.", first.to_uppercase(), &message[1..]);
            }
            lint.report_as(severity, code, workload.item, violation.path, message);
        }
    }
}

fn namespaces(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Namespace") {
        let item = &world.items[*index];
        let labels = lookup::texts(item.value, "metadata.labels");
        match labels.get(ENFORCE) {
            None => lint.report(
                "ML603",
                *index,
                "metadata.labels",
                format!("Namespace \"{}\" has no {ENFORCE}.", item.name),
            ),
            Some(level) if !matches!(*level, "privileged" | "baseline" | "restricted") => {
                lint.report(
                    "ML604",
                    *index,
                    format!("metadata.labels[{ENFORCE}]"),
                    format!("There is no level \"{level}\"."),
                );
            }
            Some(level) => {
                let version = labels.get("pod-security.kubernetes.io/enforce-version").copied().unwrap_or("latest");
                if version == "latest" && *level != "privileged" {
                    lint.report(
                        "ML605",
                        *index,
                        "metadata.labels",
                        "It enforces the latest version, whatever that is.",
                    );
                }
            }
        }
    }
}
