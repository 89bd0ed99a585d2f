//! The proof: what the policies let through is what the edge table says, connection by connection.

use crate::cast::{Attempt, Cast, Member, Origin, Protocol};
use crate::evaluator::{Blocks, Policies};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// A row of the edge table, both ends resolved.
#[derive(Debug, Clone)]
pub(crate) struct ExpectedEdge {
    pub(crate) from: End,
    pub(crate) to: End,
    pub(crate) ports: Vec<(u16, Protocol)>,
}

#[derive(Debug, Clone)]
pub(crate) enum End {
    /// Rendered pods by `app.kubernetes.io/name`.
    Component(String),
    /// Every rendered pod.
    Everything,
    /// Pods of another namespace; with these labels, or all of them.
    Namespace(String, Vec<(String, String)>),
    /// Addresses; empty means any.
    Addresses(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Open,
    Closed,
    /// The table does not say, and network plugins differ.
    Either,
}

/// The cast, what the policies say of each attempt, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) cast: Cast,
    /// By address, as the test between network namespaces sees it.
    pub(crate) matrix: BTreeMap<Attempt, bool>,
    pub(crate) violations: Vec<String>,
}

impl ExpectedEdge {
    pub(crate) fn tcp(from: End, to: End, port: u16) -> Self {
        Self { from, to, ports: vec![(port, Protocol::Tcp)] }
    }
}

impl End {
    pub(crate) fn component(name: &str) -> Self {
        Self::Component(name.to_owned())
    }

    /// Whether this end means the member, on every cluster.
    pub(crate) fn is(&self, member: &Member) -> bool {
        match (self, &member.pod) {
            (Self::Component(name), _) => member.origin == Origin::Rendered && member.component == *name,
            (Self::Everything, _) => member.origin == Origin::Rendered,
            (Self::Namespace(namespace, labels), Some(pod)) => {
                pod.namespace == *namespace && labels.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
            }
            (Self::Addresses(blocks), None) => holds(blocks, member.ip),
            (Self::Namespace(..), None) | (Self::Addresses(_), Some(_)) => false,
        }
    }

    /// Whether this end means addresses that a foreign pod has: plugins differ on whether the pod is meant.
    /// Our own pods are never meant, whatever block they are in.
    pub(crate) fn covers(&self, member: &Member) -> bool {
        match self {
            Self::Addresses(blocks) => {
                member.origin == Origin::Outsider && member.pod.is_some() && holds(blocks, member.ip)
            }
            Self::Component(_) | Self::Everything | Self::Namespace(..) => false,
        }
    }
}

/// Judges the policies of the objects against the edges.
///
/// # Errors
/// Objects that the API server would refuse, and edges that mean nobody: a proof about nobody proves nothing.
pub(crate) fn judge(objects: &[Value], edges: &[ExpectedEdge]) -> Result<Verdict, String> {
    let cast = Cast::with_outsiders(objects, edges);
    let policies = Policies::of(objects, &cast)?;
    if !cast.members.iter().any(|member| member.origin == Origin::Rendered) {
        return Err("the objects make no pods".to_owned());
    }
    for edge in edges {
        let played = |end: &End| cast.members.iter().any(|member| end.is(member));
        if !played(&edge.from) || !played(&edge.to) || edge.ports.is_empty() {
            return Err(format!("the edge means no connection: {edge:?}"));
        }
    }
    let matrix = policies.matrix(&cast, Blocks::PodsToo);
    let outside_only = policies.matrix(&cast, Blocks::OutsideOnly);
    let mut violations = Vec::new();
    for (&attempt, &by_address) in &matrix {
        let strict = outside_only[&attempt];
        let complaint = match (expected(&cast, edges, attempt), strict, by_address) {
            (Expected::Either, _, _) | (Expected::Open, true, true) | (Expected::Closed, false, false) => continue,
            (Expected::Closed, true, _) => "is open, and no edge says so",
            (Expected::Closed, false, true) => {
                "is open where the network plugin matches pods by address, and no edge says so"
            }
            (Expected::Open, false, false) => "is closed, and an edge needs it",
            (Expected::Open, _, _) => {
                "is open only where the network plugin matches pods by address, and an edge needs it"
            }
        };
        violations.push(format!("{} {complaint}", cast.describe(attempt)));
    }
    Ok(Verdict { cast, matrix, violations })
}

/// As [`judge`], for tests: panics with every connection that is not as the table says.
pub(crate) fn prove(objects: &[Value], edges: &[ExpectedEdge]) -> Verdict {
    let verdict = judge(objects, edges).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        verdict.violations.is_empty(),
        "{} of {} connections are not as the edge table says:\n{}",
        verdict.violations.len(),
        verdict.matrix.len(),
        verdict.violations.join("\n")
    );
    verdict
}

fn expected(cast: &Cast, edges: &[ExpectedEdge], attempt: Attempt) -> Expected {
    let (source, target) = (&cast.members[attempt.from], &cast.members[attempt.to]);
    let says = |edge: &&ExpectedEdge| edge.ports.contains(&(attempt.port, attempt.protocol));
    let direct = |source: &Member| edges.iter().filter(says).any(|edge| edge.from.is(source) && edge.to.is(target));
    if direct(source) {
        return Expected::Open;
    }
    // what all our pods may do, a policy for the whole namespace may grant
    let mut ours = cast.members.iter().filter(|member| member.origin == Origin::Rendered);
    if source.origin == Origin::Stranger && ours.all(direct) {
        return Expected::Either;
    }
    let means = |end: &End, member: &Member| end.is(member) || end.covers(member);
    let loose = edges.iter().filter(says).any(|edge| means(&edge.from, source) && means(&edge.to, target));
    if loose { Expected::Either } else { Expected::Closed }
}

fn holds(blocks: &[String], ip: Ipv4Addr) -> bool {
    let inside = |(network, prefix): (Ipv4Addr, u8)| {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        u32::from(ip) & mask == u32::from(network) & mask
    };
    blocks.is_empty() || blocks.iter().filter_map(|text| block(text)).any(inside)
}

/// The network and the prefix length of a block in the edge table. The cast has IPv4 addresses only, so IPv6 means nobody.
pub(crate) fn block(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (ip, prefix) = text.split_once('/').unwrap_or((text, "32"));
    let ip: IpAddr = ip.parse().expect("an address block");
    let IpAddr::V4(ip) = ip else { return None };
    Some((ip, prefix.parse().expect("a prefix length")))
}
