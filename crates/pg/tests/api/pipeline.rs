use mainstay_pg::{Connection, Error, Listener, Pool, PoolSettings, Statement};
use mainstay_testkit::Database;
use std::sync::Arc;
use std::time::Duration;

fn count(results: &[mainstay_pg::Rows], i: usize) -> String {
    results[i].first().and_then(|row| row.text(0)).expect("a value").to_owned()
}

#[tokio::test]
async fn a_pipeline_is_one_transaction_and_settings_hold_inside_it() {
    let db = Database::fresh().await;
    db.execute("create table t (n int primary key)").await;
    let pool = db.admin();
    let results = pool
        .run(&[
            Statement::prepared("select set_config('app.who', $1, true)").bind("me"),
            Statement::prepared("insert into t select $1::int returning current_setting('app.who')").bind(7),
        ])
        .await
        .unwrap();
    assert_eq!(count(&results, 1), "me");
    assert_eq!(results[1].affected(), 1);
    let after = pool.run(&[Statement::once("select coalesce(current_setting('app.who', true), '')")]).await.unwrap();
    assert_eq!(count(&after, 0), "", "set_config(…, true) ends with the pipeline");
}

#[tokio::test]
async fn a_failing_statement_undoes_the_others_and_is_named() {
    let db = Database::fresh().await;
    db.execute("create table t (n int primary key)").await;
    let pool = db.admin();
    let insert = || Statement::prepared("insert into t values ($1::int)").bind(1);
    let error = pool.run(&[insert(), insert(), Statement::once("select 1")]).await.unwrap_err();
    let report = error.db().unwrap();
    assert_eq!((report.code.as_str(), report.statement, report.constraint.as_deref()), ("23505", 1, Some("t_pkey")));
    assert_eq!(db.value("select count(*) from t").await, "0");
    // the connection is fine afterwards, and is the same one
    pool.run(&[insert()]).await.unwrap();
    assert_eq!(pool.state().idle, 1);
}

#[tokio::test]
async fn deferred_constraints_fail_the_pipeline_at_its_end() {
    let db = Database::fresh().await;
    db.execute("create table a (n int primary key); create table b (a int references a deferrable initially deferred)")
        .await;
    let error = db.admin().run(&[Statement::once("insert into b values (1)")]).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("23503"));
}

#[tokio::test]
async fn null_empty_and_odd_text_travel_unchanged() {
    let db = Database::fresh().await;
    let odd = "'; drop table x; -- \" \\ \u{1f600}\n";
    let statement = Statement::prepared("select $1::text, $2::text, $3::text").bind(odd).bind("").bind(None::<&str>);
    let rows = db.admin().run(&[statement]).await.unwrap().remove(0);
    let row = rows.first().unwrap();
    assert_eq!((row.text(0), row.text(1), row.text(2)), (Some(odd), Some(""), None));
    assert_eq!(rows.columns.len(), 3);
}

#[tokio::test]
async fn a_stale_plan_is_prepared_again() {
    let db = Database::fresh().await;
    db.execute("create table t (n int); insert into t values (1)").await;
    let pool = db.admin();
    let read = || Statement::prepared("select * from t");
    assert_eq!(pool.run(&[read()]).await.unwrap()[0].columns.len(), 1);
    db.execute("alter table t add column m text default 'x'").await;
    assert_eq!(pool.run(&[read()]).await.unwrap()[0].columns.len(), 2);
}

#[tokio::test]
async fn prepared_statements_are_bounded() {
    let db = Database::fresh().await;
    let mut connection = Connection::open(&Arc::new(db.owner())).await.unwrap();
    for n in 0..700 {
        let rows = connection.pipeline(&[Statement::prepared(format!("select {n}"))]).await.unwrap();
        assert_eq!(rows[0].first().unwrap().text(0).unwrap(), n.to_string());
    }
    let kept = connection.pipeline(&[Statement::once("select count(*) from pg_prepared_statements")]).await.unwrap();
    assert_eq!(count(&kept, 0), "256");
}

#[tokio::test]
async fn an_abandoned_statement_is_cancelled_on_the_server() {
    let db = Database::fresh().await;
    let pool = Pool::new(db.owner(), PoolSettings { size: 1, ..PoolSettings::default() });
    let statement = [Statement::once("select pg_sleep(61)")];
    assert!(tokio::time::timeout(Duration::from_millis(200), pool.run(&statement)).await.is_err());
    // the only place is free again at once, with a clean connection
    pool.run(&[Statement::once("select 1")]).await.unwrap();
    for _ in 0..100 {
        if db.value("select count(*) from pg_stat_activity where query like '%pg_sleep(61)%' and state = 'active' and pid <> pg_backend_pid()").await == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the statement still runs");
}

#[tokio::test]
async fn an_open_transaction_is_not_lent_again() {
    let db = Database::fresh().await;
    let pool = Pool::new(db.owner(), PoolSettings { size: 1, ..PoolSettings::default() });
    let mut conn = pool.get().await.unwrap();
    conn.pipeline(&[Statement::once("begin"), Statement::once("create table half (n int)")]).await.unwrap();
    drop(conn);
    let rows = pool.run(&[Statement::once("select coalesce(to_regclass('half')::text, 'none')")]).await.unwrap();
    assert_eq!(count(&rows, 0), "none");
}

#[tokio::test]
async fn waiting_for_a_connection_is_bounded() {
    let db = Database::fresh().await;
    let settings = PoolSettings { size: 1, acquire_timeout: Duration::from_millis(50), ..PoolSettings::default() };
    let pool = Pool::new(db.owner(), settings);
    let _held = pool.get().await.unwrap();
    assert!(matches!(pool.get().await, Err(Error::Timeout)));
}

#[tokio::test]
async fn a_killed_connection_is_replaced() {
    let db = Database::fresh().await;
    let pool = db.admin();
    pool.run(&[Statement::once("select 1")]).await.unwrap();
    db.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'postgres'").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let first = pool.run(&[Statement::once("select 1")]).await;
    assert!(first.is_ok() || first.unwrap_err().is_unavailable(), "lost at most one request");
    pool.run(&[Statement::once("select 1")]).await.unwrap();
}

#[tokio::test]
async fn notifications_arrive() {
    let db = Database::fresh().await;
    let mut listener = Listener::connect(&db.authenticator(), &["pgrst"]).await.unwrap();
    db.execute("create table t (n int)").await;
    let heard = tokio::time::timeout(Duration::from_secs(5), listener.next()).await.unwrap().unwrap();
    assert_eq!((heard.channel.as_str(), heard.payload.as_str()), ("pgrst", "reload schema"));
}

#[tokio::test]
async fn a_wrong_password_and_an_absent_server_are_told_apart() {
    let db = Database::fresh().await;
    let wrong = Arc::new(db.owner().as_user("authenticator", "wrong".to_owned().into()));
    assert_eq!(Connection::open(&wrong).await.err().unwrap().sqlstate(), Some("28P01"));
    let absent = Arc::new(mainstay_pg::ConnectOptions { host: "127.0.0.1".into(), port: 1, ..db.owner() });
    assert!(matches!(Connection::open(&absent).await, Err(Error::Connect(_))));
}
