//! A system written by hand in the shape of budget-app, with models: policies and edge table apart, as two people would.

use crate::cast::Protocol;
use crate::proof::{End, ExpectedEdge};
use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "budget-app";

/// A workload of the fixture's namespace.
pub(crate) fn workload(kind: &str, name: &str, ports: &[(&str, u16)]) -> Value {
    let ports: Vec<Value> = ports.iter().map(|(name, port)| json!({"name": name, "containerPort": port})).collect();
    let pod = json!({
        "metadata": {"labels": labels(name)},
        "spec": {"containers": [{"name": name, "image": "x", "ports": ports}]},
    });
    let spec =
        if kind == "CronJob" { json!({"jobTemplate": {"spec": {"template": pod}}}) } else { json!({"template": pod}) };
    json!({"kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})
}

/// A policy of the fixture's namespace for one component.
pub(crate) fn policy(name: &str, ingress: &Value, egress: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "podSelector": {"matchLabels": labels(name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    })
}

pub(crate) fn default_deny() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "default-deny", "namespace": NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    })
}

pub(crate) fn objects() -> Vec<Value> {
    let cluster_addresses = json!(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]);
    vec![
        json!({"kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}),
        workload("Deployment", "gateway", &[("http", 8889), ("metrics", 8890)]),
        workload("Deployment", "auth-data", &[("http", 8888), ("metrics", 8890)]),
        workload("Deployment", "models", &[("http", 8887), ("metrics", 8890)]),
        workload("StatefulSet", "postgres", &[("postgres", 5432)]),
        workload("Job", "db-init", &[]),
        workload("CronJob", "backup", &[]),
        workload("Deployment", "prometheus", &[("http", 9090)]),
        workload("Deployment", "grafana", &[("http", 3000)]),
        workload("Deployment", "alertmanager", &[("http", 9093)]),
        default_deny(),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "dns", "namespace": NAMESPACE},
            "spec": {
                "podSelector": {},
                "policyTypes": ["Egress"],
                "egress": [
                    {"to": [{
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                    }], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                    {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                ],
            },
        }),
        policy(
            "gateway",
            &json!([
                {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}], "ports": [{"port": "http"}]},
                {"from": [pods("prometheus")], "ports": [{"port": "metrics"}]},
            ]),
            &json!([{"to": [pods("auth-data"), pods("models")], "ports": [{"port": "http"}]}]),
        ),
        policy(
            "auth-data",
            &json!([
                {"from": [pods("gateway")], "ports": [{"port": "http"}]},
                {"from": [pods("prometheus")], "ports": [{"port": "metrics"}]},
            ]),
            &json!([
                {"to": [pods("postgres")], "ports": [{"port": "postgres"}]},
                {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": cluster_addresses}}], "ports": [{"port": 443}]},
            ]),
        ),
        policy(
            "models",
            &json!([
                {"from": [pods("gateway")], "ports": [{"port": "http"}]},
                {"from": [pods("prometheus")], "ports": [{"port": "metrics"}]},
            ]),
            &json!([]),
        ),
        policy(
            "postgres",
            &json!([{
                "from": [{"podSelector": {"matchExpressions": [
                    {"key": "app.kubernetes.io/name", "operator": "In", "values": ["auth-data", "db-init", "backup"]},
                ]}}],
                "ports": [{"port": 5432}],
            }]),
            &json!([]),
        ),
        policy("db-init", &json!([]), &json!([{"to": [pods("postgres")], "ports": [{"port": 5432}]}])),
        policy("backup", &json!([]), &json!([{"to": [pods("postgres")], "ports": [{"port": 5432}]}])),
        policy(
            "prometheus",
            &json!([{"from": [pods("grafana")], "ports": [{"port": "http"}]}]),
            &json!([
                {"to": [pods("gateway"), pods("auth-data"), pods("models")], "ports": [{"port": "metrics"}]},
                {"to": [pods("alertmanager")], "ports": [{"port": 9093}]},
                {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 443}]},
            ]),
        ),
        policy("grafana", &json!([]), &json!([{"to": [pods("prometheus")], "ports": [{"port": "http"}]}])),
        policy(
            "alertmanager",
            &json!([{"from": [pods("prometheus")], "ports": [{"port": "http"}]}]),
            &json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}, {"port": 587}]}]),
        ),
    ]
}

pub(crate) fn edges() -> Vec<ExpectedEdge> {
    let dns = vec![(53, Protocol::Udp), (53, Protocol::Tcp)];
    let kube_dns = End::Namespace("kube-system".to_owned(), vec![("k8s-app".to_owned(), "kube-dns".to_owned())]);
    let addresses = |blocks: &[&str]| End::Addresses(blocks.iter().map(|block| (*block).to_owned()).collect());
    let named = End::component;
    let mut edges = vec![
        ExpectedEdge { from: End::Everything, to: kube_dns, ports: dns.clone() },
        ExpectedEdge { from: End::Everything, to: addresses(&["169.254.20.10/32"]), ports: dns },
        ExpectedEdge::tcp(End::Namespace("ingress-nginx".to_owned(), Vec::new()), named("gateway"), 8889),
        ExpectedEdge::tcp(named("auth-data"), addresses(&["203.0.113.0/24"]), 443),
        ExpectedEdge::tcp(named("prometheus"), addresses(&["10.0.0.1/32"]), 443),
        ExpectedEdge::tcp(named("alertmanager"), addresses(&[]), 443),
        ExpectedEdge::tcp(named("alertmanager"), addresses(&[]), 587),
    ];
    for (from, to, port) in [
        ("gateway", "auth-data", 8888),
        ("gateway", "models", 8887),
        ("auth-data", "postgres", 5432),
        ("db-init", "postgres", 5432),
        ("backup", "postgres", 5432),
        ("prometheus", "gateway", 8890),
        ("prometheus", "auth-data", 8890),
        ("prometheus", "models", 8890),
        ("prometheus", "alertmanager", 9093),
        ("grafana", "prometheus", 9090),
    ] {
        edges.push(ExpectedEdge::tcp(named(from), named(to), port));
    }
    edges
}

fn labels(name: &str) -> Value {
    json!({"app.kubernetes.io/name": name, "app.kubernetes.io/instance": NAMESPACE})
}

pub(crate) fn pods(name: &str) -> Value {
    json!({"podSelector": {"matchLabels": labels(name)}})
}
