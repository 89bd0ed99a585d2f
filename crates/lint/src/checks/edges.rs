//! What programs are told to call, against what the network policies let them.

use super::check;
use crate::check::{Lint, Theme};
use crate::endpoint::{self, Endpoint};
use crate::lookup;
use crate::network::{Direction, Network};
use crate::report::Severity::{Error, Warning};
use crate::workload::Workload;
use crate::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

pub(crate) const THEME: Theme = Theme {
    name: "Calls between workloads",
    checks: &[
        check(
            "ML311",
            Error,
            "call that the client's policies forbid",
            "The connection times out.",
            "Add an egress rule for the pods and the pods' port (not the Service's) to a policy of the client.",
        ),
        check(
            "ML312",
            Error,
            "call that the server's policies forbid",
            "The connection times out.",
            "Add an ingress rule from the client's pods to a policy of the server.",
        ),
        check(
            "ML313",
            Error,
            "call that cannot be resolved",
            "With egress denied and no rule for DNS, no name is found.",
            "Allow UDP and TCP 53 to kube-system.",
        ),
        check(
            "ML314",
            Error,
            "call of a port that the Service does not have",
            "The connection is refused or times out.",
            "Use a port of the Service, or add it there.",
        ),
        check(
            "ML315",
            Warning,
            "call of a Service that is not there",
            "The name is not found.",
            "Correct the name, or add the Service.",
        ),
    ],
    run: &[calls],
};

/// An endpoint and where it is written.
#[derive(Clone)]
struct Call {
    endpoint: Endpoint,
    path: String,
}

fn calls(lint: &mut Lint<'_>) {
    let world = lint.world;
    let network = lint.network();
    let mut texts = HashMap::new();
    for (client, workload) in world.workloads.iter().enumerate() {
        let mut needs_names = None;
        for call in of_workload(world, workload, &mut texts) {
            let Some((name, namespace)) = endpoint::service_name(&call.endpoint.host, workload.namespace) else {
                continue;
            };
            let Some(service) = world.find("Service", namespace, name) else {
                if call.endpoint.certain && is_missing(world, namespace, name) {
                    let host = &call.endpoint.host;
                    let message = format!("{} is told to call {host}, and there is no such Service.", workload.title());
                    lint.report("ML315", workload.item, call.path, message);
                }
                continue;
            };
            let Some(ports) = pod_ports(world, service, &call.endpoint) else {
                if call.endpoint.certain {
                    let port = call.endpoint.port.unwrap_or_default();
                    let message = format!(
                        "{} is told to call {}, but Service \"{name}\" has no port {port}.",
                        workload.title(),
                        call.endpoint.host
                    );
                    lint.report("ML314", workload.item, call.path, message);
                }
                continue;
            };
            for (server, port, protocol) in ports.into_iter().filter(|(server, _, _)| *server != client) {
                needs_names.get_or_insert_with(|| call.clone());
                judge(lint, &network, (client, server), (port, protocol), &call);
            }
        }
        if let Some(call) = needs_names.filter(|_| !network.allows_dns(client)) {
            let message = format!(
                "{} calls {} by name, but its policies do not allow DNS.",
                workload.title(),
                call.endpoint.host
            );
            lint.report("ML313", workload.item, call.path, message);
        }
    }
}

/// Whether a name that no Service in the files has is a mistake: the files hold the namespace's other Services, no operator
/// makes more of them, and it is not the name of a pod or of the pod itself.
fn is_missing(world: &World<'_>, namespace: &str, name: &str) -> bool {
    let is_pod = name.rsplit_once('-').is_some_and(|(set, number)| {
        number.bytes().all(|b| b.is_ascii_digit()) && world.find("StatefulSet", namespace, set).is_some()
    });
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    is_name
        && !is_pod
        && name != "localhost"
        && !world.is_operated(namespace)
        && !world.of_kind_in("Service", namespace).is_empty()
}

fn judge(
    lint: &mut Lint<'_>,
    network: &Network<'_>,
    (client, server): (usize, usize),
    (port, protocol): (i64, &str),
    call: &Call,
) {
    let (from, to) = (&lint.world.workloads[client], &lint.world.workloads[server]);
    for (direction, code, end) in [(Direction::Egress, "ML311", from), (Direction::Ingress, "ML312", to)] {
        if !network.allows(direction, client, server, port, protocol) {
            let message = format!(
                "{} is told to call {}, but no policy of {} allows {} port {port} of {}.",
                from.title(),
                call.endpoint.host,
                end.title(),
                if direction == Direction::Egress { "calls to" } else { "it to call" },
                to.title()
            );
            lint.report(code, from.item, call.path.clone(), message);
        }
    }
}

/// The pods behind an endpoint with the port that each listens on; `None` when the Service has no such port.
fn pod_ports<'a>(world: &World<'a>, service: usize, endpoint: &Endpoint) -> Option<Vec<(usize, i64, &'a str)>> {
    let value = world.items[service].value;
    let servers = world.selected_by_service(service);
    let ports = lookup::list(value, "spec.ports");
    if lookup::text(value, "spec.type") == Some("ExternalName") {
        return Some(Vec::new());
    }
    let number = match endpoint.port {
        Some(number) => number,
        None if ports.len() == 1 => lookup::number(&ports[0], "port")?,
        None => return Some(Vec::new()),
    };
    let headless = lookup::text(value, "spec.clusterIP") == Some("None");
    let entry = ports.iter().find(|port| lookup::number(port, "port") == Some(number));
    if entry.is_none() && !headless && !servers.is_empty() {
        return None;
    }
    let protocol = entry.and_then(|entry| lookup::text(entry, "protocol")).unwrap_or("TCP");
    let target = entry.filter(|_| !headless).and_then(|entry| lookup::at(entry, "targetPort"));
    let of =
        |server: usize| target.map_or(Some(number), |target| world.workloads[server].port_number(target, protocol));
    Some(servers.into_iter().filter_map(|server| Some((server, of(server)?, protocol))).collect())
}

/// Everything that a workload's programs are told to call.
fn of_workload<'a>(world: &World<'a>, workload: &Workload<'a>, cache: &mut HashMap<usize, Vec<Call>>) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut maps = Vec::new();
    for container in &workload.containers {
        let mut pairs = BTreeMap::new();
        for (index, entry) in lookup::list(container.value, "env").iter().enumerate() {
            if let Some(value) = lookup::text(entry, "value") {
                let path = format!("{}.env[{index}].value", container.path);
                push(&mut calls, value, &path);
                pairs.insert(lookup::word(entry, "name"), (value, path));
            }
            maps.extend(lookup::text(entry, "valueFrom.configMapKeyRef.name"));
        }
        calls.extend(hosts(&pairs));
        for field in ["command", "args"] {
            for (index, word) in lookup::words(container.value, field).into_iter().enumerate() {
                push(&mut calls, word, &format!("{}.{field}[{index}]", container.path));
            }
        }
        maps.extend(
            lookup::list(container.value, "envFrom").iter().filter_map(|e| lookup::text(e, "configMapRef.name")),
        );
    }
    for volume in lookup::list(workload.spec, "volumes") {
        maps.extend(lookup::text(volume, "configMap.name"));
        maps.extend(lookup::list(volume, "projected.sources").iter().filter_map(|s| lookup::text(s, "configMap.name")));
    }
    maps.sort_unstable();
    maps.dedup();
    for name in maps {
        if let Some(item) = world.find("ConfigMap", workload.namespace, name) {
            calls.extend(
                cache.entry(item).or_insert_with(|| of_config_map(world.items[item].value, name)).iter().cloned(),
            );
        }
    }
    calls
}

fn of_config_map(value: &Value, name: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut pairs = BTreeMap::new();
    for (key, value) in lookup::entries(value, "data") {
        let Some(text) = value.as_str() else { continue };
        let path = format!("ConfigMap {name}: data[{key}]");
        // dashboards and rules show addresses, they do not call them
        if !key.ends_with(".json") && !key.ends_with(".rules") && !key.ends_with(".sql") && !key.ends_with(".md") {
            push(&mut calls, text, &path);
        }
        pairs.insert(key, (text, path));
    }
    calls.extend(hosts(&pairs));
    calls
}

fn push(calls: &mut Vec<Call>, text: &str, path: &str) {
    calls.extend(endpoint::in_text(text).into_iter().map(|endpoint| Call { endpoint, path: path.to_owned() }));
}

/// `DB_HOST` with `DB_PORT`, `PGHOST` with `PGPORT`.
fn hosts(pairs: &BTreeMap<&str, (&str, String)>) -> Vec<Call> {
    let mut calls = Vec::new();
    for (key, (host, path)) in pairs {
        let Some(stem) = key.strip_suffix("HOST") else { continue };
        let named = stem.is_empty() || stem.ends_with('_') || stem == "PG";
        if named && endpoint::is_host(host) {
            let port = pairs.get(format!("{stem}PORT").as_str()).and_then(|(port, _)| port.parse().ok());
            let endpoint = Endpoint { host: (*host).to_owned(), port, certain: true };
            calls.push(Call { endpoint, path: path.clone() });
        }
    }
    calls
}
