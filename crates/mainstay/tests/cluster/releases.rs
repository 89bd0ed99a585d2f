//! Going back, and taking everything away.

use crate::world::World;
use serde_json::Value;

fn replicas(world: &World) -> Value {
    world.double.get("deployments", "shop", "auth").unwrap()["spec"]["replicas"].clone()
}

#[test]
fn going_back_brings_an_earlier_release() {
    let world = World::new("name = \"shop\"\n[workloads.auth]\nreplicas = 2\n");
    world.run(&["rollback", "--list"]).is(0, &["no release is recorded"]);
    world.deploy();
    world.folder.replace("mainstay.toml", "replicas = 2", "replicas = 4");
    world.deploy();
    assert_eq!(replicas(&world), 4);
    let list = world.run(&["rollback", "--list"]);
    list.is(0, &["2  deployed", "1  deployed", "ann"]);
    assert!(list.out.find("2  deployed") < list.out.find("1  deployed"), "{}", list.out);
    let json = world.run(&["rollback", "--list", "--json"]).json();
    assert_eq!((&json[0]["number"], &json[1]["number"]), (&2.into(), &1.into()), "{json}");

    world.run(&["rollback"]).complains(1, &["nobody can be asked here", "--yes"]);
    assert_eq!(replicas(&world), 4);
    world.run(&["rollback", "--yes"]).is(0, &["the last good release before the current one", "current release is 3"]);
    assert_eq!(replicas(&world), 2);
    world.run(&["rollback", "--yes", "--to", "2", "--json"]).is(0, &[]);
    assert_eq!(replicas(&world), 4);
    world.run(&["rollback", "--yes", "--to", "77"]).complains(1, &["There is no release 77", "MC050", "--list"]);
    // and the project goes on from its folder
    world.run(&["diff"]).is(0, &[]);
}

#[test]
fn a_database_does_not_go_back() {
    let world = World::new("name = \"shop\"\n");
    world.deploy();
    world.folder.write("migrations/0002_more.sql", "create table public.u (id bigint primary key);\n");
    world.deploy();
    let end = world.run(&["rollback", "--yes"]);
    end.is(0, &["The database stays as it is: migrations are never undone (0002_more.sql)"]);
}

#[test]
fn destroying_keeps_data_unless_the_project_is_named() {
    let world = World::new("name = \"shop\"\n[database.storage]\nclaim_name = \"shop-data\"\n");
    world.deploy();
    let password = world.value("shop", "postgres-secret", "POSTGRES_PASSWORD");
    let before = world.picture();
    world.run(&["destroy"]).complains(1, &["nobody can be asked here"]);
    world.run(&["destroy", "--delete-data"]).complains(1, &["removes the database", "nobody can be asked here"]);
    for wrong in [&["--yes"][..], &["--yes", "other"]] {
        let end = world.run(&[&["destroy", "--delete-data"], wrong].concat());
        end.complains(1, &["must be named: --yes shop"]);
    }
    assert_eq!(world.picture(), before);

    world
        .run(&["destroy", "--yes"])
        .is(0, &["Deployment gateway pruned", "PersistentVolumeClaim shop-data kept", "still there"]);
    for plural in ["deployments", "statefulsets", "services", "serviceaccounts", "networkpolicies", "jobs"] {
        assert_eq!(world.double.state().all(plural, Some("shop")).len(), 0, "{plural}");
    }
    assert!(world.double.get("persistentvolumeclaims", "shop", "shop-data").is_some());
    world.deploy();
    assert_eq!(world.value("shop", "postgres-secret", "POSTGRES_PASSWORD"), password, "the data needs its password");

    world.run(&["destroy", "--delete-data", "--yes", "shop"]).is(0, &[]);
    for plural in ["namespaces", "persistentvolumeclaims", "secrets", "deployments"] {
        let left = world.double.state().all(plural, None).len();
        assert_eq!(left, 0, "{plural}");
    }
    // what is gone is gone: a second time there is nothing to do
    let again = world.run(&["destroy", "--delete-data", "--yes", "shop"]);
    assert!(again.code == Some(0) || again.err.contains("MC0"), "{}", again.said());
}
