//! Clusters that cannot be reached, or do not let us in: one line with a code and a way out, soon.

use crate::double::{Deny, Fault};
use crate::world::{Folder, World, kubeconfig, mainstay};

const SHOP: &str = "name = \"shop\"\n";

/// Commands that talk to a cluster, with the exit code of a failure.
const COMMANDS: [(&[&str], i32); 9] = [
    (&["deploy", "--yes"], 1),
    (&["deploy", "--dry-run"], 1),
    (&["diff"], 2),
    (&["destroy", "--yes"], 1),
    (&["rollback", "--yes"], 1),
    (&["status", "--cluster"], 1),
    (&["doctor", "--cluster"], 1),
    (&["logs"], 1),
    (&["open"], 1),
];

#[test]
fn an_unreachable_server() {
    let world = World::new(SHOP);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    world.folder.write("kubeconfig", &kubeconfig(&free.to_string()));
    std::thread::scope(|scope| {
        let runs: Vec<_> = COMMANDS
            .iter()
            .map(|(arguments, code)| {
                let folder = world.folder.path().to_owned();
                let environment = [("KUBECONFIG".to_owned(), folder.join("kubeconfig").display().to_string())];
                scope.spawn(move || (mainstay(&folder, arguments, &environment, ""), *code))
            })
            .collect();
        for run in runs {
            let (end, code) = run.join().unwrap();
            end.complains(code, &["MC003", "cannot be reached", "Is the cluster running"]);
        }
    });
}

#[test]
fn no_kubeconfig_a_broken_one_and_no_such_context() {
    let folder = Folder::new();
    folder.write("mainstay.toml", SHOP);
    for (arguments, code) in COMMANDS {
        folder.run(arguments).complains(code, &["MC001", "KUBECONFIG"]);
    }
    let world = World::new(SHOP);
    for (arguments, code) in COMMANDS {
        let arguments = [arguments, &["--context", "production"]].concat();
        world.run(&arguments).complains(code, &["MC002", "\"production\"", "it has test", "--context"]);
        let arguments = [&arguments[..arguments.len() - 2], &["--kubeconfig", "nowhere"]].concat();
        world.run(&arguments).complains(code, &["MC001"]);
    }
    // what a broken file says may hold a token
    for broken in ["{{{", "apiVersion: v1\nusers: [{name: ann, user: {token: [geheim-token-of-the-kubeconfig]}}]\n", ""]
    {
        world.folder.write("kubeconfig", broken);
        let end = world.run(&["status", "--cluster"]);
        assert!(end.said().contains("MC00"), "{broken:?}: {}", end.said());
        assert_eq!(end.code, Some(1));
    }
}

#[test]
fn credentials_that_are_not_accepted() {
    let world = World::new(SHOP);
    for (arguments, code) in COMMANDS {
        let fault = |method| Fault { method, path: "/", status: 401, times: 99 };
        world.double.state().faults = vec![fault("GET"), fault("PATCH"), fault("POST")];
        world.run(arguments).complains(code, &["MC004", "does not accept the credentials", "Log in again"]);
    }
}

#[test]
fn rights_that_are_missing() {
    let world = World::new(SHOP);
    world.double.state().denied.insert(Deny("patch", "deployments"));
    let end = world.run(&["deploy", "--yes"]);
    end.complains(1, &["MC005", "Not allowed: patch Deployment in namespace shop", "permissions.md"]);
    assert!(crate::world::root().join("docs/kubernetes/permissions.md").exists());
    world.run(&["diff"]).complains(2, &["MC005"]);
    let end = world.run(&["doctor", "--cluster"]);
    end.complains(1, &["You may not patch deployments", "to fix before deploying"]);
    world.run(&["deploy"]).complains(1, &["mainstay doctor --cluster"]);
    world.double.state().denied.clear();
    world.deploy();
}

#[test]
fn a_server_that_is_too_old() {
    let world = World::new(SHOP);
    world.double.state().minor = "30".into();
    let before = world.picture();
    world.run(&["deploy", "--yes"]).complains(1, &["MC060", "v1.30", "v1.31"]);
    assert_eq!(world.picture(), before);
    world.run(&["deploy", "--yes", "--any-version"]).is(0, &["created"]);
    assert!(world.double.get("deployments", "shop", "gateway").is_some());
}

#[test]
fn a_server_that_is_older_than_the_objects() {
    let world = World::new("name = \"shop\"\n[kubernetes]\nversion = \"1.35\"\n");
    world.double.state().minor = "33".into();
    let end = world.run(&["doctor", "--cluster", "--json"]);
    end.complains(1, &[]);
    let found = end.json();
    assert_eq!(found["version"], "v1.33.0");
    let first = &found["findings"][0];
    assert_eq!((&first["severity"], &first["subject"]), (&"problem".into(), &"version".into()), "{found}");
    assert!(first["remedy"].as_str().unwrap().contains("version = \"1.33\""), "{first}");
    world.folder.replace("mainstay.toml", "1.35", "1.33");
    world.run(&["doctor", "--cluster"]).is(0, &["ok    version", "ok    storage", "ok    nodes"]);
}

#[test]
fn a_folder_that_is_no_project() {
    let world = World::new(SHOP);
    std::fs::remove_file(world.folder.path().join("mainstay.toml")).unwrap();
    for (arguments, code) in COMMANDS {
        world.run(arguments).complains(code, &["has no mainstay.toml", "mainstay init"]);
    }
    world.folder.write("mainstay.toml", "name = \"shop\"\n[expose]\nvai = [\"ingress\"]\n");
    for (arguments, _) in COMMANDS {
        world.run(arguments).complains(64, &["mainstay.toml:3: unknown key `vai`", "`via`"]);
    }
    assert_eq!(world.double.requests(), Vec::<String>::new());
}
