//! What can be reached from outside.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const THEME: Theme = Theme {
    name: "Exposure",
    checks: &[
        check(
            "ML701",
            Warning,
            "Ingress without TLS",
            "Passwords and sessions cross the network in the clear.",
            "Add spec.tls with the hosts and a Secret.",
        ),
        check(
            "ML702",
            Warning,
            "rule without a host",
            "It answers for every name that points at the cluster.",
            "Name the host.",
        ),
        check(
            "ML703",
            Error,
            "snippet in an annotation",
            "It puts configuration, and with it code, into the shared controller; most controllers refuse it.",
            "Do it in the program behind the Ingress.",
        ),
        check(
            "ML704",
            Advice,
            "rewrite of every path to /",
            "Everything below the prefix becomes the root page, styles and scripts too.",
            "Drop the rewrite, or capture the rest of the path.",
        ),
        check(
            "ML705",
            Warning,
            "second way in",
            "Beside the entry another workload can be reached from outside.",
            "Make its Service ClusterIP and route through the entry.",
        ),
        check(
            "ML706",
            Advice,
            "load balancer for everybody",
            "Anybody on the network may connect.",
            "Set spec.loadBalancerSourceRanges, if it is not meant for the internet.",
        ),
        check("ML707", Advice, "wildcard host", "It answers for names that nobody thought of.", "Name the hosts."),
        check(
            "ML708",
            Error,
            "database reachable from outside",
            "Everybody who reaches a node can try passwords.",
            "Make the Service ClusterIP; use kubectl port-forward for maintenance.",
        ),
        check(
            "ML709",
            Warning,
            "host without a certificate",
            "Browsers warn: no TLS entry lists this host.",
            "Add the host to spec.tls[].hosts.",
        ),
        check(
            "ML710",
            Advice,
            "annotation instead of ingressClassName",
            "kubernetes.io/ingress.class is deprecated since 1.18.",
            "Use spec.ingressClassName.",
        ),
        check("ML711", Warning, "path routed twice", "One of the two never gets a request.", "Remove one of them."),
    ],
    run: &[tls, hosts, annotations, services, paths],
};

fn rules(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    lookup::list(value, "spec.rules").iter().enumerate()
}

fn tls(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Ingress") {
        let value = world.items[*index].value;
        let entries = lookup::list(value, "spec.tls");
        if entries.is_empty() {
            lint.report("ML701", *index, "spec.tls", "It serves plain HTTP.");
            continue;
        }
        let covered: Vec<&str> = entries.iter().flat_map(|entry| lookup::words(entry, "hosts")).collect();
        for (r, rule) in rules(value) {
            let host = lookup::word(rule, "host");
            let known = covered.is_empty() || covered.iter().any(|name| super::certificates::covers(name, host));
            if !host.is_empty() && !known {
                lint.report(
                    "ML709",
                    *index,
                    format!("spec.rules[{r}].host"),
                    format!("No entry of spec.tls lists \"{host}\"."),
                );
            }
        }
    }
}

fn hosts(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Ingress") {
        for (r, rule) in rules(world.items[*index].value) {
            let host = lookup::word(rule, "host");
            let path = format!("spec.rules[{r}].host");
            if host.is_empty() {
                lint.report("ML702", *index, path, "The rule has no host.");
            } else if host.starts_with('*') {
                lint.report("ML707", *index, path, format!("The rule is for \"{host}\"."));
            }
        }
    }
}

fn annotations(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Ingress") {
        let item = &world.items[*index];
        for (key, value) in lookup::entries(item.value, "metadata.annotations") {
            let path = format!("metadata.annotations[{key}]");
            let name = key.rsplit('/').next().unwrap_or_default();
            if name.ends_with("-snippet") || name.ends_with("-snippets") {
                lint.report("ML703", *index, path, format!("{name} puts configuration into the controller."));
            } else if name == "rewrite-target" && value.as_str() == Some("/") {
                let deep = rules(item.value).any(|(_, rule)| {
                    lookup::list(rule, "http.paths").iter().any(|path| {
                        lookup::word(path, "pathType") != "Exact" && !matches!(lookup::word(path, "path"), "" | "/")
                    }) || lookup::list(rule, "http.paths").len() > 1
                });
                if deep || rules(item.value).any(|(_, rule)| !lookup::list(rule, "http.paths").is_empty()) {
                    lint.report("ML704", *index, path, "All paths become /.");
                }
            } else if key == "kubernetes.io/ingress.class" {
                lint.report("ML710", *index, path, "The class is in the old annotation.");
            }
        }
    }
}

/// Workloads behind the Ingresses and routes of a namespace.
fn entries(world: &crate::world::World<'_>, namespace: &str) -> BTreeSet<usize> {
    let mut names = Vec::new();
    for index in world.of_kind_in("Ingress", namespace) {
        let value = world.items[*index].value;
        names.extend(lookup::text(value, "spec.defaultBackend.service.name"));
        for (_, rule) in rules(value) {
            names.extend(
                lookup::list(rule, "http.paths").iter().filter_map(|p| lookup::text(p, "backend.service.name")),
            );
        }
    }
    for index in world.of_kind_in("HTTPRoute", namespace) {
        for (_, rule) in rules(world.items[*index].value) {
            names.extend(lookup::list(rule, "backendRefs").iter().filter_map(|b| lookup::text(b, "name")));
        }
    }
    names.sort_unstable();
    names.dedup();
    let services = names.into_iter().filter_map(|name| world.find("Service", namespace, name));
    services.flat_map(|service| world.selected_by_service(service)).collect()
}

fn services(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut known: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    // namespaces without Ingress: the first workload that is exposed is the entry
    for index in world.of_kind("Service") {
        let item = &world.items[*index];
        let kind = lookup::word(item.value, "spec.type");
        if !matches!(kind, "NodePort" | "LoadBalancer") {
            continue;
        }
        let selected = world.selected_by_service(*index);
        if let Some(database) = selected.iter().map(|w| &world.workloads[*w]).find(|w| w.is_database()) {
            lint.report("ML708", *index, "spec.type", format!("{} is reachable through a {kind}.", database.title()));
        } else {
            let entry = known.entry(item.namespace).or_insert_with(|| entries(world, item.namespace));
            if entry.is_empty() {
                entry.extend(&selected);
            }
            for workload in selected.iter().filter(|workload| !entry.contains(workload)) {
                let title = world.workloads[*workload].title();
                lint.report(
                    "ML705",
                    *index,
                    "spec.type",
                    format!("{title} is reachable through a {kind}, beside the entry."),
                );
            }
        }
        if kind == "LoadBalancer" && lookup::list(item.value, "spec.loadBalancerSourceRanges").is_empty() {
            lint.report("ML706", *index, "spec.loadBalancerSourceRanges", "No addresses are named.");
        }
    }
    let mut databases: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for index in world.of_kind("Ingress") {
        let namespace = world.items[*index].namespace;
        let database = databases.entry(namespace).or_insert_with(|| {
            let behind = entries(world, namespace);
            behind.iter().map(|w| &world.workloads[*w]).find(|w| w.is_database()).map(crate::workload::Workload::title)
        });
        if let Some(title) = database.take() {
            lint.report("ML708", *index, "spec.rules", format!("{title} is reachable through an Ingress."));
        }
    }
}

fn paths(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut seen: BTreeMap<(&str, &str, &str, &str), usize> = BTreeMap::new();
    for index in world.of_kind("Ingress") {
        let item = &world.items[*index];
        if world.first_of(*index) != *index {
            continue;
        }
        let class = lookup::word(item.value, "spec.ingressClassName");
        for (r, rule) in rules(item.value) {
            for (p, path) in lookup::list(rule, "http.paths").iter().enumerate() {
                let key =
                    (class, lookup::word(rule, "host"), lookup::word(path, "path"), lookup::word(path, "pathType"));
                if let Some(first) = seen.insert(key, *index) {
                    let message =
                        format!("Ingress \"{}\" has \"{}\" of \"{}\" too.", world.items[first].name, key.2, key.1);
                    lint.report("ML711", *index, format!("spec.rules[{r}].http.paths[{p}]"), message);
                }
            }
        }
    }
}
