//! Probes.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Warning};
use crate::workload::{Container, Role};
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Probes",
    checks: &[
        check(
            "ML421",
            Warning,
            "server without readiness probe",
            "Requests reach pods that are still starting or already stopping.",
            "Add a readinessProbe that asks whether requests can be answered.",
        ),
        check(
            "ML422",
            Advice,
            "server without liveness probe",
            "A program that hangs is never restarted.",
            "Add a livenessProbe that asks the process only, never its database.",
        ),
        check(
            "ML423",
            Warning,
            "liveness that equals readiness",
            "When a dependency fails, all pods are restarted instead of waiting.",
            "Give liveness an address of its own that asks the process only.",
        ),
        check(
            "ML424",
            Advice,
            "probe through a shell",
            "Each probe starts processes, and a shell in the image helps an intruder.",
            "Use httpGet, tcpSocket or grpc, or call the program directly.",
        ),
        check(
            "ML425",
            Advice,
            "initial delay instead of a startup probe",
            "A fixed delay is too long on good days and too short on bad ones.",
            "Add a startupProbe and drop initialDelaySeconds.",
        ),
        check(
            "ML426",
            Warning,
            "liveness before the start can end",
            "The container is restarted while it is starting.",
            "Add a startupProbe with failureThreshold times periodSeconds as long as the start may take.",
        ),
    ],
    run: &[present, details],
};

/// Containers that answer requests: a Service selects the pod, and the container has ports.
fn present(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        if !workload.is_service() || world.services_of(position).is_empty() {
            continue;
        }
        for container in workload.main().filter(|container| !lookup::list(container.value, "ports").is_empty()) {
            for (field, code) in [("readinessProbe", "ML421"), ("livenessProbe", "ML422")] {
                if lookup::at(container.value, field).is_none() {
                    let message = format!("Container \"{}\" has no {field}.", container.name);
                    lint.report(code, workload.item, format!("{}.{field}", container.path), message);
                }
            }
        }
    }
}

fn details(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for container in workload.containers.iter().filter(|container| container.role != Role::Ephemeral) {
            let readiness = lookup::at(container.value, "readinessProbe").and_then(address);
            let liveness = lookup::at(container.value, "livenessProbe").and_then(address);
            if readiness.is_some() && readiness == liveness && !workload.is_database() {
                let message = format!("Both probes of container \"{}\" ask the same.", container.name);
                lint.report("ML423", workload.item, format!("{}.livenessProbe", container.path), message);
            }
            for field in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let program = lookup::words(container.value, &format!("{field}.exec.command"));
                if program.first().is_some_and(|first| is_shell(first)) && !workload.is_database() {
                    let message = format!("The {field} of container \"{}\" starts a shell.", container.name);
                    lint.report("ML424", workload.item, format!("{}.{field}.exec", container.path), message);
                }
            }
            delays(lint, workload.item, container);
        }
    }
}

fn delays(lint: &mut Lint<'_>, item: usize, container: &Container<'_>) {
    if lookup::at(container.value, "startupProbe").is_some() {
        return;
    }
    let Some(liveness) = lookup::at(container.value, "livenessProbe") else { return };
    let delay = lookup::number(liveness, "initialDelaySeconds").unwrap_or(0);
    let path = format!("{}.livenessProbe", container.path);
    if delay > 0 {
        let message = format!("Container \"{}\" waits {delay} s before the first livenessProbe.", container.name);
        lint.report("ML425", item, format!("{path}.initialDelaySeconds"), message);
    }
    let period = lookup::number(liveness, "periodSeconds").unwrap_or(10);
    let failures = lookup::number(liveness, "failureThreshold").unwrap_or(3);
    let patience = delay.saturating_add(period.saturating_mul(failures));
    if patience < 10 {
        let message =
            format!("Container \"{}\" is restarted when it has not started after {patience} s.", container.name);
        lint.report("ML426", item, path, message);
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh"))
}

/// What a probe asks, without its timing.
fn address(probe: &Value) -> Option<(&'static str, &Value)> {
    ["httpGet", "tcpSocket", "grpc", "exec"]
        .iter()
        .find_map(|handler| lookup::at(probe, handler).map(|value| (*handler, value)))
}
