//! A first deployment, a second one, and what changes when the project changes.

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

const SHOP: &str = "name = \"shop\"\n";

#[test]
fn an_empty_cluster_gets_everything_once() {
    let world = World::budget_app();
    let planned = world.run(&["diff"]);
    planned.is(1, &["+ Namespace budget-app", "+ Deployment gateway", "+ Job db-init", " to create, 0 to change"]);
    assert!(world.double.get("namespaces", "", "budget-app").is_none(), "a diff changes nothing");
    assert!(planned.err.contains("context test (http://127.0.0.1:"), "{}", planned.err);

    let said = world.deploy();
    let order: Vec<usize> = ["namespace", "configuration", "database", "init", "application", "scaling", "monitoring"]
        .iter()
        .map(|phase| said.find(&format!(" {phase}: ")).unwrap_or_else(|| panic!("no phase {phase}: {said}")))
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    let objects = planned.out.lines().filter(|line| line.starts_with("+ ")).count();
    assert!(said.contains(&format!("{objects} created, 0 changed, 0 removed, 0 unchanged")), "{said}");
    assert!(said.contains("release 1 is recorded"), "{said}");
    let before = world.picture();

    world.double.requests();
    let again = world.deploy();
    assert!(again.contains(&format!("0 created, 0 changed, 0 removed, {objects} unchanged")), "{again}");
    assert!(!again.contains("release 2"), "{again}");
    assert_eq!(world.picture(), before);
    let requests = world.double.requests();
    let kinds: BTreeSet<&str> = planned.out.lines().filter_map(|l| l.strip_prefix("+ ")?.split(' ').next()).collect();
    assert!(requests.len() <= objects + kinds.len() + 12, "{} requests:\n{}", requests.len(), requests.join("\n"));

    world.run(&["diff"]).is(0, &[&format!("0 to create, 0 to change, 0 to remove, {objects} unchanged")]);
    world.run(&["deploy"]).is(0, &["nothing to change"]);
    world.run(&["deploy", "--yes", "--no-wait"]).is(0, &["0 created, 0 changed", "not waited for"]);
    assert_eq!(world.picture(), before);
}

#[test]
fn a_diff_as_json_names_every_object_and_keys_of_secrets_only() {
    let world = World::budget_app();
    let end = world.run(&["diff", "--json"]);
    end.is(1, &[]);
    let plan = end.json();
    let items = plan["items"].as_array().unwrap();
    assert!(items.len() > 40 && items.iter().all(|item| item["action"] == "create"), "{plan}");
    assert!(items.iter().any(|item| item["object"] == "Secret postgres-secret"), "{plan}");
}

#[test]
fn nothing_happens_without_being_asked() {
    let world = World::new(SHOP);
    let quiet = world.picture();
    world.run(&["deploy"]).complains(1, &["+ Namespace shop", "nobody can be asked here", "--yes"]);
    world.run(&["deploy", "--dry-run"]).is(0, &["+ Namespace shop", "nothing was changed"]);
    world.run(&["deploy", "--dry-run", "--yes"]).is(0, &["nothing was changed"]);
    let json = world.run(&["deploy", "--dry-run", "--json"]);
    json.is(0, &[]);
    assert_eq!(json.json_lines()[0]["event"], "plan");
    assert_eq!(world.picture(), quiet);
    let wrote: Vec<String> = world.double.requests().into_iter().filter(|r| !r.starts_with("GET")).collect();
    assert!(wrote.iter().all(|r| r.ends_with("(dry run)") || r.contains("selfsubjectaccessreviews")), "{wrote:?}");
}

#[test]
fn events_are_json_lines_and_the_last_is_the_outcome() {
    let world = World::new(SHOP);
    let end = world.run(&["deploy", "--yes", "--json"]);
    end.is(0, &[]);
    assert_eq!(end.err, "");
    let lines = end.json_lines();
    let events: BTreeSet<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for event in ["phase-began", "applied", "secret-made", "phase-ended", "ready", "released", "done"] {
        assert!(events.contains(event), "{event}: {events:?}");
    }
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["outcome"]["release"]), (&Value::from("done"), &Value::from(1)));
    assert!(last["outcome"]["changes"].as_array().unwrap().iter().all(|c| c["change"] == "created"), "{last}");
    assert!(last["outcome"]["requests"].as_u64().unwrap() > 40, "{last}");
}

/// The pods' hash of their configuration.
fn hash(world: &World, workload: &str) -> Value {
    let live = world.double.get("deployments", "shop", workload).unwrap();
    let hash = live["spec"]["template"]["metadata"]["annotations"]["mainstay.dev/config-hash"].clone();
    assert!(hash.is_string(), "{live}");
    hash
}

#[test]
fn a_changed_setting_changes_what_it_is_about_and_nothing_else() {
    let world = World::new("name = \"shop\"\n[workloads.auth]\nreplicas = 2\n");
    world.deploy();
    let before = hash(&world, "auth");
    world.folder.replace("mainstay.toml", "replicas = 2", "replicas = 3");
    let end = world.run(&["diff"]);
    end.is(1, &["~ Deployment auth", ".spec.replicas: 2 → 3"]);
    let json = world.run(&["deploy", "--yes", "--json"]);
    let changed: Vec<String> = json.json_lines().last().unwrap()["outcome"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["change"] != "unchanged")
        .map(|c| format!("{} {}", c["object"].as_str().unwrap(), c["change"].as_str().unwrap()))
        .collect();
    // the project file is mounted into every role, and one of its lines is another now
    assert!(changed.contains(&"Deployment auth changed".to_owned()), "{changed:?}");
    let quiet =
        |c: &String| ["Secret", "StatefulSet", "Service ", "NetworkPolicy"].iter().any(|kind| c.starts_with(kind));
    assert!(!changed.iter().any(quiet), "{changed:?}");
    assert_eq!(world.double.get("deployments", "shop", "auth").unwrap()["spec"]["replicas"], 3);

    // what pods read is another now: they roll
    world
        .folder
        .write("mainstay.toml", &format!("{}env = {{ LOG_LEVEL = \"debug\" }}\n", world.folder.read("mainstay.toml")));
    world.deploy();
    assert_ne!(hash(&world, "auth"), before);
    world.run(&["diff"]).is(0, &[]);
}

#[test]
fn settings_of_clusters_come_from_the_environment_and_no_others() {
    let world = World::new(SHOP);
    world.deploy();
    world.set("MAINSTAY_KUBERNETES_IMAGE", "registry.example.com/shop:2");
    world.run(&["diff"]).is(1, &["~ Deployment auth", "registry.example.com/shop:2"]);
    world.run(&["deploy", "--yes", "--image", "registry.example.com/shop:3"]).is(0, &[]);
    let image = |name: &str| {
        let live = world.double.get("deployments", "shop", name).unwrap();
        live["spec"]["template"]["spec"]["containers"][0]["image"].clone()
    };
    assert_eq!(
        (image("auth"), image("data")),
        ("registry.example.com/shop:3".into(), "registry.example.com/shop:3".into())
    );
    world.unset("MAINSTAY_KUBERNETES_IMAGE");
    world.deploy();
    // what stands in this machine's environment is not what stands on the cluster
    for (name, value) in [
        ("DATABASE_URL", "postgres://geheim-user:geheim-password@here/db"),
        ("PORT", "1"),
        ("MAINSTAY_GATEWAY_PORT", "1234"),
        ("JWT_SECRET", "geheim-geheim-geheim-geheim-geheim"),
    ] {
        world.set(name, value);
    }
    world.run(&["diff"]).is(0, &[]);
}

#[test]
fn what_the_project_no_longer_has_is_removed_and_data_is_kept() {
    let service = "[services.reports]\nimage = \"registry.example.com/reports:1\"\nport = 8081\n";
    let world = World::new(&format!("{SHOP}[database.storage]\nclaim_name = \"shop-data\"\n{service}"));
    world.deploy();
    assert!(world.double.get("deployments", "shop", "reports").is_some());
    world.folder.replace("mainstay.toml", service, "");
    let end = world.run(&["diff"]);
    end.is(1, &["- Deployment reports", "- Service reports", "- ServiceAccount reports"]);
    world.run(&["deploy", "--yes", "--no-prune"]).is(0, &["0 removed"]);
    assert!(world.double.get("deployments", "shop", "reports").is_some());
    let said = world.deploy();
    assert!(said.contains("Deployment reports pruned"), "{said}");
    for plural in ["deployments", "services", "serviceaccounts"] {
        assert!(world.double.get(plural, "shop", "reports").is_none(), "{plural}");
    }
    world.run(&["diff"]).is(0, &[]);
    // the claim goes to another name: the old one has the data, and stays
    world.folder.replace("mainstay.toml", "shop-data", "other-data");
    let end = world.run(&["deploy", "--yes", "--no-wait"]);
    assert!(world.double.get("persistentvolumeclaims", "shop", "shop-data").is_some(), "{}", end.said());
    for (plural, namespace, name) in [("namespaces", "", "shop"), ("secrets", "shop", "postgres-secret")] {
        assert!(world.double.get(plural, namespace, name).is_some(), "{name}");
    }
}

#[test]
fn roles_that_are_not_built_yet_are_rendered_and_not_deployed() {
    for fixture in ["xray-api", "image-portal"] {
        let source = crate::world::root().join("crates/deploy/tests/fixtures").join(fixture).join("mainstay.toml");
        let world = World::new(&std::fs::read_to_string(source).unwrap());
        world.run(&["render"]).is(0, &["kind: Deployment"]);
        let end = world.run(&["deploy", "--yes"]);
        end.complains(64, &["this version of mainstay has no role", "mainstay roles"]);
        assert_eq!(world.double.requests(), Vec::<String>::new(), "{fixture}: the cluster is not even asked");
    }
}

#[test]
fn a_project_can_go_to_another_namespace() {
    let world = World::new(SHOP);
    world.run(&["deploy", "--yes", "--namespace", "shop-test"]).is(0, &["namespace shop-test"]);
    assert!(world.double.get("deployments", "shop-test", "gateway").is_some());
    assert!(world.double.get("namespaces", "", "shop").is_none());
    world.run(&["status", "--cluster", "--namespace", "shop-test"]).is(0, &["gateway", "2/2 ready"]);
}
