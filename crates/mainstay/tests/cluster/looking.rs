//! Status, logs, addresses, preflight.

use crate::double::Behaviour;
use crate::world::World;
use serde_json::json;

const SHOP: &str = "name = \"shop\"\n";

#[test]
fn status_as_text_and_as_json() {
    let world = World::budget_app();
    let end = world.run(&["status", "--cluster"]);
    assert!(end.code == Some(0) || end.err.contains("MC0"), "{}", end.said());
    world.deploy();
    let said = [
        "release      1 of ",
        "auth-data",
        "2/2 ready",
        "StatefulSet  postgres",
        "Volume       postgres-pvc",
        "Way in",
    ];
    world.run(&["status", "--cluster"]).is(0, &said);
    world.double.behave("auth-data", Behaviour::Waits("ImagePullBackOff", "manifest unknown"));
    world
        .double
        .edit("deployments", "budget-app", "auth-data", "kubectl-edit", |o| o["spec"]["minReadySeconds"] = 1.into());
    std::thread::sleep(std::time::Duration::from_millis(200));
    let end = world.run(&["status", "--cluster", "--json"]);
    end.is(0, &[]);
    let json = end.json();
    let status = &json["status"];
    assert_eq!((&status["namespace"], &status["release"]["number"]), (&"budget-app".into(), &1.into()));
    let workload =
        |name: &str| status["workloads"].as_array().unwrap().iter().find(|w| w["name"] == name).unwrap().clone();
    assert_eq!((&workload("auth-data")["ready"], &workload("gateway")["state"]), (&0.into(), &"ready".into()));
    assert!(status["troubles"][0]["cause"].as_str().unwrap().contains("cannot be pulled"), "{status}");
    assert_eq!(status["drift"][0]["manager"], "kubectl-edit");
    assert_eq!(json["entries"][0]["via"], "loadbalancer");
}

#[test]
fn logs_of_pods() {
    let world = World::new(SHOP);
    world.deploy();
    world.double.state().logs.insert("data".into(), "one\ntwo\n".into());
    let end = world.run(&["logs", "data"]);
    end.is(0, &["data-1-0 one", "data-1-0 two", "data-1-1 one"]);
    assert_eq!(end.out.lines().count(), 4, "{}", end.out);
    assert_eq!(world.run(&["logs"]).out.lines().count(), 4, "all of the project");
    world.run(&["logs", "nothing"]).complains(1, &["MC070", "nothing"]);
    world.run(&["logs", "data", "--tail", "-1"]).is(2, &[]);
    world.run(&["logs", "data", "--since", "soon"]).is(2, &["write for example 30, 30s or 5m"]);
}

#[test]
fn ways_in() {
    let world = World::budget_app();
    world.deploy();
    world.run(&["open"]).is(0, &["no address yet", "minikube tunnel"]);
    world.double.edit("services", "budget-app", "gateway", "cloud", |o| {
        o["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}});
    });
    let end = world.run(&["open"]);
    end.is(0, &[]);
    assert!(end.out.starts_with("http://192.0.2.7"), "{}", end.out);
    world.run(&["open", "--via", "loadbalancer"]).is(0, &["http://192.0.2.7"]);
    world.run(&["open", "--via", "ingress"]).complains(1, &["no such way in", "[expose] via"]);
    world.run(&["status", "--cluster"]).is(0, &["http://192.0.2.7"]);
    // a port that is taken, and a component that is not there
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let end = world.run(&["open", "--via", "port-forward", "--port", &port]);
    end.complains(1, &["cannot be used", "choose another with --port"]);
}

#[test]
fn preflight_as_text_and_as_json() {
    let world = World::new(SHOP);
    world.run(&["doctor", "--cluster"]).is(0, &["Kubernetes v1.36.0", "ok    nodes", "ok    network policies"]);
    let end = world.run(&["doctor", "--cluster", "--json"]);
    end.is(0, &[]);
    let subjects: Vec<String> =
        end.json()["findings"].as_array().unwrap().iter().map(|f| f["subject"].as_str().unwrap().to_owned()).collect();
    for subject in ["version", "storage", "nodes", "permissions", "network policies", "encryption at rest"] {
        assert!(subjects.iter().any(|s| s == subject), "{subject}: {subjects:?}");
    }
    world.double.state().objects.retain(|(plural, ..), _| *plural != "storageclasses");
    world
        .run(&["doctor", "--cluster"])
        .complains(1, &["FIX   storage", "[database.storage] class", "1 thing(s) to fix"]);
    assert!(world.double.requests().iter().all(|r| r.starts_with("GET") || r.contains("accessreviews")));
}
