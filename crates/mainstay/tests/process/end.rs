//! How commands end: signals, taken ports, databases that never answer.

use crate::support::{Folder, Mainstay, free_port, get, until};
use std::net::TcpListener;
use std::time::Duration;

const KEY: &str = "geheim-geheim-geheim-geheim-geheim";

/// A server that takes connections and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://app:geheim@{}/app", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn a_process_that_waits_for_its_database_ends_at_once() {
    let folder = Folder::new("early-end");
    let nobody = "postgresql://app:geheim@127.0.0.1:1/app".to_owned();
    let (_silent, mute) = silent();
    for url in [nobody, mute] {
        let admin = free_port();
        let process = Mainstay::new(&["serve", &folder.text(), "--roles", "auth,data"])
            .env("DATABASE_URL", &url)
            .env("JWT_SECRET", KEY)
            .env("PORT", &free_port())
            .env("MAINSTAY_ADMIN_PORT", &admin)
            .start();
        until("the admin listener", || get(admin, "/livez", "").0 == 200);
        // a probe is in flight, as it would be
        let probe = std::thread::spawn(move || get(admin, "/readyz", "").0);
        std::thread::sleep(Duration::from_millis(300));
        process.terminate();
        let end = process.end();
        end.is(0, "stopping before every role was ready");
        assert!(end.took < Duration::from_secs(1), "{:?}", end.took);
        assert!([0, 503].contains(&probe.join().unwrap()));
    }
}

#[test]
fn a_signal_right_after_the_start_ends_the_process() {
    let folder = Folder::new("at-once");
    let process = Mainstay::new(&["serve", &folder.text(), "--roles", "portal"])
        .env("PORT", &free_port())
        .env("MAINSTAY_ADMIN_PORT", &free_port())
        .confined(&folder)
        .start();
    std::thread::sleep(Duration::from_millis(300));
    process.terminate();
    let end = process.end();
    end.is(0, "");
    assert!(end.took < Duration::from_secs(3), "{:?}", end.took);
}

#[test]
fn waiting_ends_with_the_cause_or_with_the_signal() {
    let folder = Folder::new("wait");
    let wait = |url: &str, more: &[&str]| {
        let mut arguments = vec!["wait".to_owned(), folder.text(), "--for".to_owned(), "postgres".to_owned()];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Mainstay::new(&arguments).env("DATABASE_URL", url).confined(&folder)
    };
    let refused = wait("postgresql://app:geheim@127.0.0.1:1/app", &["--timeout", "600ms", "--every", "100ms"]).run();
    refused.is(1, "PostgreSQL did not answer within 600ms: app at 127.0.0.1:1/app: ");
    assert_eq!(refused.said.matches("waiting for PostgreSQL: app at 127.0.0.1:1/app").count(), 1, "{}", refused.said);
    assert_eq!(refused.said.matches("still waiting:").count(), 1, "{}", refused.said);

    let (_silent, url) = silent();
    let mute = wait(&url, &["--timeout", "1s", "--every", "100ms"]).run();
    mute.is(1, "no answer in time");
    assert!(mute.took < Duration::from_secs(3), "{:?}", mute.took);

    let mut process = wait(&url, &["--roles", "auth,data"]).start();
    process.says("waiting for PostgreSQL");
    process.terminate();
    let end = process.end();
    end.is(143, "stopped by a signal");
    assert!(end.took < Duration::from_secs(1), "{:?}", end.took);

    wait("", &[]).run().is(64, "DATABASE_URL");
    wait("", &["--roles", "data"]).run().is(64, "MAINSTAY_DATABASE_DATA_URL");
    wait("", &["--roles", "gateway,portal"]).run().is(0, "nothing to wait for");
    wait("", &["--timeout", "soon"]).run().is(2, "30s");
}

#[test]
fn a_migration_waits_as_long_as_it_is_told_and_ends_with_a_signal() {
    let folder = Folder::new("migrate-wait");
    folder.write("mainstay.toml", "name = \"x\"\n");
    let migrate = |wait: &str, port: u16| {
        let url = |user: &str| format!("postgresql://{user}:geheim@127.0.0.1:{port}/app");
        Mainstay::new(&["migrate", &folder.text(), "--wait", wait])
            .env("DATABASE_URL", &url("owner"))
            .env("MAINSTAY_DATABASE_DATA_URL", &url("authenticator"))
            .env("MAINSTAY_DATABASE_AUTH_URL", &url("supabase_auth_admin"))
            .confined(&folder)
    };
    migrate("0", 1).run().is(1, "the database cannot be reached");
    let (silent, _) = silent();
    migrate("1", 1).run().is(1, "did not answer within 1s: owner at 127.0.0.1:1/app");
    let mut process = migrate("60s", silent.local_addr().unwrap().port()).start();
    process.says("waiting for PostgreSQL");
    process.terminate();
    let end = process.end();
    end.is(143, "stopped by a signal");
    assert!(end.took < Duration::from_secs(1), "{:?}", end.took);
    migrate("0", 1)
        .env("MAINSTAY_DATABASE_DATA_URL", "postgresql://owner:geheim@127.0.0.1:1/app")
        .run()
        .is(64, "the user is `owner`, and it must be `authenticator`");
    migrate("0", 1).env("DATABASE_URL", "").run().is(64, "DATABASE_URL: MAINSTAY_DATABASE_DATA_URL or");
    assert!(!folder.path().join(".mainstay").exists());
}

#[test]
fn a_taken_admin_port_is_a_failure_of_serve() {
    let folder = Folder::new("taken");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let end = Mainstay::new(&["serve", &folder.text(), "--roles", "portal"])
        .env("PORT", &free_port())
        .env("MAINSTAY_ADMIN_PORT", &port)
        .run();
    end.is(1, &format!("the admin listener cannot listen on 127.0.0.1:{port}; stop what listens there"));
}

#[test]
fn a_gateway_is_ready_once_its_roles_have_answered_and_stays_so() {
    let folder = Folder::new("first-contact");
    let (port, admin, data) = (free_port(), free_port(), free_port());
    let process = Mainstay::new(&["serve", &folder.text(), "--roles", "gateway"])
        .env("JWT_SECRET", KEY)
        .env("PORT", &port)
        .env("MAINSTAY_ADMIN_PORT", &admin)
        .env("MAINSTAY_GATEWAY_DATA_URL", &format!("http://localhost:{data}"))
        .start();
    until("the admin listener", || get(admin, "/livez", "").0 == 200);
    let (status, body) = get(admin, "/readyz", "");
    assert!(status == 503 && body.contains("the role data has not been reached yet"), "{status} {body}");
    let role = TcpListener::bind(("127.0.0.1", data)).unwrap();
    until("readiness", || get(admin, "/readyz", "").0 == 200);
    // from now on the role's own probes tell
    drop(role);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(get(admin, "/readyz", "").0, 200);
    process.terminate();
    process.end().is(0, "");
}

#[test]
fn a_gateway_lives_while_its_roles_have_no_address_yet() {
    let folder = Folder::new("lone-gateway");
    let (port, admin) = (free_port(), free_port());
    let mut process = Mainstay::new(&["serve", &folder.text(), "--roles", "gateway"])
        .env("JWT_SECRET", KEY)
        .env("PORT", &port)
        .env("MAINSTAY_ADMIN_PORT", &admin)
        .env("MAINSTAY_GATEWAY_DATA_URL", "http://data.nowhere.invalid:8080")
        .env("MAINSTAY_GATEWAY_PORTAL_URL", "http://portal.nowhere.invalid:8080")
        .env("MAINSTAY_GATEWAY_HEALTH_PATHS", "/nginx-health,/api/health")
        .start();
    until("the admin listener", || get(admin, "/livez", "").0 == 200);
    let (status, body) = get(port, "/page", "");
    assert!([502, 503].contains(&status), "{status} {body}");
    assert!(!body.contains("invalid"), "{body}");
    for path in ["/readyz", "/nginx-health", "/api/health"] {
        assert_eq!(get(admin, path, ""), get(admin, "/readyz", ""), "{path}");
    }
    assert_eq!(get(admin, "/other-health", "").0, 404);
    assert!(process.is_running());
    process.terminate();
    process.end().is(0, "");
}
