//! Network policies: nothing is open but the edges of the table, and both ends of each are written from it.

use super::common::Map;
use super::namespace::query;
use crate::system::{Component, System};
use crate::tables::{Edge, Peer};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const LABEL_OF_NAMESPACE: &str = "kubernetes.io/metadata.name";

pub(super) fn objects(system: &System) -> Vec<Object> {
    if !system.project.kubernetes.network_policies {
        return Vec::new();
    }
    let mut namespaces: Vec<&str> = system.components.iter().map(|c| c.namespace.as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let mut all = Vec::new();
    for namespace in namespaces {
        all.push(default_deny(system, namespace));
        all.push(dns(system, namespace));
    }
    all.extend(system.components.iter().filter_map(|component| policy(system, component)));
    all.extend(super::tls::solver_policy(system));
    all
}

fn folder(system: &System, namespace: &str) -> &'static str {
    if namespace == system.namespace { "network" } else { "logging/network" }
}

fn default_deny(system: &System, namespace: &str) -> Object {
    let mut meta = system.meta("default-deny", &system.project.name, "network");
    meta.namespace = Some(namespace.to_owned());
    let typed = NetworkPolicy {
        metadata: meta,
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ..NetworkPolicySpec::default()
        }),
    };
    Object::new(
        Phase::Configuration,
        format!("{}/default-deny.yaml", folder(system, namespace)),
        "Nothing may connect to a pod here, and no pod to anything, unless another policy in this folder says so.\n\
         Policies need a network plug-in that enforces them; `mainstay doctor --cluster` looks for one.",
        &typed,
    )
}

fn dns(system: &System, namespace: &str) -> Object {
    let to_dns = |edge: &&Edge| edge.from == Peer::Component(String::new());
    let mut meta = system.meta("allow-dns", &system.project.name, "network");
    meta.namespace = Some(namespace.to_owned());
    let egress = system.edges.iter().filter(to_dns).map(|edge| egress(system, edge, namespace)).collect();
    let typed = NetworkPolicy {
        metadata: meta,
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(vec!["Egress".to_owned()]),
            egress: Some(egress),
            ..NetworkPolicySpec::default()
        }),
    };
    Object::new(
        Phase::Configuration,
        format!("{}/allow-dns.yaml", folder(system, namespace)),
        "Every pod may look names up in the cluster's own DNS, and nowhere else.",
        &typed,
    )
}

/// The policy of one component: whoever may reach it, and whatever it may reach.
fn policy(system: &System, component: &Component) -> Option<Object> {
    let me = Peer::Component(component.name.clone());
    let incoming: Vec<&Edge> = system.edges.iter().filter(|edge| edge.to == me).collect();
    let outgoing: Vec<&Edge> = system.edges.iter().filter(|edge| edge.from == me).collect();
    if incoming.is_empty() && outgoing.is_empty() {
        return None;
    }
    let mut types = Vec::new();
    let mut ingress: Vec<_> = incoming.iter().map(|edge| ingress(system, edge, &component.namespace)).collect();
    let mut outward: Vec<_> = outgoing.iter().map(|edge| egress(system, edge, &component.namespace)).collect();
    // two roles in one workload: two reasons, one opening
    ingress.dedup();
    outward.dedup();
    if component.controller == crate::system::Controller::Operator {
        between_instances(system, component, &mut ingress, &mut outward);
    }
    if !ingress.is_empty() {
        types.push("Ingress".to_owned());
    }
    if !outward.is_empty() {
        types.push("Egress".to_owned());
    }
    let name = system.settings_of(component).policy_name.unwrap_or_else(|| component.name.clone());
    let typed = NetworkPolicy {
        metadata: system.meta_of(&name, component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(system.pod_selector(component)),
            policy_types: Some(types),
            ingress: (!ingress.is_empty()).then_some(ingress),
            egress: (!outward.is_empty()).then_some(outward),
        }),
    };
    let mut why =
        format!("Who may reach {} (pods with {}), and whom it may reach.", component.name, query(system, component));
    for edge in incoming {
        let _ = write!(why, "\n  in   from {}: {}", system.peer_name(&edge.from), edge.why);
    }
    for edge in outgoing {
        let _ = write!(why, "\n  out  to {}: {}", system.peer_name(&edge.to), edge.why);
    }
    Some(Object::new(
        Phase::Configuration,
        format!("{}/{name}.yaml", folder(system, &component.namespace)),
        why,
        &typed,
    ))
}

/// The pods of a CloudNativePG cluster replicate among themselves, talk to the API server and answer their operator.
fn between_instances(
    system: &System,
    component: &Component,
    ingress: &mut Vec<NetworkPolicyIngressRule>,
    egress: &mut Vec<NetworkPolicyEgressRule>,
) {
    let own =
        || NetworkPolicyPeer { pod_selector: Some(system.pod_selector(component)), ..NetworkPolicyPeer::default() };
    let ports =
        |numbers: &[u16]| numbers.iter().map(|n| port(IntOrString::Int(i32::from(*n)), "TCP")).collect::<Vec<_>>();
    ingress.push(NetworkPolicyIngressRule { from: Some(vec![own()]), ports: Some(ports(&[5432, 8000])) });
    let operator =
        NetworkPolicyPeer { namespace_selector: Some(in_namespace("cnpg-system")), ..NetworkPolicyPeer::default() };
    ingress.push(NetworkPolicyIngressRule { from: Some(vec![operator]), ports: Some(ports(&[5432, 8000])) });
    egress.push(NetworkPolicyEgressRule { to: Some(vec![own()]), ports: Some(ports(&[5432, 8000])) });
    let api = Edge {
        from: Peer::Component(component.name.clone()),
        to: Peer::Addresses(system.project.kubernetes.api_server.clone()),
        ports: vec![(443, "TCP"), (6443, "TCP")],
        port_name: String::new(),
        why: "",
    };
    egress.push(self::egress(system, &api, &component.namespace));
}

fn ingress(system: &System, edge: &Edge, here: &str) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule { from: peers(system, &edge.from, here), ports: Some(ports(edge)) }
}

fn egress(system: &System, edge: &Edge, here: &str) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: peers(system, &edge.to, here), ports: Some(ports(edge)) }
}

/// By number: a name is looked up in the target's pods, which some network plug-ins do not do for egress.
fn ports(edge: &Edge) -> Vec<NetworkPolicyPort> {
    edge.ports.iter().map(|(number, protocol)| port(IntOrString::Int(i32::from(*number)), protocol)).collect()
}

fn port(number: IntOrString, protocol: &str) -> NetworkPolicyPort {
    NetworkPolicyPort { port: Some(number), protocol: Some(protocol.to_owned()), end_port: None }
}

fn in_namespace(name: &str) -> LabelSelector {
    LabelSelector {
        match_labels: Some(BTreeMap::from([(LABEL_OF_NAMESPACE.to_owned(), name.to_owned())])),
        match_expressions: None,
    }
}

/// The peers of one end, as a policy in the namespace `here` names them; none means everybody.
fn peers(system: &System, peer: &Peer, here: &str) -> Option<Vec<NetworkPolicyPeer>> {
    match peer {
        Peer::Component(name) => {
            let component = system.component(name)?;
            let away = component.namespace != here;
            Some(vec![NetworkPolicyPeer {
                pod_selector: Some(system.pod_selector(component)),
                namespace_selector: away.then(|| in_namespace(&component.namespace)),
                ip_block: None,
            }])
        }
        Peer::Namespace(name, labels) => {
            let labels: Map = labels.iter().cloned().collect();
            Some(vec![NetworkPolicyPeer {
                namespace_selector: Some(in_namespace(name)),
                pod_selector: (!labels.is_empty())
                    .then_some(LabelSelector { match_labels: Some(labels), match_expressions: None }),
                ip_block: None,
            }])
        }
        Peer::Addresses(ranges) if ranges.is_empty() => None,
        Peer::Addresses(ranges) => Some(
            ranges
                .iter()
                .map(|cidr| NetworkPolicyPeer {
                    ip_block: Some(IPBlock { cidr: cidr.clone(), except: None }),
                    ..NetworkPolicyPeer::default()
                })
                .collect(),
        ),
    }
}

impl System {
    /// An end of an edge as people call it.
    #[must_use]
    pub fn peer_name(&self, peer: &Peer) -> String {
        match peer {
            Peer::Component(name) if name.is_empty() => "every pod".to_owned(),
            Peer::Component(name) => name.clone(),
            Peer::Namespace(name, labels) if labels.is_empty() => format!("the namespace {name}"),
            Peer::Namespace(name, labels) => {
                let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
                format!("{} in the namespace {name}", labels.join(","))
            }
            Peer::Addresses(ranges) if ranges.is_empty() => "any address".to_owned(),
            Peer::Addresses(ranges) => ranges.join(", "),
        }
    }
}
