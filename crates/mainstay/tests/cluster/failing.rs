//! What cannot become ready: the cause, a hint, the last lines of the log, exit code 1. And going back.

use crate::double::Behaviour;
use crate::world::{End, World};

const SHOP: &str = "name = \"shop\"\n";

/// Deploys with one workload that behaves badly.
fn deploy(name: &str, behaviour: Behaviour, log: &str) -> (World, End) {
    let world = World::new(SHOP);
    world.double.behave(name, behaviour);
    if !log.is_empty() {
        world.double.state().logs.insert(name.into(), log.into());
    }
    let end = world.run(&["deploy", "--yes"]);
    (world, end)
}

/// Each is patient for some seconds before it calls a state hopeless: they are patient together.
#[test]
fn pods_that_do_not_become_ready() {
    std::thread::scope(|scope| {
        scope.spawn(an_image_that_cannot_be_pulled);
        scope.spawn(a_container_that_ends_again_and_again_shows_its_last_lines);
        scope.spawn(a_quota_that_is_used_up);
    });
}

fn an_image_that_cannot_be_pulled() {
    let message = "Back-off pulling image \"shop:0.1.0\": ErrImagePull: not found";
    let (world, end) = deploy("auth", Behaviour::Waits("ImagePullBackOff", message), "");
    end.complains(1, &["Deployment auth", "cannot be pulled", "shop:0.1.0", "MC030"]);
    assert!(!end.err.contains("release 1 is recorded\n"), "{}", end.err);
    world.run(&["rollback", "--list"]).is(0, &["1  failed"]);
    world.run(&["status", "--cluster"]).is(0, &["trouble", "cannot be pulled"]);
    // the cause is gone: the next deployment goes on from there
    world.double.behave("auth", Behaviour::Ready);
    assert!(world.deploy().contains("release 2 is recorded"));
}

fn a_container_that_ends_again_and_again_shows_its_last_lines() {
    let log = "starting\nerror: cannot listen on 0.0.0.0:8080: address in use\n";
    let (_world, end) = deploy("data", Behaviour::Crashes(1, "Error"), log);
    end.complains(1, &["Deployment data", "MC030", "cannot listen on 0.0.0.0:8080: address in use"]);
}

fn a_quota_that_is_used_up() {
    let message = "pods \"gateway-1\" is forbidden: exceeded quota: shop-rq, requested: requests.cpu=100m";
    let (_world, end) = deploy("gateway", Behaviour::NotCreated(message), "");
    end.complains(
        1,
        &["Deployment gateway", "no pod can be created", "exceeded quota: shop-rq", "quota is used up", "MC030"],
    );
}

#[test]
fn a_failed_job_stops_before_the_roles() {
    let log = "error: migrations/0001_start.sql:1: syntax error at or near \"tabel\" (42601)\n";
    let (world, end) = deploy("db-init", Behaviour::Fails, log);
    end.complains(1, &["Job db-init", "syntax error at or near", "MC030"]);
    assert!(end.err.contains("42"), "the exit code of a wrong migration: {}", end.err);
    assert!(world.double.get("statefulsets", "shop", "postgres").is_some());
    for role in ["gateway", "auth", "data", "portal"] {
        assert!(world.double.get("deployments", "shop", role).is_none(), "{role} comes after the Job");
    }
    world.double.behave("db-init", Behaviour::Ready);
    world.deploy();
}

#[test]
fn a_deadline_names_what_is_still_waited_for() {
    let world = World::new(SHOP);
    world.double.behave("portal", Behaviour::Silent);
    let end = world.run(&["deploy", "--yes", "--timeout", "2s"]);
    end.complains(1, &["Not ready after 2 s", "Deployment portal", "MC031", "--timeout"]);
}

#[test]
fn failures_are_the_last_json_line_as_well() {
    let world = World::new(SHOP);
    world.double.behave("db-init", Behaviour::Fails);
    let end = world.run(&["deploy", "--yes", "--json"]);
    end.is(1, &[]);
    let lines = end.json_lines();
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["code"]), (&"failed".into(), &"MC030".into()), "{last}");
    assert!(last["message"].as_str().unwrap().contains("Job db-init"), "{last}");
    // and when it does not even begin
    for arguments in [&["deploy", "--yes", "--json", "--context", "nothing"][..], &["deploy", "--json"]] {
        let end = world.run(arguments);
        end.is(1, &[]);
        let lines = end.json_lines();
        assert_eq!(lines.last().unwrap()["event"], "failed", "{}", end.out);
        assert_eq!(lines.iter().filter(|line| line["event"] == "failed").count(), 1, "{}", end.out);
    }
}

#[test]
fn an_atomic_deployment_goes_back() {
    let world = World::new(&format!("{SHOP}[workloads.data]\nreplicas = 2\n"));
    world.deploy();
    let settled = world.picture();
    world.folder.replace("mainstay.toml", "replicas = 2", "replicas = 3\nenv = { LOG_LEVEL = \"debug\" }");
    world.double.behave("data", Behaviour::Crashes(1, "Error"));
    // the version before still runs: as soon as the objects are back, so is it
    let end = std::thread::scope(|scope| {
        let double = &world.double;
        scope.spawn(move || {
            for _ in 0..3000 {
                std::thread::sleep(std::time::Duration::from_millis(10));
                let live = double.get("deployments", "shop", "data").unwrap();
                if live["spec"]["replicas"] == 2 && live["metadata"]["generation"].as_i64() > Some(2) {
                    double.behave("data", Behaviour::Ready);
                    return;
                }
            }
        });
        world.run(&["deploy", "--yes", "--atomic"])
    });
    end.complains(1, &["Deployment data", "Going back to release 1", "The cluster is back at release 1."]);
    let objects = |picture: &[(String, serde_json::Value)]| {
        let mut all = picture.to_vec();
        // the Job ran again, as the project file is another one
        let other = ["secrets shop/mainstay-release", "deployments", "jobs"];
        all.retain(|(name, _)| !other.iter().any(|start| name.starts_with(start)));
        all
    };
    for (now, before) in objects(&world.picture()).iter().zip(objects(&settled)) {
        assert_eq!(*now, before);
    }
    assert_eq!(world.double.get("deployments", "shop", "data").unwrap()["spec"]["replicas"], 2);
}
