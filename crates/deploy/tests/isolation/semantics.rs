//! The evaluator against the semantics that people get wrong.
//!
//! Each test states a fact of the Kubernetes documentation ("Network Policies", API reference) or of
//! ahmetb/kubernetes-network-policy-recipes, on a small cluster: `web` and `db` in `shop`, `client` in `shop` and in `other`.

use crate::cast::{Cast, Origin, Protocol};
use crate::evaluator::{Blocks, Policies};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

fn cluster() -> (Vec<Value>, Cast) {
    let objects = vec![
        json!({"kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "sales"}}}),
        json!({"kind": "Namespace", "metadata": {"name": "other", "labels": {"team": "operations"}}}),
    ];
    let mut cast = Cast::of(&objects);
    let mut pod = |name, namespace, labels: &[(&str, &str)], ports: &[(&str, u16)]| {
        cast.add_pod(Origin::Rendered, name, namespace, labels, ports);
    };
    pod("web", "shop", &[("app", "web")], &[("http", 8080), ("metrics", 9000)]);
    pod("db", "shop", &[("app", "db")], &[("sql", 5432), ("http", 8081)]);
    pod("client", "shop", &[("app", "client"), ("tier", "front")], &[]);
    pod("foreign", "other", &[("app", "client")], &[("http", 8080)]);
    pod("monitor", "other", &[("type", "monitoring")], &[]);
    cast.add_address("world", Ipv4Addr::new(203, 0, 113, 7));
    for namespace in ["shop", "other"] {
        let labels = cast.namespaces.get_mut(namespace).unwrap();
        labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.to_owned());
    }
    (objects, cast)
}

fn policy(spec: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
}

/// Who reaches a member's port, under policies with these specs.
fn reach(specs: &[Value], target: &str, port: u16) -> Vec<String> {
    reach_as(specs, target, port, Protocol::Tcp, Blocks::PodsToo)
}

fn reach_as(specs: &[Value], target: &str, port: u16, protocol: Protocol, blocks: Blocks) -> Vec<String> {
    let (mut objects, cast) = cluster();
    objects.extend(specs.iter().map(policy));
    let policies = Policies::of(&objects, &cast).unwrap_or_else(|error| panic!("{error}"));
    let to = cast.members.iter().find(|member| member.name == target).unwrap();
    let sources = cast.members.iter().filter(|member| member.name != target);
    sources.filter(|from| policies.allow(from, to, port, protocol, blocks)).map(|from| from.name.clone()).collect()
}

fn refused(spec: &Value) -> String {
    let (mut objects, cast) = cluster();
    objects.push(policy(spec));
    Policies::of(&objects, &cast).unwrap_err()
}

const EVERYBODY: [&str; 5] = ["db", "client", "foreign", "monitor", "world"];

#[test]
fn without_a_policy_everything_is_open() {
    assert_eq!(reach(&[], "web", 8080), EVERYBODY);
    assert_eq!(reach(&[], "world", 443), ["web", "db", "client", "foreign", "monitor"]);
}

#[test]
fn an_empty_pod_selector_selects_the_policys_namespace_only() {
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
    assert!(reach(std::slice::from_ref(&deny), "web", 8080).is_empty());
    assert!(reach(std::slice::from_ref(&deny), "db", 5432).is_empty());
    assert_eq!(reach(&[deny], "foreign", 8080), ["web", "db", "client", "monitor", "world"]);
}

#[test]
fn an_empty_rule_is_everything_and_an_empty_list_is_nothing() {
    assert_eq!(reach(&[json!({"podSelector": {}, "ingress": [{}]})], "web", 8080), EVERYBODY);
    assert_eq!(reach(&[json!({"podSelector": {}, "ingress": [{"from": [], "ports": []}]})], "web", 8080), EVERYBODY);
    assert!(reach(&[json!({"podSelector": {}, "ingress": []})], "web", 8080).is_empty());
}

#[test]
fn policy_types_default_to_ingress_and_to_egress_when_there_are_egress_rules() {
    // no types, no rules: ingress is denied, egress stays open
    let bare = json!({"podSelector": {}});
    assert!(reach(std::slice::from_ref(&bare), "web", 8080).is_empty());
    assert_eq!(reach(&[bare], "world", 443), ["web", "db", "client", "foreign", "monitor"]);
    // an empty list of egress rules is no egress rule
    assert_eq!(reach(&[json!({"podSelector": {}, "egress": []})], "world", 443).len(), 5);
    // egress rules without types isolate ingress as well
    let egress = json!({"podSelector": {"matchLabels": {"app": "web"}}, "egress": [{"ports": [{"port": 443}]}]});
    assert_eq!(reach(std::slice::from_ref(&egress), "world", 443).len(), 5);
    assert_eq!(reach(std::slice::from_ref(&egress), "world", 80), ["db", "client", "foreign", "monitor"]);
    assert!(reach(&[egress], "web", 8080).is_empty());
    // with types, an ingress section counts for nothing when Ingress is not among them
    let only = json!({"podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}]});
    assert_eq!(reach(std::slice::from_ref(&only), "web", 8080), ["foreign", "monitor", "world"]);
}

#[test]
fn isolation_is_per_direction() {
    let egress = json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"]});
    assert_eq!(reach(std::slice::from_ref(&egress), "web", 8080), EVERYBODY);
    assert_eq!(reach(&[egress], "db", 5432), ["client", "foreign", "monitor", "world"]);
}

#[test]
fn a_connection_needs_egress_at_its_source_and_ingress_at_its_target() {
    let out = json!({"podSelector": {"matchLabels": {"app": "client"}}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]});
    let shut = json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]});
    assert!(reach(std::slice::from_ref(&out), "web", 8080).contains(&"client".to_owned()));
    assert!(!reach(std::slice::from_ref(&out), "db", 5432).contains(&"client".to_owned()));
    assert!(reach(&[out, shut], "web", 8080).is_empty());
}

#[test]
fn a_pod_selector_alone_means_the_policys_own_namespace() {
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["client"]);
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["db", "client"]);
}

#[test]
fn two_selectors_in_one_peer_are_and_in_two_peers_or() {
    let namespace = json!({"matchLabels": {"team": "operations"}});
    let pods = json!({"matchLabels": {"type": "monitoring"}});
    let and =
        json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": namespace, "podSelector": pods}]}]});
    assert_eq!(reach(&[and], "web", 8080), ["monitor"]);
    let or =
        json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": namespace}, {"podSelector": pods}]}]});
    assert_eq!(reach(&[or], "web", 8080), ["foreign", "monitor"]);
}

#[test]
fn an_empty_namespace_selector_is_every_namespace_but_no_address() {
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["db", "client", "foreign", "monitor"]);
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "client"}}}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["client", "foreign"]);
}

#[test]
fn namespaces_are_known_by_the_label_that_the_api_server_adds() {
    let selector =
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["other"]}]});
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": selector}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["foreign", "monitor"]);
}

#[test]
fn expressions_are_all_needed_and_an_absent_label_is_not_in_a_list() {
    let from = |expressions: Value| {
        let peer = json!({"namespaceSelector": {}, "podSelector": {"matchExpressions": expressions}});
        reach(&[json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": [peer]}]})], "web", 8080)
    };
    assert_eq!(
        from(json!([{"key": "app", "operator": "In", "values": ["client", "db"]}])),
        ["db", "client", "foreign"]
    );
    assert_eq!(from(json!([{"key": "app", "operator": "NotIn", "values": ["client"]}])), ["db", "monitor"]);
    assert_eq!(from(json!([{"key": "tier", "operator": "Exists"}])), ["client"]);
    assert_eq!(from(json!([{"key": "tier", "operator": "DoesNotExist"}])), ["db", "foreign", "monitor"]);
    let both = json!([{"key": "app", "operator": "Exists"}, {"key": "tier", "operator": "DoesNotExist"}]);
    assert_eq!(from(both), ["db", "foreign"]);
}

#[test]
fn policies_add_up_and_never_take_away() {
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    let client = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]});
    let foreign = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "operations"}}}]}]});
    // db's own egress is denied by the first
    assert_eq!(reach(&[deny, client.clone(), foreign.clone()], "web", 8080), ["foreign", "monitor"]);
    assert_eq!(reach(&[client, foreign], "web", 8080), ["db", "foreign", "monitor"]);
}

#[test]
fn peers_and_ports_of_one_rule_belong_together() {
    let spec = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [
        {"from": [{"podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": 8080}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "operations"}}}], "ports": [{"port": 9000}]},
    ]});
    assert_eq!(reach(std::slice::from_ref(&spec), "web", 8080), ["client"]);
    assert_eq!(reach(&[spec], "web", 9000), ["foreign", "monitor"]);
}

#[test]
fn a_named_port_has_the_number_that_the_target_gives_it() {
    let ingress = json!({"podSelector": {}, "ingress": [{"ports": [{"port": "http"}]}]});
    assert_eq!(reach(std::slice::from_ref(&ingress), "web", 8080), EVERYBODY);
    assert!(reach(std::slice::from_ref(&ingress), "web", 8081).is_empty());
    assert_eq!(reach(std::slice::from_ref(&ingress), "db", 8081).len(), 5);
    assert!(reach(&[ingress], "db", 8080).is_empty());
    // in egress too it is the target's name, and addresses have none
    let egress = json!({"podSelector": {"matchLabels": {"app": "client"}}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": "http"}]}]});
    assert!(reach(std::slice::from_ref(&egress), "db", 8081).contains(&"client".to_owned()));
    assert!(reach(std::slice::from_ref(&egress), "foreign", 8080).contains(&"client".to_owned()));
    assert!(!reach(&[egress], "world", 8080).contains(&"client".to_owned()));
}

#[test]
fn a_port_is_tcp_unless_it_says_otherwise() {
    let rule = |port: Value| json!({"podSelector": {}, "ingress": [{"ports": [port]}]});
    let udp = |spec: Value| reach_as(&[spec], "web", 53, Protocol::Udp, Blocks::PodsToo).len();
    assert_eq!(udp(rule(json!({"port": 53}))), 0);
    assert_eq!(udp(rule(json!({"port": 53, "protocol": "UDP"}))), 5);
    // a protocol without a port is all its ports
    assert_eq!(udp(rule(json!({"protocol": "UDP"}))), 5);
    assert_eq!(reach(&[rule(json!({"protocol": "UDP"}))], "web", 53).len(), 0);
    // a name belongs to one protocol
    let wrong = [rule(json!({"port": "http", "protocol": "UDP"}))];
    assert_eq!(reach(&wrong, "web", 8080).len(), 0);
    assert_eq!(reach_as(&wrong, "web", 8080, Protocol::Udp, Blocks::PodsToo).len(), 0);
}

#[test]
fn a_range_has_both_ends() {
    let spec = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 8000, "endPort": 8080}]}]});
    for (port, count) in [(7999, 0), (8000, 5), (8080, 5), (8081, 0)] {
        assert_eq!(reach(std::slice::from_ref(&spec), "web", port).len(), count, "{port}");
    }
}

#[test]
fn a_block_has_exceptions_and_may_or_may_not_mean_pods() {
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.64/26"]}}]}]});
    assert_eq!(reach(&[spec], "web", 8080), ["world"]);
    let spec = json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.0/29"]}}]}]});
    assert!(reach(&[spec], "web", 8080).is_empty());
    let any = [json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]})];
    assert_eq!(reach_as(&any, "web", 8080, Protocol::Tcp, Blocks::PodsToo), EVERYBODY);
    assert_eq!(reach_as(&any, "web", 8080, Protocol::Tcp, Blocks::OutsideOnly), ["world"]);
    let six = [json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "::/0"}}]}]})];
    assert!(reach(&six, "web", 8080).is_empty());
}

#[test]
fn pods_in_the_nodes_network_are_neither_governed_nor_meant() {
    let (mut objects, mut cast) = cluster();
    let deny =
        json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"podSelector": {}}]}]});
    objects.push(policy(&deny));
    cast.members[2].pod.as_mut().unwrap().host_network = true;
    let policies = Policies::of(&objects, &cast).unwrap();
    let allow = |from: usize, to: usize| {
        policies.allow(&cast.members[from], &cast.members[to], 8080, Protocol::Tcp, Blocks::PodsToo)
    };
    assert!(allow(3, 2), "its ingress is not isolated");
    assert!(!allow(2, 0), "it is no pod of the namespace to others");
}

#[test]
fn what_the_api_server_refuses_is_refused() {
    let ingress = |rule: Value| refused(&json!({"podSelector": {}, "ingress": [rule]}));
    assert!(ingress(json!({"form": []})).contains("unknown field `form`"));
    assert!(ingress(json!({"to": []})).contains("unknown field `to`"));
    assert!(ingress(json!({"from": [{}]})).contains("without selectors"));
    assert!(
        ingress(json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}))
            .contains("ipBlock and a selector")
    );
    assert!(ingress(json!({"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]})).contains("no address block"));
    assert!(ingress(json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}]})).contains("no address block"));
    let except = json!({"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]});
    assert!(ingress(json!({"from": [{"ipBlock": except}]})).contains("not a part of"));
    assert!(ingress(json!({"ports": [{"port": "http", "endPort": 90}]})).contains("without a port number"));
    assert!(ingress(json!({"ports": [{"port": 90, "endPort": 80}]})).contains("below"));
    assert!(ingress(json!({"ports": [{"port": 70000}]})).contains("did not match"));
    assert!(ingress(json!({"ports": [{"port": 80, "protocol": "tcp"}]})).contains("unknown variant"));
    let select = |expression: Value| refused(&json!({"podSelector": {"matchExpressions": [expression]}}));
    assert!(select(json!({"key": "a", "operator": "In"})).contains("0 values"));
    assert!(select(json!({"key": "a", "operator": "Exists", "values": ["b"]})).contains("1 values"));
    assert!(select(json!({"key": "a", "operator": "Equals"})).contains("unknown variant"));
    assert!(refused(&json!({"podSelector": {}, "policyTypes": ["ingress"]})).contains("unknown variant"));
}
