//! Values of Secrets: made once, given by the environment, kept, never seen. Every [`World`] looks at its end whether one
//! was seen; here are the commands and the values that make it worth looking.

use crate::double::Behaviour;
use crate::world::{World, decoded};
use serde_json::json;

const CLIENT: &str = "geheim-client-secret-of-google";

#[test]
fn values_survive_and_are_never_seen() {
    let world = World::budget_app();
    world.set("GOOGLE_CLIENT_SECRET", CLIENT);
    world.set("GOOGLE_CLIENT_ID", "geheim-id.apps.example.com");
    world.run(&["diff"]).is(1, &["+ Secret auth-data-secret"]);
    world.deploy();
    assert_eq!(world.value("budget-app", "auth-data-secret", "GOOGLE_CLIENT_SECRET"), CLIENT);
    let password = world.value("budget-app", "postgres-secret", "POSTGRES_PASSWORD");
    let url = world.value("budget-app", "db-init-secret", "DATABASE_URL");
    assert!(url.contains(&password), "a template is filled");

    world.unset("GOOGLE_CLIENT_SECRET");
    world.unset("GOOGLE_CLIENT_ID");
    world.deploy();
    assert_eq!(world.value("budget-app", "auth-data-secret", "GOOGLE_CLIENT_SECRET"), CLIENT, "it is kept");
    assert_eq!(world.value("budget-app", "postgres-secret", "POSTGRES_PASSWORD"), password);
    world.set("GOOGLE_CLIENT_SECRET", CLIENT);

    // a role that prints its own login, and one that crashes with it
    world.double.state().logs.insert("auth-data".into(), format!("cannot log in with {url}\npassword {password}\n"));
    world.double.behave("auth-data", Behaviour::Crashes(1, "Error"));
    world.folder.replace("mainstay.toml", "FLASK_ENV = \"production\"", "FLASK_ENV = \"test\"");
    world.run(&["deploy", "--yes"]).complains(1, &["[secret]"]);
    world.double.state().logs.clear();
    world.run(&["deploy", "--yes", "--json", "--timeout", "2s"]).is(1, &[]);
    world.double.behave("auth-data", Behaviour::Ready);
    world.double.edit("secrets", "budget-app", "postgres-secret", "kubectl", |o| {
        o["data"].as_object_mut().unwrap().remove("AUTH_ADMIN_PASSWORD");
    });
    world.run(&["diff"]).is(1, &["~ Secret postgres-secret", "AUTH_ADMIN_PASSWORD"]);
    for arguments in [
        &["deploy", "--yes", "--json"][..],
        &["diff", "--json"],
        &["status", "--cluster"],
        &["status", "--cluster", "--json"],
        &["doctor", "--cluster"],
        &["doctor", "--cluster", "--json"],
        &["rollback", "--list", "--json"],
        &["rollback", "--yes", "--to", "1"],
        &["deploy", "--yes", "--rotate", "grafana-secret"],
        &["render"],
        &["lint"],
        &["open"],
        &["destroy", "--yes"],
    ] {
        let end = world.run(arguments);
        assert!(matches!(end.code, Some(0 | 1)), "{arguments:?}: {}", end.said());
    }
}

#[test]
fn rotation_makes_new_values_and_restarts_who_reads_them() {
    let world = World::budget_app();
    world.deploy();
    let value = |secret: &str, key: &str| world.value("budget-app", secret, key);
    let (grafana, signing) =
        (value("grafana-secret", "GF_SECURITY_ADMIN_PASSWORD"), value("gateway-secret", "SECRET_KEY"));
    let restarted = |name: &str| {
        world.double.get("deployments", "budget-app", name).unwrap()["spec"]["template"]["metadata"]["annotations"]
            .clone()
    };
    let before = (restarted("grafana"), restarted("gateway"));
    world.run(&["deploy", "--yes", "--rotate", "grafana-secret/GF_SECURITY_ADMIN_PASSWORD"]).is(0, &[]);
    assert_ne!(value("grafana-secret", "GF_SECURITY_ADMIN_PASSWORD"), grafana);
    assert_eq!(value("gateway-secret", "SECRET_KEY"), signing);
    assert_ne!(restarted("grafana"), before.0);
    assert_eq!(restarted("gateway"), before.1);
    world.run(&["deploy", "--yes", "--rotate", "nothing"]).complains(1, &["MC043", "nothing"]);
    world.run(&["diff"]).is(0, &[]);
}

#[test]
fn a_value_that_must_be_given_is_asked_for_by_its_variable() {
    let world = World::new(
        "name = \"shop\"\n[kubernetes.database]\nkind = \"external\"\nhost = \"db.example.com\"\nranges = [\"192.0.2.0/24\"]\n",
    );
    world.run(&["render", "--secrets"]).complains(1, &["set DATABASE_URL"]);
    world.run(&["deploy", "--yes"]).complains(1, &["MC041", "DATABASE_URL"]);
    world.set("DATABASE_URL", "postgres://shop:geheim-geheim@db.example.com/shop");
    world.deploy();
    world.unset("DATABASE_URL");
    world.deploy();
    world.run(&["diff"]).is(0, &[]);
    let live = world.double.get("secrets", "shop", "postgres-secret").unwrap();
    assert!(decoded(&live["data"]["DATABASE_URL"]).contains("db.example.com"));
}

#[test]
fn a_certificate_of_our_own_or_a_given_one() {
    let world = World::new(
        "name = \"shop\"\n[expose]\nvia = [\"ingress\"]\nhost = \"shop.example.com\"\n[tls]\nmode = \"manual\"\n",
    );
    world.double.create(
        "ingressclasses",
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}),
    );
    world.deploy();
    let certificates: Vec<_> = world
        .double
        .state()
        .all("secrets", Some("shop"))
        .into_iter()
        .filter(|s| s["type"] == "kubernetes.io/tls")
        .cloned()
        .collect();
    let [secret] = certificates.as_slice() else { panic!("{certificates:?}") };
    assert!(decoded(&secret["data"]["tls.crt"]).starts_with("-----BEGIN CERTIFICATE"));
    assert!(decoded(&secret["data"]["tls.key"]).contains("PRIVATE KEY"));
    world.run(&["status", "--cluster"]).is(0, &["Certificate", "days left", "https://shop.example.com/"]);
    world.run(&["deploy", "--yes", "--tls-cert", "a.pem"]).is(2, &["--tls-key"]);
    world.run(&["deploy", "--yes", "--tls-cert", "a.pem", "--tls-key", "b.pem"]).complains(1, &["a.pem"]);
    world.folder.write("a.pem", "no certificate");
    world.folder.write("b.pem", "geheim no key");
    world.run(&["deploy", "--yes", "--tls-cert", "a.pem", "--tls-key", "b.pem"]).complains(1, &["b.pem"]);
}
