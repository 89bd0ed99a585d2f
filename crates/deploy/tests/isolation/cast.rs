//! Everybody who could connect: the pods of the rendered objects, and invented outsiders around them.
//!
//! The outsiders are the ones that a policy with a slip would let in: pods of another namespace with the very labels of ours,
//! a pod of our namespace that no workload of ours made, a DNS server in the wrong namespace, a wrong pod in the right one.

use crate::proof::{End, ExpectedEdge};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

pub(crate) type Labels = BTreeMap<String, String>;

/// A port that no container declares: an edge opens its port and not the whole pod.
pub(crate) const UNDECLARED: u16 = 49_151;

/// What addresses outside listen on.
const WELL_KNOWN: &[u16] = &[80, 443, 587, 5432, 6443];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "TCP")]
    Tcp,
    #[serde(rename = "UDP")]
    Udp,
    #[serde(rename = "SCTP")]
    Sctp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerPort {
    pub(crate) name: String,
    pub(crate) number: u16,
    pub(crate) protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Made from a pod template of the rendered objects.
    Rendered,
    /// In the namespace of the rendered objects, but made by nobody we know.
    Stranger,
    /// In another namespace, or an address.
    Outsider,
}

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    pub(crate) labels: Labels,
    pub(crate) ports: Vec<ContainerPort>,
    /// Policies neither select nor govern pods in the node's network.
    pub(crate) host_network: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Unique in the cast: `gateway`, `kube-system/dns`, `world`.
    pub(crate) name: String,
    /// `app.kubernetes.io/name` of a rendered pod: what edges call it. Else the name.
    pub(crate) component: String,
    pub(crate) origin: Origin,
    /// Absent: an address outside of the cluster.
    pub(crate) pod: Option<Pod>,
    pub(crate) ip: Ipv4Addr,
    /// Of a second replica, to which connections from a member to itself go. Outsiders have none.
    pub(crate) twin: Option<Ipv4Addr>,
    /// Ports to try, when it is the target.
    pub(crate) probes: BTreeSet<(u16, Protocol)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) members: Vec<Member>,
    /// Labels of namespaces, by name, with the one that the API server adds.
    pub(crate) namespaces: BTreeMap<String, Labels>,
}

/// One connection: indices into the cast, port and protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Attempt {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        })
    }
}

impl Cast {
    /// The pods of the objects and nobody else.
    pub(crate) fn of(objects: &[Value]) -> Self {
        let mut cast = Self { members: Vec::new(), namespaces: BTreeMap::new() };
        for object in objects.iter().filter(|object| object["kind"] == "Namespace") {
            let name = text(object, "/metadata/name");
            cast.namespaces.entry(name.to_owned()).or_default().extend(labels(&object["metadata"]["labels"]));
        }
        for object in objects {
            if let Some(template) = template(object) {
                let pod = pod_of(namespace(object), &template);
                let workload = text(object, "/metadata/name").to_owned();
                let component = pod.labels.get("app.kubernetes.io/name").cloned().unwrap_or_else(|| workload.clone());
                let taken = cast.members.iter().any(|member| member.name == component);
                let name = if taken {
                    format!("{component} ({} {workload})", text(object, "/kind"))
                } else {
                    component.clone()
                };
                cast.add(name, component, Origin::Rendered, Some(pod), None);
            }
        }
        cast.name_namespaces();
        cast
    }

    /// The pods of the objects, outsiders that every system has around it, and those that the edges speak of.
    pub(crate) fn with_outsiders(objects: &[Value], edges: &[ExpectedEdge]) -> Self {
        let mut cast = Self::of(objects);
        let ours: Vec<Pod> = cast.members.iter().filter_map(|member| member.pod.clone()).collect();
        let homes: BTreeSet<String> = ours.iter().map(|pod| pod.namespace.clone()).collect();
        for home in &homes {
            cast.add_pod(Origin::Stranger, &format!("{home}/stranger"), home, &[], &[("http", 8080)]);
        }
        for pod in ours {
            let name = format!("impostors/{}", pod.labels.get("app.kubernetes.io/name").map_or("pod", String::as_str));
            if !cast.members.iter().any(|member| member.name == name) {
                let pod = Pod { namespace: "impostors".to_owned(), ..pod };
                cast.add(name.clone(), name, Origin::Outsider, Some(pod), None);
            }
        }
        let dns: &[(&str, &str)] = &[("k8s-app", "kube-dns")];
        let other: &[(&str, &str)] = &[("k8s-app", "metrics-server")];
        let controller: &[(&str, &str)] = &[("app.kubernetes.io/name", "ingress-nginx")];
        let prometheus: &[(&str, &str)] = &[("app.kubernetes.io/name", "prometheus")];
        let outsider = Origin::Outsider;
        cast.add_pod(outsider, "kube-system/dns", "kube-system", dns, &[("dns", 53), ("metrics", 9153)]);
        cast.add_pod(outsider, "kube-system/other", "kube-system", other, &[("dns", 53), ("https", 443)]);
        cast.add_pod(outsider, "impostors/dns", "impostors", dns, &[("dns", 53)]);
        cast.add_pod(
            outsider,
            "ingress-nginx/controller",
            "ingress-nginx",
            controller,
            &[("http", 80), ("https", 443)],
        );
        cast.add_pod(outsider, "monitoring/prometheus", "monitoring", prometheus, &[("web", 9090)]);
        cast.add_address("world", Ipv4Addr::new(203, 0, 113, 7));
        cast.add_address("company network", Ipv4Addr::new(192, 168, 77, 7));
        cast.add_address("api server", Ipv4Addr::new(10, 0, 0, 1));
        cast.add_address("node-local dns", Ipv4Addr::new(169, 254, 20, 10));
        cast.add_address("cloud metadata", Ipv4Addr::new(169, 254, 169, 254));
        cast.cast_ends(edges);
        cast.choose_probes(edges);
        cast.name_namespaces();
        cast
    }

    /// Every connection with one of the rendered objects' namespace at one end at least.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for (from, source) in self.members.iter().enumerate() {
            for (to, target) in self.members.iter().enumerate() {
                let strangers = source.origin == Origin::Outsider && target.origin == Origin::Outsider;
                if strangers || (from == to && target.twin.is_none()) {
                    continue;
                }
                attempts.extend(target.probes.iter().map(|&(port, protocol)| Attempt { from, to, port, protocol }));
            }
        }
        attempts
    }

    /// Who is at the other end: from a member to itself means to its second replica.
    pub(crate) fn target(&self, attempt: Attempt) -> Member {
        let target = self.members[attempt.to].clone();
        let ip = if attempt.from == attempt.to { target.twin.expect("a second replica") } else { target.ip };
        Member { ip, ..target }
    }

    /// `gateway → postgres TCP 5432 (postgres)`.
    pub(crate) fn describe(&self, attempt: Attempt) -> String {
        let Attempt { from, to, port, protocol } = attempt;
        let ports = self.members[to].pod.iter().flat_map(|pod| &pod.ports);
        let name =
            ports.filter(|p| p.number == port && p.protocol == protocol).map(|p| format!(" ({})", p.name)).next();
        let replica = if from == to { "another replica of " } else { "" };
        let name = name.unwrap_or_default();
        format!("{} → {replica}{} {protocol} {port}{name}", self.members[from].name, self.members[to].name)
    }

    pub(crate) fn add_address(&mut self, name: &str, ip: Ipv4Addr) {
        self.add(name.to_owned(), name.to_owned(), Origin::Outsider, None, Some(ip));
    }

    pub(crate) fn add_pod(
        &mut self,
        origin: Origin,
        name: &str,
        namespace: &str,
        labels: &[(&str, &str)],
        ports: &[(&str, u16)],
    ) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut container_ports = Vec::new();
        for &(name, number) in ports {
            container_ports.push(ContainerPort { name: name.to_owned(), number, protocol: Protocol::Tcp });
            if number == 53 {
                container_ports.push(ContainerPort { name: name.to_owned(), number, protocol: Protocol::Udp });
            }
        }
        let pod = Pod { namespace: namespace.to_owned(), labels, ports: container_ports, host_network: false };
        self.add(name.to_owned(), name.to_owned(), origin, Some(pod), None);
    }

    fn add(&mut self, name: String, component: String, origin: Origin, pod: Option<Pod>, ip: Option<Ipv4Addr>) {
        let number = u8::try_from(self.members.len() + 1).expect("fewer than 255 members");
        // pods in the node's network have the node's address
        let network = if pod.as_ref().is_some_and(|pod| pod.host_network) { [172, 18, 0] } else { [10, 244, 1] };
        let ip = ip.unwrap_or(Ipv4Addr::new(network[0], network[1], network[2], number));
        let twin =
            (origin == Origin::Rendered).then_some(Ipv4Addr::new(network[0], network[1], network[2] + 1, number));
        let mut probes: BTreeSet<_> = pod.iter().flat_map(|pod| &pod.ports).map(|p| (p.number, p.protocol)).collect();
        probes.insert((UNDECLARED, Protocol::Tcp));
        self.members.push(Member { name, component, origin, pod, ip, twin, probes });
    }

    /// Invents a pod or an address for each end of an edge that nobody plays yet, and a decoy beside the pod.
    fn cast_ends(&mut self, edges: &[ExpectedEdge]) {
        for end in edges.iter().flat_map(|edge| [&edge.from, &edge.to]) {
            match end {
                End::Namespace(namespace, labels) => {
                    if self.members.iter().any(|member| end.is(member)) {
                        continue;
                    }
                    let labels: Vec<(&str, &str)> =
                        labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                    self.add_pod(Origin::Outsider, &format!("{namespace}/chosen"), namespace, &labels, &[]);
                    if !labels.is_empty() {
                        self.add_pod(Origin::Outsider, &format!("{namespace}/decoy"), namespace, &[], &[]);
                    }
                }
                End::Addresses(blocks) => {
                    for block in blocks {
                        let one = End::Addresses(vec![block.clone()]);
                        if self.members.iter().any(|member| one.is(member)) {
                            continue;
                        }
                        if let Some((network, prefix)) = crate::proof::block(block) {
                            let host = u32::from(network) + u32::from(prefix < 31);
                            self.add_address(block, Ipv4Addr::from(host));
                        }
                    }
                }
                End::Component(_) | End::Everything => {}
            }
        }
    }

    /// Ports that edges speak of are tried on every target that an edge could mean.
    fn choose_probes(&mut self, edges: &[ExpectedEdge]) {
        for member in &mut self.members {
            if member.pod.is_none() {
                member.probes.extend(WELL_KNOWN.iter().map(|&port| (port, Protocol::Tcp)));
                member.probes.extend([(53, Protocol::Tcp), (53, Protocol::Udp)]);
            }
            let meant = edges.iter().filter(|edge| edge.to.is(member) || edge.to.covers(member));
            let ports: Vec<_> = meant.flat_map(|edge| edge.ports.iter().copied()).collect();
            member.probes.extend(ports);
        }
    }

    fn name_namespaces(&mut self) {
        let namespaces = self.members.iter().filter_map(|member| Some(member.pod.as_ref()?.namespace.clone()));
        for namespace in namespaces.collect::<BTreeSet<_>>() {
            self.namespaces.entry(namespace).or_default();
        }
        for (name, labels) in &mut self.namespaces {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.clone());
        }
    }
}

/// The pod template of anything that makes pods, or the pod itself.
fn template(object: &Value) -> Option<Value> {
    let kind = (text(object, "/apiVersion"), text(object, "/kind"));
    match kind {
        (_, "Pod") => Some(object.clone()),
        (_, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job") => {
            object.pointer("/spec/template").cloned()
        }
        (_, "CronJob") => object.pointer("/spec/jobTemplate/spec/template").cloned(),
        ("postgresql.cnpg.io/v1", "Cluster") => Some(instance(object)),
        _ => None,
    }
}

/// A pod as CloudNativePG makes it: labels and ports are the operator's ("Labels and Annotations", "Networking").
fn instance(cluster: &Value) -> Value {
    let mut labels = cluster.pointer("/spec/inheritedMetadata/labels").cloned().unwrap_or_else(|| json!({}));
    for (key, value) in
        [("cluster", text(cluster, "/metadata/name")), ("podRole", "instance"), ("instanceRole", "primary")]
    {
        labels[format!("cnpg.io/{key}")] = json!(value);
    }
    let ports = json!([
        {"name": "postgresql", "containerPort": 5432},
        {"name": "metrics", "containerPort": 9187},
        {"name": "status", "containerPort": 8000},
    ]);
    json!({"metadata": {"labels": labels}, "spec": {"containers": [{"ports": ports}]}})
}

fn pod_of(namespace: &str, template: &Value) -> Pod {
    let spec = &template["spec"];
    let containers = spec["containers"].as_array().into_iter().flatten();
    // init containers that restart are sidecars: they run as long as the pod
    let sidecars = spec["initContainers"].as_array().into_iter().flatten().filter(|c| c["restartPolicy"] == "Always");
    let ports = containers.chain(sidecars).flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let port = |port: &Value| ContainerPort {
        name: text(port, "/name").to_owned(),
        number: u16::try_from(port["containerPort"].as_u64().unwrap_or_default()).expect("a port number"),
        protocol: match port["protocol"].as_str() {
            None | Some("TCP") => Protocol::Tcp,
            Some("UDP") => Protocol::Udp,
            Some("SCTP") => Protocol::Sctp,
            Some(other) => panic!("protocol {other}"),
        },
    };
    Pod {
        namespace: namespace.to_owned(),
        labels: labels(&template["metadata"]["labels"]),
        ports: ports.map(port).collect(),
        host_network: spec["hostNetwork"] == true,
    }
}

pub(crate) fn namespace(object: &Value) -> &str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default")
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn labels(value: &Value) -> Labels {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().expect("labels are text").to_owned())).collect()
}
