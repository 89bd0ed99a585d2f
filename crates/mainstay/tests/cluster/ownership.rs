//! What belongs to others: namespaces, and fields of our own objects.

use crate::double::Behaviour;
use crate::world::{World, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

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
fn one_deployment_at_a_time_and_a_stopped_one_leaves_no_lock() {
    let world = World::new(SHOP);
    world.double.behave("portal", Behaviour::Silent);
    for signal in [Signal::INT, Signal::TERM] {
        let first = world.start(&["deploy", "--yes"]);
        until("the first one waits", || {
            let lock = world.double.get("leases", "shop", "mainstay-deploy");
            lock.is_some() && world.double.get("deployments", "shop", "portal").is_some()
        });
        let end = world.run(&["deploy", "--yes"]);
        end.complains(1, &["ann", "is deploying to namespace shop", "MC016", "Wait for it"]);
        kill_process(Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap(), signal).unwrap();
        let end = world.end(first);
        end.complains(143, &["what was applied until now stays", "stopped by a signal"]);
        let lock = world.double.get("leases", "shop", "mainstay-deploy").unwrap_or_default();
        assert!(lock["spec"]["holderIdentity"].as_str().is_none_or(str::is_empty), "{lock}");
    }
    world.double.behave("portal", Behaviour::Ready);
    world.deploy();
    world.run(&["diff"]).is(0, &[]);
}

/// Answers a question at a terminal that `script` makes; nothing when there is no such program.
fn at_a_terminal(world: &World, arguments: &str, answer: &str) -> Option<String> {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_mainstay"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(world.folder.path());
    script.env_clear().env("NO_COLOR", "1").env("KUBECONFIG", world.folder.path().join("kubeconfig"));
    script.env("PATH", "/usr/bin:/bin");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    world.heard(&said);
    Some(said)
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is not run must say so")]
fn a_person_is_asked() {
    let world = World::new(SHOP);
    let Some(said) = at_a_terminal(&world, "deploy", "n") else {
        eprintln!("there is no `script`: questions at a terminal are not tested here");
        return;
    };
    assert!(said.contains("Deploy this? [y/N]") && said.contains("nothing was changed"), "{said}");
    assert!(world.double.get("namespaces", "", "shop").is_none());
    let said = at_a_terminal(&world, "deploy", "y").unwrap();
    assert!(said.contains("release 1 is recorded"), "{said}");
    let said = at_a_terminal(&world, "destroy --delete-data", "y").unwrap();
    assert!(said.contains("Type the name of the project (shop)") && said.contains("nothing was removed"), "{said}");
    assert!(world.double.get("namespaces", "", "shop").is_some());
    let said = at_a_terminal(&world, "rollback", "").unwrap();
    assert!(
        said.contains("Go back? Migrations are not undone. [y/N]") && said.contains("nothing was changed"),
        "{said}"
    );
    let said = at_a_terminal(&world, "destroy --delete-data", "shop").unwrap();
    assert!(said.contains("removed"), "{said}");
    assert!(world.double.get("namespaces", "", "shop").is_none());
}
