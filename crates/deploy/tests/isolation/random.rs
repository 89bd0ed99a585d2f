//! Random policies: the evaluator and the router must agree on each, though they share no code.

use crate::cast::{Cast, Origin};
use crate::evaluator::{Blocks, Policies};
use crate::netns::{Laboratory, differences, inside};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const ROUNDS: u64 = 150;

/// SplitMix64: enough for choices, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick(&mut self, choices: &[Value]) -> Value {
        choices[self.roll(choices.len())].clone()
    }

    fn list(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> Value) -> Value {
        (0..self.roll(most + 1)).map(|_| one(self)).collect()
    }
}

fn selector(dice: &mut Dice, keys: &[(&str, &[&str])]) -> Value {
    let (key, values) = keys[dice.roll(keys.len())];
    let value = values[dice.roll(values.len())];
    let operator = ["In", "NotIn"][dice.roll(2)];
    let presence = ["Exists", "DoesNotExist"][dice.roll(2)];
    dice.pick(&[
        json!({}),
        json!({"matchLabels": {key: value}}),
        json!({"matchLabels": {key: value}}),
        json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}),
        json!({"matchExpressions": [{"key": key, "operator": presence}, {"key": "app", "operator": operator, "values": [value]}]}),
    ])
}

const PODS: &[(&str, &[&str])] = &[("app", &["a", "b"]), ("tier", &["front", "back"])];
const NAMESPACES: &[(&str, &[&str])] = &[("kubernetes.io/metadata.name", &["one", "two"]), ("team", &["red"])];

fn peer(dice: &mut Dice) -> Value {
    let (pods, namespaces) = (selector(dice, PODS), selector(dice, NAMESPACES));
    dice.pick(&[
        json!({"podSelector": pods}),
        json!({"namespaceSelector": namespaces}),
        json!({"podSelector": pods, "namespaceSelector": namespaces}),
        json!({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}),
        json!({"ipBlock": {"cidr": "10.244.1.0/29", "except": ["10.244.1.2/32", "10.244.1.4/31"]}}),
        json!({"ipBlock": {"cidr": "0.0.0.0/0"}}),
    ])
}

fn port(dice: &mut Dice) -> Value {
    dice.pick(&[
        json!({"port": "http"}),
        json!({"port": 8080}),
        json!({"port": 53, "protocol": "UDP"}),
        json!({"protocol": "UDP"}),
        json!({"protocol": "TCP"}),
        json!({"port": 53, "endPort": 8080}),
        json!({"port": "dns", "protocol": "UDP"}),
    ])
}

fn policy(dice: &mut Dice, index: usize) -> Value {
    let mut spec = json!({"podSelector": selector(dice, PODS)});
    let rules = |dice: &mut Dice, peers: &str| {
        dice.list(2, |dice| json!({peers: dice.list(2, peer), "ports": dice.list(2, port)}))
    };
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        if dice.roll(3) > 0 {
            spec[direction] = rules(dice, peers);
        }
    }
    let types = dice.pick(&[json!(null), json!(["Ingress"]), json!(["Egress"]), json!(["Ingress", "Egress"])]);
    if !types.is_null() {
        spec["policyTypes"] = types;
    }
    let namespace = ["one", "two"][dice.roll(2)];
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": format!("p{index}"), "namespace": namespace},
        "spec": spec,
    })
}

#[test]
fn evaluator_and_router_agree_on_random_policies() {
    let namespaces = [
        json!({"kind": "Namespace", "metadata": {"name": "one", "labels": {"team": "red", "kubernetes.io/metadata.name": "one"}}}),
        json!({"kind": "Namespace", "metadata": {"name": "two", "labels": {"kubernetes.io/metadata.name": "two"}}}),
    ];
    let mut cast = Cast::of(&namespaces);
    for (name, namespace, labels, http) in [
        ("one/a", "one", [("app", "a"), ("tier", "front")].as_slice(), 8080),
        ("one/b", "one", &[("app", "b"), ("tier", "back")], 8081),
        ("one/bare", "one", &[], 8080),
        ("two/a", "two", &[("app", "a")], 8080),
        ("two/b", "two", &[("app", "b"), ("tier", "front")], 8081),
    ] {
        cast.add_pod(Origin::Rendered, name, namespace, labels, &[("http", http), ("dns", 53)]);
    }
    cast.add_address("world", Ipv4Addr::new(203, 0, 113, 7));
    inside("random::evaluator_and_router_agree_on_random_policies", || {
        let laboratory = Laboratory::open(&cast);
        let (mut open, mut closed) = (0, 0);
        for seed in 0..ROUNDS {
            let mut dice = Dice(seed);
            let count = 1 + dice.roll(4);
            let objects: Vec<Value> = (0..count).map(|index| policy(&mut dice, index)).collect();
            let policies = Policies::of(&objects, &cast).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let expected = policies.matrix(&cast, Blocks::PodsToo);
            let found = differences(&laboratory, &cast, &objects, &expected);
            assert!(found.is_empty(), "seed {seed}: {found:#?}\n{:#}", Value::Array(objects));
            open += expected.values().filter(|open| **open).count();
            closed += expected.values().filter(|open| !**open).count();
        }
        assert!(open * 4 > closed && closed * 4 > open, "{open} open, {closed} closed: the dice are loaded");
    });
}
