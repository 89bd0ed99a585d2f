//! What NetworkPolicies (networking.k8s.io/v1) allow, read from the objects and nothing else.
//!
//! Sources: Kubernetes, "Network Policies" and the API reference of `NetworkPolicySpec`; defaults of `policyTypes` as the API
//! server sets them. The reader refuses what the API server would refuse, unknown fields included, so that a slip in a policy
//! cannot pass for an absent rule.

use crate::cast::{Attempt, Cast, Labels, Member, Pod, Protocol, namespace, text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Whether `ipBlock` means pods too. The API leaves it open: Cilium never matches pods by address (cilium/cilium#9209),
/// Calico and most others do (projectcalico/calico#6634).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    OutsideOnly,
    PodsToo,
}

#[derive(Debug)]
pub(crate) struct Policies {
    policies: Vec<Policy>,
    namespaces: BTreeMap<String, Labels>,
}

#[derive(Debug)]
struct Policy {
    namespace: String,
    spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    pod_selector: Selector,
    #[serde(default)]
    policy_types: Vec<Direction>,
    #[serde(default)]
    ingress: Vec<IngressRule>,
    #[serde(default)]
    egress: Vec<EgressRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Direction {
    Ingress,
    Egress,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IngressRule {
    #[serde(default)]
    from: Vec<Peer>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EgressRule {
    #[serde(default)]
    to: Vec<Peer>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Peer {
    pod_selector: Option<Selector>,
    namespace_selector: Option<Selector>,
    ip_block: Option<IpBlock>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IpBlock {
    cidr: String,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Port {
    protocol: Option<Protocol>,
    port: Option<NameOrNumber>,
    end_port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NameOrNumber {
    Number(u16),
    Name(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    #[serde(default)]
    match_labels: Labels,
    #[serde(default)]
    match_expressions: Vec<Requirement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Policies {
    /// The policies among the objects; the namespaces' labels come from the cast.
    pub(crate) fn of(objects: &[Value], cast: &Cast) -> Result<Self, String> {
        let mut policies = Vec::new();
        for object in objects.iter().filter(|object| object["kind"] == "NetworkPolicy") {
            let name = text(object, "/metadata/name");
            if object["apiVersion"] != "networking.k8s.io/v1" {
                return Err(format!("policy {name}: apiVersion is {}", object["apiVersion"]));
            }
            let spec = Spec::deserialize(&object["spec"]).map_err(|error| format!("policy {name}: {error}"))?;
            spec.check().map_err(|error| format!("policy {name}: {error}"))?;
            policies.push(Policy { namespace: namespace(object).to_owned(), spec });
        }
        Ok(Self { policies, namespaces: cast.namespaces.clone() })
    }

    /// Whether a connection is let out of its source and let in to its target.
    pub(crate) fn allow(&self, from: &Member, to: &Member, port: u16, protocol: Protocol, blocks: Blocks) -> bool {
        self.let_out(from, to, port, protocol, blocks) && self.let_in(from, to, port, protocol, blocks)
    }

    /// All connections of the cast.
    pub(crate) fn matrix(&self, cast: &Cast, blocks: Blocks) -> BTreeMap<Attempt, bool> {
        let allow = |attempt: &Attempt| {
            let (from, to) = (&cast.members[attempt.from], cast.target(*attempt));
            self.allow(from, &to, attempt.port, attempt.protocol, blocks)
        };
        cast.attempts().into_iter().map(|attempt| (attempt, allow(&attempt))).collect()
    }

    fn let_out(&self, from: &Member, to: &Member, port: u16, protocol: Protocol, blocks: Blocks) -> bool {
        let mut isolated = false;
        for policy in self.policies.iter().filter(|policy| policy.governs(from, Direction::Egress)) {
            isolated = true;
            let passes = |rule: &EgressRule| {
                self.peers_match(&policy.namespace, &rule.to, to, blocks)
                    && ports_match(&rule.ports, to, port, protocol)
            };
            if policy.spec.egress.iter().any(passes) {
                return true;
            }
        }
        !isolated
    }

    fn let_in(&self, from: &Member, to: &Member, port: u16, protocol: Protocol, blocks: Blocks) -> bool {
        let mut isolated = false;
        for policy in self.policies.iter().filter(|policy| policy.governs(to, Direction::Ingress)) {
            isolated = true;
            let passes = |rule: &IngressRule| {
                self.peers_match(&policy.namespace, &rule.from, from, blocks)
                    && ports_match(&rule.ports, to, port, protocol)
            };
            if policy.spec.ingress.iter().any(passes) {
                return true;
            }
        }
        !isolated
    }

    /// An empty list of peers is everybody.
    fn peers_match(&self, home: &str, peers: &[Peer], other: &Member, blocks: Blocks) -> bool {
        peers.is_empty() || peers.iter().any(|peer| self.peer_matches(home, peer, other, blocks))
    }

    fn peer_matches(&self, home: &str, peer: &Peer, other: &Member, blocks: Blocks) -> bool {
        let pod = other.pod.as_ref().filter(|pod| !pod.host_network);
        match (&peer.ip_block, pod) {
            (Some(_), Some(_)) if blocks == Blocks::OutsideOnly => false,
            (Some(block), _) => block.holds(IpAddr::V4(other.ip)),
            (None, None) => false,
            (None, Some(pod)) => self.pod_matches(home, peer, pod),
        }
    }

    /// Both selectors in one peer must match; without a namespace selector only the policy's own namespace is meant.
    fn pod_matches(&self, home: &str, peer: &Peer, pod: &Pod) -> bool {
        let namespace = match &peer.namespace_selector {
            None => pod.namespace == home,
            Some(selector) => self.namespaces.get(&pod.namespace).is_some_and(|labels| selector.matches(labels)),
        };
        namespace && peer.pod_selector.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
    }
}

impl Policy {
    fn governs(&self, member: &Member, direction: Direction) -> bool {
        let pod = member.pod.as_ref().filter(|pod| !pod.host_network && pod.namespace == self.namespace);
        self.spec.isolates(direction) && pod.is_some_and(|pod| self.spec.pod_selector.matches(&pod.labels))
    }
}

impl Spec {
    /// Without `policyTypes`, every policy isolates ingress, and one with egress rules isolates egress too.
    fn isolates(&self, direction: Direction) -> bool {
        match (self.policy_types.as_slice(), direction) {
            ([], Direction::Ingress) => true,
            ([], Direction::Egress) => !self.egress.is_empty(),
            (types, direction) => types.contains(&direction),
        }
    }

    /// What the API server's validation asks for beyond types.
    fn check(&self) -> Result<(), String> {
        self.pod_selector.check()?;
        let peers = self.ingress.iter().flat_map(|rule| &rule.from).chain(self.egress.iter().flat_map(|rule| &rule.to));
        peers.map(Peer::check).collect::<Result<Vec<()>, String>>()?;
        let ports =
            self.ingress.iter().flat_map(|rule| &rule.ports).chain(self.egress.iter().flat_map(|rule| &rule.ports));
        ports.map(Port::check).collect::<Result<Vec<()>, String>>()?;
        Ok(())
    }
}

impl Peer {
    fn check(&self) -> Result<(), String> {
        let selects = self.pod_selector.is_some() || self.namespace_selector.is_some();
        match &self.ip_block {
            None if !selects => Err("a peer without selectors and without ipBlock".to_owned()),
            Some(_) if selects => Err("a peer with ipBlock and a selector".to_owned()),
            Some(block) => block.check(),
            None => [&self.pod_selector, &self.namespace_selector].into_iter().flatten().try_for_each(Selector::check),
        }
    }
}

impl IpBlock {
    fn check(&self) -> Result<(), String> {
        let (outer, width) = cidr(&self.cidr)?;
        for except in &self.except {
            let (inner, narrower) = cidr(except)?;
            if narrower <= width || !in_block(inner, outer, width) {
                return Err(format!("except {except} is not a part of {}", self.cidr));
            }
        }
        Ok(())
    }

    fn holds(&self, ip: IpAddr) -> bool {
        let inside = |text: &str| cidr(text).is_ok_and(|(network, prefix)| in_block(ip, network, prefix));
        inside(&self.cidr) && !self.except.iter().any(|except| inside(except))
    }
}

/// An empty list of ports is every port of every protocol.
fn ports_match(ports: &[Port], target: &Member, port: u16, protocol: Protocol) -> bool {
    ports.is_empty() || ports.iter().any(|rule| rule.matches(target, port, protocol))
}

impl Port {
    /// A name is looked up at the target, whichever direction the rule is for; addresses have no named ports.
    fn matches(&self, target: &Member, port: u16, protocol: Protocol) -> bool {
        if self.protocol.unwrap_or(Protocol::Tcp) != protocol {
            return false;
        }
        match (&self.port, self.end_port) {
            (None, _) => true,
            (Some(NameOrNumber::Number(first)), None) => port == *first,
            (Some(NameOrNumber::Number(first)), Some(last)) => (*first..=last).contains(&port),
            (Some(NameOrNumber::Name(name)), _) => {
                let mut ports = target.pod.iter().filter(|pod| !pod.host_network).flat_map(|pod| &pod.ports);
                ports.any(|known| known.name == *name && known.number == port && known.protocol == protocol)
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        match (&self.port, self.end_port) {
            (Some(NameOrNumber::Number(first)), Some(last)) if last < *first => {
                Err(format!("endPort {last} is below port {first}"))
            }
            (None | Some(NameOrNumber::Name(_)), Some(last)) => Err(format!("endPort {last} without a port number")),
            (Some(NameOrNumber::Number(0)), _) => Err("port 0".to_owned()),
            (Some(NameOrNumber::Name(name)), _) if name.is_empty() || name.len() > 15 => {
                Err(format!("port name {name:?}"))
            }
            _ => Ok(()),
        }
    }
}

impl Selector {
    fn matches(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.matches(labels))
    }

    fn check(&self) -> Result<(), String> {
        for Requirement { key, operator, values } in &self.match_expressions {
            let wants_values = matches!(operator, Operator::In | Operator::NotIn);
            if wants_values == values.is_empty() {
                return Err(format!("{operator:?} of {key} with {} values", values.len()));
            }
        }
        Ok(())
    }
}

impl Requirement {
    /// An absent label is not in any list.
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

fn cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let refuse = || format!("{text:?} is no address block");
    let (ip, prefix) = text.split_once('/').ok_or_else(refuse)?;
    let ip: IpAddr = ip.parse().map_err(|_| refuse())?;
    let prefix: u8 = prefix.parse().map_err(|_| refuse())?;
    if prefix > if ip.is_ipv4() { 32 } else { 128 } { Err(refuse()) } else { Ok((ip, prefix)) }
}

fn in_block(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (ip.to_bits() ^ network.to_bits()).checked_shr(32 - u32::from(prefix)).unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            (ip.to_bits() ^ network.to_bits()).checked_shr(128 - u32::from(prefix)).unwrap_or(0) == 0
        }
        _ => false,
    }
}
