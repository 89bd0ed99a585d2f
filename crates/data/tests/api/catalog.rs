use std::sync::Arc;
use std::time::Duration;

use mainstay_data::{Config, Deps, build};
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use mainstay_testkit::{Client, Database, Identity};
use serde_json::json;

use crate::app::App;

async fn status_becomes(client: &Client, path: &str, status: u16) {
    for _ in 0..400 {
        if client.get(path).await.status.as_u16() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} did not answer {status} in 10 s");
}

#[tokio::test]
async fn changes_are_followed() {
    let app = App::start().await;
    let _ = app.anon.get("/late").await.expect(404);
    app.db
        .execute("create table late (id int, a text); grant select on late to anon; notify pgrst, 'reload schema'")
        .await;
    status_becomes(&app.anon, "/late", 200).await;
    // plans prepared before a change of columns must not fail after it
    for _ in 0..8 {
        let _ = app.anon.get("/late").await.expect(200);
    }
    app.db.execute("alter table late add column b int default 5; insert into late values (1, 'x')").await;
    for _ in 0..8 {
        assert_eq!(app.anon.get("/late").await.expect(200).json(), json!([{"id": 1, "a": "x", "b": 5}]));
    }
    app.db.execute("drop table late; notify pgrst, 'reload schema'").await;
    status_becomes(&app.anon, "/late", 404).await;
}

#[tokio::test]
async fn a_lost_listener_comes_back() {
    let app = App::start().await;
    let _ = app.db.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator' and datname = current_database()").await;
    app.db.execute("create table while_away (id int); grant select on while_away to anon").await;
    status_becomes(&app.anon, "/while_away", 200).await;
}

#[tokio::test]
async fn without_a_database_the_answer_is_503() {
    let db = Database::fresh().await;
    let identity = Identity::new(Arc::new(SystemClock));
    let mut options = db.authenticator();
    options.host = "127.0.0.1".into();
    options.port = 1;
    let deps = Deps { pool: db.pool(options), verifier: identity.verifier.clone(), registry: Registry::new() };
    let room = build(&Config::default(), deps).unwrap();
    room.run(&Lifecycle::new());
    assert!(!room.ready().is_ready());
    let answer = Client::new(room.router()).get("/films").await.expect(503);
    assert_eq!(answer.json()["code"], "PGRST002");
    assert_eq!(answer.header("retry-after"), "1");
}
