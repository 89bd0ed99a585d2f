//! A NetworkPolicy evaluator.
//!
//! Semantics are those of the `networking.k8s.io/v1` API reference: a pod that a policy selects for a direction is
//! isolated in it; allowed is the union of all rules of all such policies; a connection needs the client's egress and the
//! server's ingress; ports are those of the pod, not of the Service.

use crate::lookup;
use crate::selector::Selector;
use crate::world::World;
use serde_json::Value;
use std::collections::HashMap;

/// Seen from the pod that the policy selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// A policy.
#[derive(Debug)]
pub(crate) struct Policy<'a> {
    pub(crate) item: usize,
    pub(crate) value: &'a Value,
    /// Workloads that it selects.
    pub(crate) selects: Vec<usize>,
    ingress: bool,
    egress: bool,
}

impl<'a> Policy<'a> {
    /// Whether it isolates its pods in a direction.
    pub(crate) fn isolates(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress,
            Direction::Egress => self.egress,
        }
    }

    /// Its rules for a direction.
    pub(crate) fn rules(&self, direction: Direction) -> &'a [Value] {
        if !self.isolates(direction) {
            return &[];
        }
        lookup::list(self.value, if direction == Direction::Ingress { "spec.ingress" } else { "spec.egress" })
    }
}

/// The peers of a rule; `None` when it has none, which means everybody.
pub(crate) fn peers(rule: &Value, direction: Direction) -> Option<&[Value]> {
    let peers = lookup::list(rule, if direction == Direction::Ingress { "from" } else { "to" });
    (!peers.is_empty()).then_some(peers)
}

/// All policies and whom they select.
#[derive(Debug)]
pub(crate) struct Network<'a> {
    world: &'a World<'a>,
    pub(crate) policies: Vec<Policy<'a>>,
    of: HashMap<usize, Vec<usize>>,
}

static ALL: Value = Value::Null;

impl<'a> Network<'a> {
    pub(crate) fn new(world: &'a World<'a>) -> Self {
        let mut network = Self { world, policies: Vec::new(), of: HashMap::new() };
        for item in world.of_kind("NetworkPolicy") {
            let object = &world.items[*item];
            let selector = Selector::of(lookup::at(object.value, "spec.podSelector").unwrap_or(&ALL));
            let selects = world.pods_matching(object.namespace, &selector);
            let types = lookup::words(object.value, "spec.policyTypes");
            let has_egress = !lookup::list(object.value, "spec.egress").is_empty();
            let position = network.policies.len();
            for workload in &selects {
                network.of.entry(*workload).or_default().push(position);
            }
            network.policies.push(Policy {
                item: *item,
                value: object.value,
                selects,
                ingress: types.is_empty() || types.contains(&"Ingress"),
                egress: types.contains(&"Egress") || (types.is_empty() && has_egress),
            });
        }
        network
    }

    /// Policies that isolate a workload's pods in a direction.
    pub(crate) fn isolating(&self, workload: usize, direction: Direction) -> impl Iterator<Item = &Policy<'a>> {
        self.of
            .get(&workload)
            .into_iter()
            .flatten()
            .map(|position| &self.policies[*position])
            .filter(move |policy| policy.isolates(direction))
    }

    /// Whether a workload's pods are isolated in a direction.
    pub(crate) fn is_isolated(&self, workload: usize, direction: Direction) -> bool {
        self.isolating(workload, direction).next().is_some()
    }

    /// Whether one end allows a connection to a port of the server's pods.
    pub(crate) fn allows(&self, direction: Direction, client: usize, server: usize, port: i64, protocol: &str) -> bool {
        let (subject, peer) = if direction == Direction::Egress { (client, server) } else { (server, client) };
        if !self.is_isolated(subject, direction) {
            return true;
        }
        let home = self.world.workloads[subject].namespace;
        self.isolating(subject, direction).flat_map(|policy| policy.rules(direction)).any(|rule| {
            self.port_matches(rule, server, port, protocol)
                && peers(rule, direction).is_none_or(|peers| peers.iter().any(|p| self.peer_matches(p, home, peer)))
        })
    }

    /// Whether a workload may ask the cluster's DNS.
    pub(crate) fn allows_dns(&self, workload: usize) -> bool {
        if !self.is_isolated(workload, Direction::Egress) {
            return true;
        }
        let system = self.world.namespace_labels("kube-system");
        self.isolating(workload, Direction::Egress).flat_map(|policy| policy.rules(Direction::Egress)).any(|rule| {
            let ports = lookup::list(rule, "ports");
            let port = ports.is_empty()
                || ports.iter().any(|entry| {
                    lookup::text(entry, "protocol") == Some("UDP")
                        && match lookup::at(entry, "port") {
                            None => true,
                            Some(Value::String(name)) => name == "dns" || name == "53",
                            Some(number) => is_in_range(entry, number.as_i64(), 53),
                        }
                });
            let peer = peers(rule, Direction::Egress).is_none_or(|peers| {
                peers.iter().any(|peer| {
                    // the addresses of DNS servers are anybody's guess, its pods are in kube-system
                    lookup::at(peer, "ipBlock").is_some()
                        || peer.get("namespaceSelector").is_some_and(|s| Selector::of(s).matches(&system))
                })
            });
            port && peer
        })
    }

    fn port_matches(&self, rule: &Value, server: usize, port: i64, protocol: &str) -> bool {
        let ports = lookup::list(rule, "ports");
        ports.is_empty()
            || ports.iter().any(|entry| {
                lookup::text(entry, "protocol").unwrap_or("TCP") == protocol
                    && match lookup::at(entry, "port") {
                        None => true,
                        Some(Value::String(name)) => self.world.workloads[server]
                            .ports()
                            .any(|(n, number, p)| n == name && number == port && p == protocol),
                        Some(number) => is_in_range(entry, number.as_i64(), port),
                    }
            })
    }

    fn peer_matches(&self, peer: &Value, home: &str, workload: usize) -> bool {
        let pod = &self.world.workloads[workload];
        if let Some(block) = lookup::at(peer, "ipBlock") {
            // addresses of pods are not known: only a block of all addresses surely holds them
            let all = matches!(lookup::word(block, "cidr"), "0.0.0.0/0" | "::/0");
            return all && lookup::list(block, "except").is_empty();
        }
        let pods = peer.get("podSelector").filter(|value| value.is_object());
        let namespaces = peer.get("namespaceSelector").filter(|value| value.is_object());
        let namespace = match namespaces {
            None => pod.namespace == home,
            // without a name nothing is known of the namespace but that it is the one of the other files
            Some(_) if pod.namespace.is_empty() => true,
            Some(selector) => Selector::of(selector).matches(&self.world.namespace_labels(pod.namespace)),
        };
        (pods.is_some() || namespaces.is_some())
            && namespace
            && pods.is_none_or(|selector| Selector::of(selector).matches(&pod.labels))
    }
}

fn is_in_range(entry: &Value, first: Option<i64>, port: i64) -> bool {
    let Some(first) = first else { return false };
    let last = lookup::number(entry, "endPort").unwrap_or(first);
    (first..=last).contains(&port)
}
