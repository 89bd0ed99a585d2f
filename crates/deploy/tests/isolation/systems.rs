//! Systems proven against their edge tables, and that the proof notices holes and lacks.

use crate::cast::{Cast, UNDECLARED};
use crate::fixture::{self, NAMESPACE, default_deny, edges, objects, pods, policy, workload};
use crate::netns::{Laboratory, differences, inside};
use crate::proof::{End, ExpectedEdge, Verdict, judge, prove};
use serde_json::{Value, json};
use std::time::Instant;

/// Proves the matrix on paper, then tries every connection of it between network namespaces. `test` is the full name of the
/// calling test, which runs itself once more inside.
pub(crate) fn prove_for_real(test: &str, objects: &[Value], edges: &[ExpectedEdge]) {
    enforce(test, objects, &prove(objects, edges));
}

/// The matrix against the router.
fn enforce(test: &str, objects: &[Value], verdict: &Verdict) {
    let Verdict { cast, matrix, .. } = verdict;
    inside(test, || {
        let started = Instant::now();
        let laboratory = Laboratory::open(cast);
        let unfiltered = matrix.keys().map(|attempt| (*attempt, true)).collect();
        let found = differences(&laboratory, cast, &[], &unfiltered);
        assert!(found.is_empty(), "without policies all connect, or closed means nothing:\n{}", found.join("\n"));
        let found = differences(&laboratory, cast, objects, matrix);
        assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
        println!("{} connections of {} members tried in {:?}", matrix.len(), cast.members.len(), started.elapsed());
    });
}

#[test]
fn the_fixture_opens_its_edges_and_nothing_else() {
    let verdict = prove(&objects(), &edges());
    assert!(verdict.matrix.len() > 1000, "{}", verdict.matrix.len());
    // nine pods ask two DNS servers in two protocols; two senders reach the world
    assert!(verdict.matrix.values().filter(|open| **open).count() > 40);
}

#[test]
fn the_fixture_holds_between_network_namespaces() {
    prove_for_real("systems::the_fixture_holds_between_network_namespaces", &objects(), &edges());
}

#[test]
fn default_deny_denies_both_directions_for_real() {
    let objects = [
        workload("Deployment", "gateway", &[("http", 8889)]),
        workload("Deployment", "auth-data", &[("http", 8888)]),
        default_deny(),
    ];
    let verdict = prove(&objects, &[]);
    assert!(verdict.matrix.values().all(|open| !open), "nobody connects to anybody");
    prove_for_real("systems::default_deny_denies_both_directions_for_real", &objects, &[]);
}

#[test]
fn only_the_gateway_reaches_the_models_for_real() {
    // nothing but the models is isolated, so it is their ingress alone that holds
    let mut allow_only_gateway = policy(
        "models",
        &json!([
            {"from": [pods("gateway")], "ports": [{"port": "http"}]},
            {"from": [pods("prometheus")], "ports": [{"port": "metrics"}]},
        ]),
        &json!([]),
    );
    allow_only_gateway["spec"]["policyTypes"] = json!(["Ingress"]);
    allow_only_gateway["spec"].as_object_mut().unwrap().remove("egress");
    let objects = [
        workload("Deployment", "models", &[("http", 8887), ("metrics", 8890)]),
        workload("Deployment", "gateway", &[("http", 8889)]),
        workload("Deployment", "prometheus", &[("http", 9090)]),
        workload("Deployment", "portal", &[("http", 8885)]),
        allow_only_gateway,
    ];
    let verdict = judge(&objects, &[]).unwrap();
    let mut admitted: Vec<String> = verdict
        .matrix
        .iter()
        .filter(|(attempt, open)| **open && verdict.cast.members[attempt.to].name == "models")
        .map(|(attempt, _)| verdict.cast.describe(*attempt))
        .collect();
    admitted.sort();
    assert_eq!(admitted, ["gateway → models TCP 8887 (http)", "prometheus → models TCP 8890 (metrics)"]);
    enforce("systems::only_the_gateway_reaches_the_models_for_real", &objects, &verdict);
}

/// The fixture with one policy changed.
fn mutated(name: &str, change: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut objects = objects();
    let of = |object: &&mut Value| object["kind"] == "NetworkPolicy" && object["metadata"]["name"] == name;
    change(objects.iter_mut().find(of).expect("the policy"));
    objects
}

fn violations(objects: &[Value]) -> Vec<String> {
    judge(objects, &edges()).unwrap_or_else(|error| panic!("{error}")).violations
}

#[test]
fn a_namespace_selector_beside_the_pod_selector_is_noticed() {
    let found = violations(&mutated("dns", |dns| {
        let to = &mut dns["spec"]["egress"][0]["to"];
        let peer = to[0].clone();
        *to = json!([{"namespaceSelector": peer["namespaceSelector"]}, {"podSelector": peer["podSelector"]}]);
    }));
    assert!(
        found.contains(&"postgres → kube-system/other TCP 53 (dns) is open, and no edge says so".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn dns_of_any_namespace_is_noticed() {
    let found = violations(&mutated("dns", |dns| dns["spec"]["egress"][0]["to"][0]["namespaceSelector"] = json!({})));
    assert!(
        found.contains(&"models → impostors/dns UDP 53 (dns) is open, and no edge says so".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn an_impostor_in_another_namespace_is_noticed() {
    let found = violations(&mutated("postgres", |postgres| {
        postgres["spec"]["ingress"][0]["from"][0]["namespaceSelector"] = json!({});
    }));
    let impostors: Vec<_> = found.iter().filter(|line| line.starts_with("impostors/")).collect();
    assert_eq!(impostors.len(), 3, "{found:#?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn a_rule_without_ports_is_noticed() {
    let found = violations(&mutated("auth-data", |policy| {
        policy["spec"]["ingress"][0].as_object_mut().unwrap().remove("ports");
    }));
    // the gateway's own egress still holds the other port back
    assert_eq!(found, Vec::<String>::new());
    let mut objects = mutated("auth-data", |policy| {
        policy["spec"]["ingress"][0].as_object_mut().unwrap().remove("ports");
    });
    let gateway = objects.iter_mut().rfind(|object| object["metadata"]["name"] == "gateway").unwrap();
    gateway["spec"]["egress"][0].as_object_mut().unwrap().remove("ports");
    let found = violations(&objects);
    assert!(
        found.contains(&format!("gateway → auth-data TCP {UNDECLARED} is open, and no edge says so")),
        "{found:#?}"
    );
    assert!(found.contains(&"gateway → auth-data TCP 8890 (metrics) is open, and no edge says so".to_owned()));
}

#[test]
fn a_missing_default_deny_is_noticed() {
    let mut objects = objects();
    objects
        .retain(|object| !["default-deny", "dns"].contains(&object["metadata"]["name"].as_str().unwrap_or_default()));
    let found = violations(&objects);
    let stranger = format!("world → {NAMESPACE}/stranger TCP 8080 (http) is open, and no edge says so");
    assert!(found.contains(&stranger), "{found:#?}");
    assert!(found.contains(&"gateway → kube-system/dns UDP 53 (dns) is closed, and an edge needs it".to_owned()));
}

#[test]
fn one_end_of_an_edge_is_not_enough() {
    for (policy, direction) in [("gateway", "egress"), ("auth-data", "ingress")] {
        let found = violations(&mutated(policy, |policy| {
            policy["spec"][direction].as_array_mut().unwrap().remove(0);
        }));
        assert!(
            found.contains(&"gateway → auth-data TCP 8888 (http) is closed, and an edge needs it".to_owned()),
            "{found:#?}"
        );
    }
}

#[test]
fn a_port_name_that_the_target_lacks_is_noticed() {
    let found = violations(&mutated("auth-data", |policy| {
        policy["spec"]["egress"][0]["ports"][0]["port"] = json!("postgresql")
    }));
    assert_eq!(found, ["auth-data → postgres TCP 5432 (postgres) is closed, and an edge needs it"]);
}

#[test]
fn a_database_that_is_meant_by_address_is_noticed() {
    let found = violations(&mutated("auth-data", |policy| {
        policy["spec"]["egress"][0]["to"][0] = json!({"ipBlock": {"cidr": "10.244.0.0/16"}});
    }));
    assert_eq!(
        found,
        [
            "auth-data → postgres TCP 5432 (postgres) is open only where the network plugin matches pods by address, and an edge needs it",
            "auth-data → impostors/postgres TCP 5432 (postgres) is open where the network plugin matches pods by address, and no edge says so",
        ]
    );
}

#[test]
fn an_open_egress_to_the_world_is_noticed() {
    let found = violations(&mutated("models", |policy| policy["spec"]["egress"] = json!([{}])));
    assert!(found.contains(&"models → world TCP 443 is open, and no edge says so".to_owned()), "{found:#?}");
    assert!(found.contains(&"models → cloud metadata TCP 80 is open, and no edge says so".to_owned()));
    assert!(!found.iter().any(|line| line.starts_with("models → postgres")), "the database lets nobody else in");
}

#[test]
fn an_edge_about_nobody_proves_nothing() {
    let mut table = edges();
    table.push(ExpectedEdge::tcp(End::component("gateway"), End::component("portal"), 80));
    assert!(judge(&objects(), &table).unwrap_err().contains("means no connection"));
    assert!(judge(&[default_deny()], &[]).unwrap_err().contains("no pods"));
}

#[test]
fn pods_of_every_kind_of_workload_are_cast() {
    let cast = Cast::of(&objects());
    let names: Vec<&str> = cast.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(
        names,
        ["gateway", "auth-data", "models", "postgres", "db-init", "backup", "prometheus", "grafana", "alertmanager"]
    );
    assert_eq!(cast.namespaces[fixture::NAMESPACE]["kubernetes.io/metadata.name"], NAMESPACE);
    assert_eq!(cast.namespaces[fixture::NAMESPACE]["pod-security.kubernetes.io/enforce"], "restricted");
    let cluster = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "postgres"}});
    let cast = Cast::of(&[cluster]);
    let instance = cast.members[0].pod.as_ref().unwrap();
    assert_eq!((cast.members[0].name.as_str(), instance.labels["cnpg.io/cluster"].as_str()), ("postgres", "postgres"));
    let sidecar = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "containers": [{"ports": [{"containerPort": 1}]}],
        "initContainers": [
            {"restartPolicy": "Always", "ports": [{"containerPort": 2, "protocol": "UDP"}]},
            {"ports": [{"containerPort": 3}]},
        ],
    }});
    let cast = Cast::of(&[sidecar]);
    let pod = cast.members[0].pod.as_ref().unwrap();
    assert_eq!(
        (pod.namespace.as_str(), pod.ports.iter().map(|port| port.number).collect::<Vec<_>>()),
        ("default", vec![1, 2])
    );
}
