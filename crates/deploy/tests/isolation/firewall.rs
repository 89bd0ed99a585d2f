//! Policies compiled to packet filter rules, the way network plugins do it: a chain for each isolated pod and direction, with
//! the addresses of the pods that each rule means.
//!
//! Shares nothing with the evaluator but the cast: it reads the policies through the API's own types and works with sets of
//! addresses, so that a mistake in one of the two shows as a difference.

use crate::cast::{Cast, Member, Pod};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Which end of the connection the chain belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

/// One policy's rules for one direction: peers and ports.
type Rules<'a> = Vec<(&'a [NetworkPolicyPeer], &'a [NetworkPolicyPort])>;

/// A ruleset for `nft`, for the router between the pods. `links` names the router's interfaces to a member.
pub(crate) fn compile(objects: &[Value], cast: &Cast, links: impl Fn(usize) -> Vec<String>) -> String {
    let policies: Vec<NetworkPolicy> = objects
        .iter()
        .filter(|object| object["kind"] == "NetworkPolicy")
        .map(|object| NetworkPolicy::deserialize(object).expect("a NetworkPolicy"))
        .collect();
    let mut chains = String::new();
    let mut dispatch = [String::new(), String::new()];
    for (index, member) in cast.members.iter().enumerate() {
        for side in [Side::Source, Side::Target] {
            let Some(body) = chain(&policies, cast, member, side) else { continue };
            let name = format!("{}-{index}", if side == Side::Source { "egress" } else { "ingress" });
            let _ = writeln!(chains, "  chain {name} {{\n{body}    reject with icmp type admin-prohibited\n  }}");
            for link in links(index) {
                let _ = write!(dispatch[side as usize], "{link} : jump {name}, ");
            }
        }
    }
    let mut base =
        "    type filter hook forward priority filter; policy accept;\n    ct state established,related accept\n"
            .to_owned();
    for (key, entries) in ["iifname", "oifname"].into_iter().zip(dispatch).filter(|(_, entries)| !entries.is_empty()) {
        let _ = writeln!(base, "    {key} vmap {{ {} }}", entries.trim_end_matches(", "));
    }
    format!("flush ruleset\ntable ip isolation {{\n{chains}  chain forward {{\n{base}  }}\n}}\n")
}

/// The rules of a member's chain; nothing when no policy isolates it in this direction.
fn chain(policies: &[NetworkPolicy], cast: &Cast, member: &Member, side: Side) -> Option<String> {
    let mut body = None;
    for policy in policies {
        let Some(rules) = rules_for(policy, member, side) else { continue };
        let body = body.get_or_insert_with(String::new);
        for (peers, ports) in rules {
            for line in match_peers(policy, cast, peers, side) {
                for ports in match_ports(cast, member, &line, ports, side) {
                    let _ = writeln!(body, "    {ports} return");
                }
            }
        }
    }
    body
}

fn rules_for<'a>(policy: &'a NetworkPolicy, member: &Member, side: Side) -> Option<Rules<'a>> {
    let home = policy.metadata.namespace.as_deref().unwrap_or("default");
    let pod = member.pod.as_ref()?;
    let spec = policy.spec.as_ref()?;
    let chosen = select(spec.pod_selector.as_ref(), [(0, &pod.labels)].into());
    if pod.namespace != home || pod.host_network || chosen.is_empty() {
        return None;
    }
    let ingress = spec.ingress.as_deref().unwrap_or_default();
    let egress = spec.egress.as_deref().unwrap_or_default();
    let types = match spec.policy_types.as_deref() {
        Some(types) if !types.is_empty() => types.join(","),
        _ if egress.is_empty() => "Ingress".to_owned(),
        _ => "Ingress,Egress".to_owned(),
    };
    match side {
        Side::Source if types.contains("Egress") => Some(
            egress
                .iter()
                .map(|r| (r.to.as_deref().unwrap_or_default(), r.ports.as_deref().unwrap_or_default()))
                .collect(),
        ),
        Side::Target if types.contains("Ingress") => Some(
            ingress
                .iter()
                .map(|r| (r.from.as_deref().unwrap_or_default(), r.ports.as_deref().unwrap_or_default()))
                .collect(),
        ),
        Side::Source | Side::Target => None,
    }
}

/// What of the other end a rule line matches.
enum Others {
    Anybody,
    Pods(BTreeSet<usize>),
    Block(String),
}

fn match_peers(policy: &NetworkPolicy, cast: &Cast, peers: &[NetworkPolicyPeer], side: Side) -> Vec<Others> {
    if peers.is_empty() {
        return vec![Others::Anybody];
    }
    let address = if side == Side::Source { "ip daddr" } else { "ip saddr" };
    let mut pods = BTreeSet::new();
    let mut lines = Vec::new();
    for peer in peers {
        match &peer.ip_block {
            Some(block) if block.cidr.contains(':') => {} // nobody in the cast has an IPv6 address
            Some(block) => {
                let whole = block.cidr.ends_with("/0");
                let mut line = if whole { String::new() } else { format!("{address} {} ", block.cidr) };
                if let Some(except) = block.except.as_ref().filter(|except| !except.is_empty()) {
                    let _ = write!(line, "{address} != {{ {} }} ", except.join(", "));
                }
                lines.push(Others::Block(line));
            }
            None => pods.extend(pods_of(policy, cast, peer)),
        }
    }
    if !pods.is_empty() {
        lines.push(Others::Pods(pods));
    }
    lines
}

fn pods_of(policy: &NetworkPolicy, cast: &Cast, peer: &NetworkPolicyPeer) -> BTreeSet<usize> {
    let home = policy.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let namespaces: BTreeSet<&String> = match &peer.namespace_selector {
        Some(selector) => select(Some(selector), cast.namespaces.iter().collect()),
        None => BTreeSet::from([&home]),
    };
    let pods = cast.members.iter().enumerate().filter_map(|(index, member)| Some((index, member.pod.as_ref()?)));
    let there = pods.filter(|(_, pod)| namespaces.contains(&pod.namespace) && !pod.host_network);
    select(peer.pod_selector.as_ref(), there.map(|(index, pod): (usize, &Pod)| (index, &pod.labels)).collect())
}

/// The candidates that are left when every requirement has thrown out its own.
fn select<K: Ord>(selector: Option<&LabelSelector>, candidates: BTreeMap<K, &BTreeMap<String, String>>) -> BTreeSet<K> {
    let mut left = candidates;
    let Some(selector) = selector else { return left.into_keys().collect() };
    for (key, value) in selector.match_labels.iter().flatten() {
        left.retain(|_, labels| labels.get(key).is_some_and(|found| found == value));
    }
    for requirement in selector.match_expressions.iter().flatten() {
        let values = requirement.values.clone().unwrap_or_default();
        left.retain(|_, labels| match (requirement.operator.as_str(), labels.get(&requirement.key)) {
            ("In", Some(found)) => values.contains(found),
            ("NotIn", Some(found)) => !values.contains(found),
            ("Exists", found) => found.is_some(),
            ("DoesNotExist", found) => found.is_none(),
            ("In", None) => false,
            ("NotIn", None) => true,
            (other, _) => panic!("operator {other}"),
        });
    }
    left.into_keys().collect()
}

/// Complete matches of a line: the other end with each port. A named port has a number at each target.
fn match_ports(cast: &Cast, member: &Member, others: &Others, ports: &[NetworkPolicyPort], side: Side) -> Vec<String> {
    let address = if side == Side::Source { "ip daddr" } else { "ip saddr" };
    let (prefix, reached): (String, Vec<&Member>) = match others {
        Others::Anybody => (String::new(), cast.members.iter().collect()),
        Others::Block(line) => (line.clone(), cast.members.iter().collect()),
        Others::Pods(pods) => {
            let pods: Vec<&Member> = pods.iter().map(|&index| &cast.members[index]).collect();
            (format!("{address} {} ", addresses(&pods)), pods)
        }
    };
    if ports.is_empty() {
        return vec![prefix];
    }
    let mut lines = Vec::new();
    for port in ports {
        let protocol = port.protocol.as_deref().unwrap_or("TCP").to_lowercase();
        match (&port.port, port.end_port) {
            (None, _) => lines.push(format!("{prefix}meta l4proto {protocol}")),
            (Some(IntOrString::Int(number)), None) => lines.push(format!("{prefix}{protocol} dport {number}")),
            (Some(IntOrString::Int(first)), Some(last)) => {
                lines.push(format!("{prefix}{protocol} dport {first}-{last}"))
            }
            (Some(IntOrString::String(name)), _) => {
                let own = [member];
                let targets = if side == Side::Source { reached.as_slice() } else { own.as_slice() };
                for (number, targets) in named(targets, name, &protocol) {
                    let narrow =
                        if side == Side::Source { format!("ip daddr {} ", addresses(&targets)) } else { String::new() };
                    lines.push(format!("{prefix}{narrow}{protocol} dport {number}"));
                }
            }
        }
    }
    lines
}

/// The numbers that a port name has, and who has it under that number.
fn named<'a>(targets: &[&'a Member], name: &str, protocol: &str) -> BTreeMap<u16, Vec<&'a Member>> {
    let mut numbers: BTreeMap<u16, Vec<&Member>> = BTreeMap::new();
    for target in targets {
        for port in target.pod.iter().filter(|pod| !pod.host_network).flat_map(|pod| &pod.ports) {
            if port.name == name && port.protocol.to_string().eq_ignore_ascii_case(protocol) {
                numbers.entry(port.number).or_default().push(target);
            }
        }
    }
    numbers
}

fn addresses(members: &[&Member]) -> String {
    let all: BTreeSet<Ipv4Addr> = members.iter().flat_map(|member| [Some(member.ip), member.twin]).flatten().collect();
    let all: Vec<String> = all.iter().map(Ipv4Addr::to_string).collect();
    format!("{{ {} }}", all.join(", "))
}
