//! Whether what points at workloads and Services hits one.

use super::{check, missing};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use crate::selector::Selector;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "What points at workloads and Services",
    checks: &[
        check(
            "ML111",
            Error,
            "autoscaler of nothing",
            "It scales nothing and reports FailedGetScale.",
            "Correct spec.scaleTargetRef.",
        ),
        check(
            "ML112",
            Error,
            "disruption budget of nothing",
            "It protects no pod.",
            "Make spec.selector the workload's own selector.",
        ),
        check(
            "ML113",
            Error,
            "Service that selects nothing",
            "It has no endpoints; every call fails.",
            "Make spec.selector match the labels of the pod template.",
        ),
        check(
            "ML114",
            Error,
            "route to a Service that does not exist",
            "Requests end with 503 or 500.",
            "Correct the name or add the Service.",
        ),
        check(
            "ML115",
            Error,
            "route to a port that does not exist",
            "Requests end with 503 or 500.",
            "Name a port of the Service: its number or its name, not the container's.",
        ),
        check(
            "ML116",
            Error,
            "StatefulSet without its Service",
            "Its pods get no DNS names.",
            "Add a headless Service of the name in spec.serviceName.",
        ),
        check(
            "ML117",
            Warning,
            "NetworkPolicy that selects nothing",
            "It protects nothing; the label is probably mistyped.",
            "Make spec.podSelector match the labels of a pod template.",
        ),
        check(
            "ML118",
            Error,
            "monitor of nothing",
            "Prometheus scrapes nothing, and no alert says so.",
            "Make spec.selector match the labels of a Service (ServiceMonitor) or pod (PodMonitor).",
        ),
        check(
            "ML119",
            Error,
            "monitor of a port that does not exist",
            "Prometheus scrapes nothing, and no alert says so.",
            "Use the name of a port of the Service.",
        ),
    ],
    run: &[scalers, budgets, services, ingresses, routes, sets, policies, service_monitors, pod_monitors],
};

fn scalers(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("HorizontalPodAutoscaler") {
        let item = &world.items[*index];
        let kind = lookup::word(item.value, "spec.scaleTargetRef.kind");
        let name = lookup::word(item.value, "spec.scaleTargetRef.name");
        let scalable = matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController");
        if scalable && world.find(kind, item.namespace, name).is_none() {
            missing(lint, "ML111", *index, "spec.scaleTargetRef.name", kind, item.namespace, name);
        } else if matches!(kind, "DaemonSet" | "Job" | "CronJob" | "Pod" | "") {
            lint.report("ML111", *index, "spec.scaleTargetRef.kind", format!("A {kind} cannot be scaled."));
        }
    }
}

/// A selector that hits nothing: nothing to say when the namespace's pods are not in the files at all.
fn hits_nothing(lint: &Lint<'_>, namespace: &str, selector: &Selector<'_>) -> bool {
    !lint.world.workloads_in(namespace).is_empty() && lint.world.pods_matching(namespace, selector).is_empty()
}

/// An error, unless an operator's pods may be meant.
fn report_miss(lint: &mut Lint<'_>, code: &'static str, index: usize, path: &str, message: String) {
    let operated = lint.world.is_operated(lint.world.items[index].namespace);
    if operated {
        lint.report_as(Advice, code, index, path, message);
    } else {
        lint.report(code, index, path, message);
    }
}

fn budgets(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("PodDisruptionBudget") {
        let item = &world.items[*index];
        let Some(value) = lookup::at(item.value, "spec.selector") else {
            lint.report("ML112", *index, "spec.selector", "It has no selector.");
            continue;
        };
        let selector = Selector::of(value);
        if hits_nothing(lint, item.namespace, &selector) {
            report_miss(lint, "ML112", *index, "spec.selector", format!("No pod has the labels {selector}."));
        }
    }
}

fn services(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Service") {
        let item = &world.items[*index];
        let selector = Selector::of_labels(lookup::texts(item.value, "spec.selector"));
        let external = lookup::text(item.value, "spec.type") == Some("ExternalName");
        if !selector.is_empty() && !external && hits_nothing(lint, item.namespace, &selector) {
            report_miss(lint, "ML113", *index, "spec.selector", format!("No pod has the labels {selector}."));
        }
    }
}

/// Ports of a Service: name and number.
fn has_port(service: &Value, wanted: &Value) -> bool {
    lookup::list(service, "spec.ports").iter().any(|port| match wanted {
        Value::String(name) => lookup::word(port, "name") == name,
        number => number.is_i64() && lookup::number(port, "port") == number.as_i64(),
    })
}

fn to_service(lint: &mut Lint<'_>, index: usize, path: &str, namespace: &str, name: &str, port: Option<&Value>) {
    let world = lint.world;
    let Some(service) = world.find("Service", namespace, name) else {
        missing(lint, "ML114", index, path, "Service", namespace, name);
        return;
    };
    if let Some(port) = port
        && !has_port(world.items[service].value, port)
    {
        lint.report("ML115", index, path, format!("Service \"{name}\" has no port {}.", lookup::brief(port)));
    }
}

fn ingresses(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Ingress") {
        let item = &world.items[*index];
        let mut backends = Vec::new();
        if let Some(backend) = lookup::at(item.value, "spec.defaultBackend") {
            backends.push((backend, "spec.defaultBackend".to_owned()));
        }
        for (r, rule) in lookup::list(item.value, "spec.rules").iter().enumerate() {
            for (p, path) in lookup::list(rule, "http.paths").iter().enumerate() {
                if let Some(backend) = lookup::at(path, "backend") {
                    backends.push((backend, format!("spec.rules[{r}].http.paths[{p}].backend")));
                }
            }
        }
        for (backend, path) in backends {
            if let Some(name) = lookup::text(backend, "service.name") {
                let port =
                    lookup::at(backend, "service.port.number").or_else(|| lookup::at(backend, "service.port.name"));
                to_service(lint, *index, &format!("{path}.service"), item.namespace, name, port);
            }
        }
    }
}

fn routes(lint: &mut Lint<'_>) {
    let world = lint.world;
    for kind in ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"] {
        for index in world.of_kind(kind) {
            let item = &world.items[*index];
            for (r, rule) in lookup::list(item.value, "spec.rules").iter().enumerate() {
                for (b, backend) in lookup::list(rule, "backendRefs").iter().enumerate() {
                    let is_service = lookup::text(backend, "kind").unwrap_or("Service") == "Service"
                        && lookup::text(backend, "group").unwrap_or("").is_empty();
                    if let Some(name) = lookup::text(backend, "name").filter(|_| is_service) {
                        let namespace = lookup::text(backend, "namespace").unwrap_or(item.namespace);
                        let path = format!("spec.rules[{r}].backendRefs[{b}]");
                        to_service(lint, *index, &path, namespace, name, lookup::at(backend, "port"));
                    }
                }
            }
        }
    }
}

fn sets(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("StatefulSet") {
        let item = &world.items[*index];
        let name = lookup::word(item.value, "spec.serviceName");
        if name.is_empty() {
            lint.report_as(Warning, "ML116", *index, "spec.serviceName", "It names no Service.");
        } else if let Some(service) = world.find("Service", item.namespace, name) {
            if lookup::text(world.items[service].value, "spec.clusterIP") != Some("None") {
                let message = format!("Service \"{name}\" is not headless (clusterIP: None).");
                lint.report_as(Warning, "ML116", *index, "spec.serviceName", message);
            }
        } else {
            missing(lint, "ML116", *index, "spec.serviceName", "Service", item.namespace, name);
        }
    }
}

fn policies(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("NetworkPolicy") {
        let item = &world.items[*index];
        let Some(value) = lookup::at(item.value, "spec.podSelector") else { continue };
        let selector = Selector::of(value);
        if !selector.is_empty() && hits_nothing(lint, item.namespace, &selector) {
            // cert-manager answers ACME challenges from pods of its own
            let solver = selector.keys().iter().any(|key| key.starts_with("acme.cert-manager.io/"));
            if !solver {
                report_miss(lint, "ML117", *index, "spec.podSelector", format!("No pod has the labels {selector}."));
            }
        }
    }
}

/// The namespaces that a monitor looks into; `None` for all.
fn monitored<'a>(item: &'a crate::world::Item<'_>) -> Option<Vec<&'a str>> {
    if lookup::is_true(item.value, "spec.namespaceSelector.any") {
        return None;
    }
    let names = lookup::words(item.value, "spec.namespaceSelector.matchNames");
    Some(if names.is_empty() { vec![item.namespace] } else { names })
}

fn service_monitors(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("ServiceMonitor") {
        let item = &world.items[*index];
        let selector = lookup::at(item.value, "spec.selector").map(Selector::of).unwrap_or_default();
        let matching: Vec<&Value> = match monitored(item) {
            None => {
                let labels = |service: &usize| lookup::texts(world.items[*service].value, "metadata.labels");
                world.of_kind("Service").iter().copied().filter(|service| selector.matches(&labels(service))).collect()
            }
            Some(names) => names.iter().flat_map(|name| world.services_matching(name, &selector)).collect::<Vec<_>>(),
        }
        .into_iter()
        .map(|service| world.items[service].value)
        .collect();
        let visible =
            monitored(item).is_none_or(|names| names.iter().any(|n| !world.of_kind_in("Service", n).is_empty()));
        if matching.is_empty() {
            let message = format!("No Service has the labels {selector}.");
            if !visible {
                lint.report_as(Advice, "ML118", *index, "spec.selector", message);
            } else {
                lint.report("ML118", *index, "spec.selector", message);
            }
            continue;
        }
        for (e, endpoint) in lookup::list(item.value, "spec.endpoints").iter().enumerate() {
            let Some(port) = lookup::text(endpoint, "port") else { continue };
            let named =
                |service: &&Value| lookup::list(service, "spec.ports").iter().any(|p| lookup::word(p, "name") == port);
            if !matching.iter().any(named) {
                let message = format!("No selected Service has a port named \"{port}\".");
                lint.report("ML119", *index, format!("spec.endpoints[{e}].port"), message);
            }
        }
    }
}

fn pod_monitors(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("PodMonitor") {
        let item = &world.items[*index];
        let selector = lookup::at(item.value, "spec.selector").map(Selector::of).unwrap_or_default();
        let Some(names) = monitored(item) else { continue };
        let matching: Vec<usize> = names.iter().flat_map(|name| world.pods_matching(name, &selector)).collect();
        if matching.is_empty() {
            if names.iter().any(|name| !world.workloads_in(name).is_empty()) {
                report_miss(lint, "ML118", *index, "spec.selector", format!("No pod has the labels {selector}."));
            }
            continue;
        }
        for (e, endpoint) in lookup::list(item.value, "spec.podMetricsEndpoints").iter().enumerate() {
            let Some(port) = lookup::text(endpoint, "port") else { continue };
            if !matching.iter().any(|w| world.workloads[*w].ports().any(|(name, _, _)| name == port)) {
                let path = format!("spec.podMetricsEndpoints[{e}].port");
                lint.report("ML119", *index, path, format!("No selected pod has a port named \"{port}\"."));
            }
        }
    }
}
