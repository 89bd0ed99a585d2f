//! What belongs to others: namespaces, and fields of our own objects.

use crate::world::World;
use serde_json::{Value, json};

const SHOP: &str = "name = \"shop\"\n";

#[test]
fn a_namespace_of_somebody_else_is_left_alone_until_told() {
    let world = World::new(SHOP);
    let theirs = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"team": "them"}, "annotations": {"theirs": "yes"}}});
    world.double.create("namespaces", theirs);
    let before = world.picture();
    let end = world.run(&["deploy", "--yes"]);
    end.complains(1, &["The namespace shop exists", "MC011", "--adopt-namespace"]);
    assert_eq!(world.picture(), before);
    world.run(&["deploy", "--yes", "--adopt-namespace"]).is(0, &["created"]);
    let namespace = || world.double.get("namespaces", "", "shop").unwrap();
    assert_eq!(
        (&namespace()["metadata"]["labels"]["team"], &namespace()["metadata"]["annotations"]["theirs"]),
        (&"them".into(), &"yes".into())
    );
    world.run(&["deploy", "--yes"]).is(0, &["0 created, 0 changed"]);
    world.run(&["destroy", "--delete-data", "--yes", "shop"]).is(0, &[]);
    assert!(world.double.get("deployments", "shop", "gateway").is_none());
    assert_eq!(namespace()["metadata"]["labels"]["team"], "them", "a namespace that was there before stays");
}

#[test]
fn a_namespace_that_is_going_away() {
    let world = World::new(SHOP);
    let going = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Terminating"}});
    world.double.create("namespaces", going);
    world.run(&["deploy", "--yes"]).complains(1, &["The namespace shop is being deleted", "MC012", "finalizer"]);
}

fn replicas(world: &World) -> Value {
    world.double.get("deployments", "shop", "auth").unwrap()["spec"]["replicas"].clone()
}

#[test]
fn fields_of_other_managers_are_shown_and_taken_only_when_told() {
    let world = World::new("name = \"shop\"\n[workloads.auth]\nreplicas = 2\n");
    world.deploy();
    world.double.edit("deployments", "shop", "auth", "kubectl-edit", |o| o["spec"]["replicas"] = 5.into());
    world.run(&["status", "--cluster"]).is(0, &["drift", "kubectl-edit owns .spec.replicas of Deployment auth"]);
    world.folder.replace("mainstay.toml", "replicas = 2", "replicas = 3");
    world.run(&["diff"]).is(1, &["! Deployment auth", "cannot be applied as they are"]);
    let end = world.run(&["deploy", "--yes"]);
    let said = [
        ".spec.replicas → kubectl-edit",
        "theirs 5, ours 3",
        "--take-ownership=Deployment/auth or --take-ownership=.spec.replicas",
        "MC020",
    ];
    end.complains(1, &said);
    assert_eq!(replicas(&world), 5);
    let end = world.run(&["deploy", "--yes", "--take-ownership", "Deployment/data"]);
    end.complains(1, &["MC020"]);
    world.run(&["deploy", "--yes", "--take-ownership", "Deployment/auth"]).is(0, &["Deployment auth changed"]);
    assert_eq!(replicas(&world), 3);
    world.run(&["deploy", "--yes"]).is(0, &["0 created, 0 changed"]);
    world.run(&["diff"]).is(0, &[]);
    world.double.edit("deployments", "shop", "auth", "kubectl-edit", |o| o["spec"]["replicas"] = 7.into());
    world.run(&["deploy", "--yes", "--take-ownership", ".spec.replicas"]).is(0, &[]);
    assert_eq!(replicas(&world), 3);
}

#[test]
fn two_deployments_at_once_wait_for_each_other_or_say_so() {
    let world = World::new(SHOP);
    world.deploy();
    world.double.edit("leases", "shop", "mainstay-lock", "mainstay", |_| {});
    let leases: Vec<Value> = world.double.state().all("leases", Some("shop")).into_iter().cloned().collect();
    assert!(leases.iter().all(|l| l["spec"]["holderIdentity"].as_str().unwrap_or_default().is_empty()), "{leases:?}");
}
