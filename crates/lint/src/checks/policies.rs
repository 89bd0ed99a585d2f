//! NetworkPolicies by themselves: who has none, and which are too open.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::network::{Direction, peers};
use crate::report::Severity::{Advice, Error, Warning};
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Network policies",
    checks: &[
        check(
            "ML301",
            Warning,
            "namespace without NetworkPolicy",
            "Every pod of the cluster may connect to every pod here.",
            "Add a default-deny policy and one policy per workload.",
        ),
        check(
            "ML302",
            Warning,
            "workload that no policy covers",
            "Every pod of the cluster may connect to it.",
            "Add a default-deny policy (podSelector: {}), or one for this workload.",
        ),
        check(
            "ML303",
            Warning,
            "database open to everybody",
            "One rule without \"from\", or from every pod, undoes the default deny for the data.",
            "Name the clients in \"from\".",
        ),
        check(
            "ML304",
            Warning,
            "egress to everywhere",
            "A rule without peers and ports undoes the default deny: a taken-over pod may call anybody.",
            "Name the peers, or at least the ports.",
        ),
        check(
            "ML305",
            Error,
            "broken policy rule",
            "The API server refuses it, or it means something else than it looks like.",
            "A peer has an ipBlock, or selectors; a block is an address with a prefix length.",
        ),
        check(
            "ML306",
            Advice,
            "peer that is nobody",
            "The rule allows nothing; the label is probably mistyped.",
            "Make the peer's podSelector match the labels of a pod template.",
        ),
        check(
            "ML307",
            Warning,
            "ingress from everywhere on every port",
            "A rule without peers and ports undoes the default deny: admin ports are open too.",
            "Name the ports, and the peers unless it is the public entry.",
        ),
    ],
    run: &[coverage, openness, broken, nobody],
};

fn coverage(lint: &mut Lint<'_>) {
    let world = lint.world;
    let network = lint.network();
    let others =
        !world.of_kind("CiliumNetworkPolicy").is_empty() || !world.of_kind("CiliumClusterwideNetworkPolicy").is_empty();
    for namespace in world.namespaces() {
        let pods = world.workloads_in(namespace);
        if others {
            continue;
        }
        if world.of_kind_in("NetworkPolicy", namespace).is_empty() {
            let place = if namespace.is_empty() {
                "the files' namespace".to_owned()
            } else {
                format!("namespace \"{namespace}\"")
            };
            let at = world.find("Namespace", "", namespace).unwrap_or(world.workloads[pods[0]].item);
            lint.report(
                "ML301",
                at,
                "",
                format!("There is no NetworkPolicy in {place}, which has {} workloads.", pods.len()),
            );
            continue;
        }
        for position in pods {
            let workload = &world.workloads[*position];
            if !network.is_isolated(*position, Direction::Ingress) && !lookup::is_true(workload.spec, "hostNetwork") {
                let message = format!("No policy restricts who may connect to the pods of {}.", workload.title());
                lint.report("ML302", workload.item, workload.path, message);
            }
        }
    }
}

/// A peer that names nobody in particular: every pod of its own namespace, or of all.
fn is_every_pod(peer: &Value) -> bool {
    let is_empty = |key: &str| lookup::map(peer, key).is_some_and(serde_json::Map::is_empty);
    let has = |key: &str| lookup::at(peer, key).is_some();
    match (has("namespaceSelector"), has("podSelector")) {
        (false, true) => is_empty("podSelector"),
        (true, false) => is_empty("namespaceSelector"),
        (true, true) => is_empty("namespaceSelector") && is_empty("podSelector"),
        (false, false) => false,
    }
}

fn openness(lint: &mut Lint<'_>) {
    let world = lint.world;
    let network = lint.network();
    for policy in &network.policies {
        let database = policy.selects.iter().map(|w| &world.workloads[*w]).find(|w| w.is_database());
        for (r, rule) in policy.rules(Direction::Ingress).iter().enumerate() {
            let from = peers(rule, Direction::Ingress);
            let path = format!("spec.ingress[{r}]");
            if let Some(database) = database {
                if from.is_none() {
                    let message = format!("Everybody may connect to {}.", database.title());
                    lint.report("ML303", policy.item, path, message);
                } else if from.into_iter().flatten().any(is_every_pod) {
                    let message = format!("Every pod of a namespace may connect to {}.", database.title());
                    lint.report("ML303", policy.item, path, message);
                }
            } else if from.is_none() && lookup::list(rule, "ports").is_empty() {
                lint.report("ML307", policy.item, path, "Everybody may connect to every port.");
            }
        }
        for (r, rule) in policy.rules(Direction::Egress).iter().enumerate() {
            if peers(rule, Direction::Egress).is_none() && lookup::list(rule, "ports").is_empty() {
                lint.report("ML304", policy.item, format!("spec.egress[{r}]"), "Everything may be called.");
            }
        }
    }
}

/// `10.0.0.0/8`, `fd00::/8`.
fn is_block(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, length)| {
        let bits: Option<u8> = length.parse().ok();
        match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => bits.is_some_and(|bits| bits <= 32),
            Ok(std::net::IpAddr::V6(_)) => bits.is_some_and(|bits| bits <= 128),
            Err(_) => false,
        }
    })
}

fn broken(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("NetworkPolicy") {
        let value = world.items[*index].value;
        for (field, side) in [("ingress", "from"), ("egress", "to")] {
            let kind = if field == "ingress" { "Ingress" } else { "Egress" };
            let rules = lookup::list(value, &format!("spec.{field}"));
            let types = lookup::words(value, "spec.policyTypes");
            if !rules.is_empty() && !types.is_empty() && !types.contains(&kind) {
                let message =
                    format!("There are {field} rules, but policyTypes leaves {kind} out: they have no effect.");
                lint.report("ML305", *index, "spec.policyTypes", message);
            }
            for (r, rule) in rules.iter().enumerate() {
                for (p, peer) in lookup::list(rule, side).iter().enumerate() {
                    let path = format!("spec.{field}[{r}].{side}[{p}]");
                    broken_peer(lint, *index, &path, peer);
                }
                for (p, port) in lookup::list(rule, "ports").iter().enumerate() {
                    let path = format!("spec.{field}[{r}].ports[{p}]");
                    let first = lookup::number(port, "port");
                    if lookup::number(port, "endPort").is_some_and(|last| first.is_none_or(|first| last < first)) {
                        lint.report("ML305", *index, path, "endPort needs a numeric port that is not greater.");
                    }
                }
            }
        }
    }
}

fn broken_peer(lint: &mut Lint<'_>, index: usize, path: &str, peer: &Value) {
    let has = |field: &str| peer.get(field).is_some_and(Value::is_object);
    if !has("ipBlock") && !has("podSelector") && !has("namespaceSelector") {
        lint.report("ML305", index, path, "The peer is empty.");
    }
    if has("ipBlock") {
        if has("podSelector") || has("namespaceSelector") {
            lint.report("ML305", index, path, "An ipBlock cannot stand beside selectors in one peer.");
        }
        let blocks = lookup::text(peer, "ipBlock.cidr").into_iter().chain(lookup::words(peer, "ipBlock.except"));
        for block in blocks.filter(|block| !is_block(block)) {
            lint.report("ML305", index, format!("{path}.ipBlock"), format!("\"{block}\" is not a block of addresses."));
        }
    }
}

fn nobody(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("NetworkPolicy") {
        let item = &world.items[*index];
        if world.is_operated(item.namespace) {
            continue;
        }
        for (field, side) in [("ingress", "from"), ("egress", "to")] {
            for (r, rule) in lookup::list(item.value, &format!("spec.{field}")).iter().enumerate() {
                for (p, peer) in lookup::list(rule, side).iter().enumerate() {
                    let Some(pods) = lookup::at(peer, "podSelector") else { continue };
                    let selector = crate::selector::Selector::of(pods);
                    let here = lookup::at(peer, "namespaceSelector").is_none() && !selector.is_empty();
                    if here
                        && world.pods_matching(item.namespace, &selector).is_empty()
                        && !world.workloads_in(item.namespace).is_empty()
                    {
                        let message = format!("No pod has the labels {selector}.");
                        lint.report("ML306", *index, format!("spec.{field}[{r}].{side}[{p}]"), message);
                    }
                }
            }
        }
    }
}
