//! Ports of containers, Services and probes.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use crate::workload::Workload;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

pub(crate) const THEME: Theme = Theme {
    name: "Ports",
    checks: &[
        check(
            "ML211",
            Error,
            "target port that the pods do not have",
            "Connections to the Service are refused.",
            "Make targetPort a port, or the name of a port, that the container declares.",
        ),
        check(
            "ML212",
            Error,
            "probe of a port that does not exist",
            "The probe always fails, and the container never gets ready or is restarted for ever.",
            "Use the name of a port that the container declares.",
        ),
        check(
            "ML213",
            Error,
            "port declared twice",
            "The API server refuses or silently drops one of them.",
            "Give each port its own name and number.",
        ),
        check(
            "ML214",
            Error,
            "bad port name or number",
            "The API server refuses it.",
            "Port names have up to 15 lower-case letters, digits and dashes, with a letter among them; ports are 1 to 65535.",
        ),
        check(
            "ML215",
            Warning,
            "port below 1024 without root",
            "A program without root and capabilities cannot listen there on every node.",
            "Listen on a port from 1024 on; the Service may still offer 80.",
        ),
        check(
            "ML216",
            Error,
            "node port out of range",
            "The API server takes node ports from 30000 to 32767 only.",
            "Choose one in the range, or leave it out.",
        ),
        check(
            "ML217",
            Error,
            "node port taken twice",
            "The second Service is refused.",
            "Choose another node port, or leave it out.",
        ),
        check(
            "ML218",
            Error,
            "unnamed ports",
            "A Service with several ports needs a name for each.",
            "Name the ports.",
        ),
    ],
    run: &[targets, probes, containers, services, node_ports],
};

fn targets(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Service") {
        let item = &world.items[*index];
        let selected = world.selected_by_service(*index);
        for (p, port) in lookup::list(item.value, "spec.ports").iter().enumerate() {
            let protocol = lookup::text(port, "protocol").unwrap_or("TCP");
            let Some(target) = lookup::at(port, "targetPort").or_else(|| lookup::at(port, "port")) else { continue };
            for workload in selected.iter().map(|w| &world.workloads[*w]) {
                let path = format!("spec.ports[{p}].targetPort");
                match target {
                    Value::String(name) if workload.port_number(target, protocol).is_none() => {
                        let message = format!("{} has no {protocol} port named \"{name}\".", workload.title());
                        lint.report("ML211", *index, path, message);
                    }
                    Value::Number(number)
                        if !workload.ports().any(|(_, n, p)| Some(n) == number.as_i64() && p == protocol) =>
                    {
                        // undeclared ports work; declared ones without this number say that it is a slip
                        let severity = if workload.ports().next().is_some() { Error } else { Advice };
                        let message = format!("{} declares no {protocol} port {number}.", workload.title());
                        lint.report_as(severity, "ML211", *index, path, message);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn probes(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for container in &workload.containers {
            let declared: HashSet<&str> =
                lookup::list(container.value, "ports").iter().map(|port| lookup::word(port, "name")).collect();
            for place in ["startupProbe", "readinessProbe", "livenessProbe", "lifecycle.postStart", "lifecycle.preStop"]
            {
                for handler in ["httpGet", "tcpSocket"] {
                    let at = format!("{place}.{handler}.port");
                    let Some(name) = lookup::text(container.value, &at) else { continue };
                    if !declared.contains(name) {
                        let message = format!("Container \"{}\" has no port named \"{name}\".", container.name);
                        lint.report("ML212", workload.item, format!("{}.{at}", container.path), message);
                    }
                }
            }
        }
    }
}

/// IANA service name: what the API server takes for a container's port name.
fn is_port_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && name.bytes().any(|b| b.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn containers(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let mut names = HashSet::new();
        let mut numbers = HashSet::new();
        for container in workload.running() {
            for (p, port) in lookup::list(container.value, "ports").iter().enumerate() {
                let path = format!("{}.ports[{p}]", container.path);
                let protocol = lookup::text(port, "protocol").unwrap_or("TCP");
                if let Some(name) = lookup::text(port, "name") {
                    if !is_port_name(name) {
                        lint.report(
                            "ML214",
                            workload.item,
                            format!("{path}.name"),
                            format!("\"{name}\" is not a port name."),
                        );
                    }
                    if !names.insert(name) {
                        let message = format!("The pod has two ports named \"{name}\".");
                        lint.report("ML213", workload.item, format!("{path}.name"), message);
                    }
                }
                let Some(number) = lookup::number(port, "containerPort") else { continue };
                if !(1..=65535).contains(&number) {
                    lint.report(
                        "ML214",
                        workload.item,
                        format!("{path}.containerPort"),
                        format!("{number} is not a port."),
                    );
                } else if !numbers.insert((number, protocol)) {
                    let message = format!("The pod declares {protocol} port {number} twice.");
                    lint.report("ML213", workload.item, format!("{path}.containerPort"), message);
                }
                if (1..1024).contains(&number) && is_bound_to_high_ports(workload, container) {
                    let message = format!("Container \"{}\" listens on {number} and is not root.", container.name);
                    lint.report("ML215", workload.item, format!("{path}.containerPort"), message);
                }
            }
        }
    }
}

fn is_bound_to_high_ports(workload: &Workload<'_>, container: &crate::workload::Container<'_>) -> bool {
    let non_root = workload.security(container, "runAsNonRoot").and_then(Value::as_bool) == Some(true)
        || workload.security(container, "runAsUser").and_then(Value::as_i64).is_some_and(|uid| uid > 0);
    let added = lookup::words(container.value, "securityContext.capabilities.add");
    let sysctls = lookup::list(workload.spec, "securityContext.sysctls");
    non_root
        && !added.contains(&"NET_BIND_SERVICE")
        && !sysctls.iter().any(|s| lookup::word(s, "name") == "net.ipv4.ip_unprivileged_port_start")
}

fn services(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Service") {
        let ports = lookup::list(world.items[*index].value, "spec.ports");
        let mut names = HashSet::new();
        let mut numbers = HashSet::new();
        for (p, port) in ports.iter().enumerate() {
            let name = lookup::word(port, "name");
            let path = format!("spec.ports[{p}]");
            if name.is_empty() && ports.len() > 1 {
                lint.report("ML218", *index, format!("{path}.name"), "It has no name.");
            } else if !name.is_empty() && !names.insert(name) {
                lint.report("ML213", *index, format!("{path}.name"), format!("There are two ports named \"{name}\"."));
            }
            let Some(number) = lookup::number(port, "port") else { continue };
            if !(1..=65535).contains(&number) {
                lint.report("ML214", *index, format!("{path}.port"), format!("{number} is not a port."));
            } else if !numbers.insert((number, lookup::text(port, "protocol").unwrap_or("TCP"))) {
                lint.report("ML213", *index, format!("{path}.port"), format!("Port {number} is there twice."));
            }
        }
    }
}

fn node_ports(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut taken: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for index in world.of_kind("Service") {
        let item = &world.items[*index];
        for (p, port) in lookup::list(item.value, "spec.ports").iter().enumerate() {
            let Some(number) = lookup::number(port, "nodePort").filter(|number| *number != 0) else { continue };
            let path = format!("spec.ports[{p}].nodePort");
            if !(30000..=32767).contains(&number) {
                lint.report("ML216", *index, path.clone(), format!("{number} is out of the range."));
            }
            let protocol = lookup::text(port, "protocol").unwrap_or("TCP");
            if let Some(first) = taken.insert((number, protocol), *index)
                && world.first_of(*index) == *index
            {
                let message = format!("Service \"{}\" has node port {number} too.", world.items[first].name);
                lint.report("ML217", *index, path, message);
            }
        }
    }
}
