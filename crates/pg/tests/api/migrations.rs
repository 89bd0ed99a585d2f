use mainstay_pg::migrate::{MigrateError, Migration, apply, state};
use mainstay_testkit::Database;

fn migration(name: &str, sql: &str) -> Migration {
    Migration { name: name.into(), sql: sql.into() }
}

#[tokio::test]
async fn migrations_run_once_in_order() {
    let db = Database::fresh().await;
    let set = [migration("0001_a", "create table a (n int)"), migration("0002_b", "alter table a add column m int")];
    assert_eq!(apply(&db.owner(), "project", &set).await.unwrap().len(), 2);
    assert_eq!(apply(&db.owner(), "project", &set).await.unwrap().len(), 0);
    let set = [set.to_vec(), vec![migration("0003_c", "select 1")]].concat();
    let pending: Vec<_> =
        state(&db.owner(), "project", &set).await.unwrap().into_iter().map(|s| s.applied_at.is_none()).collect();
    assert_eq!(pending, [false, false, true]);
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let db = Database::fresh().await;
    apply(&db.owner(), "project", &[migration("0001_a", "create table a (n int)")]).await.unwrap();
    let again = apply(&db.owner(), "project", &[migration("0001_a", "create table a (n bigint)")]).await;
    assert!(matches!(again, Err(MigrateError::Changed { .. })));
    // line ends are not a change
    apply(&db.owner(), "project", &[migration("0002_b", "select 1;\nselect 2")]).await.unwrap();
    apply(&db.owner(), "project", &[migration("0002_b", "select 1;\r\nselect 2")]).await.unwrap();
}

#[tokio::test]
async fn a_failure_names_the_line_and_leaves_nothing_behind() {
    let db = Database::fresh().await;
    for (sql, line, said) in [
        ("create table a (n int);\n\n-- now the error\ninsert into nowhere values (1);", 4, "nowhere"),
        ("create table a (n int primary key);\ninsert into a values (1);\ninsert into a values (1);", 3, "a_pkey"),
        ("create table a (n int);\nselect\n  1 +;\n", 3, "syntax error"),
    ] {
        let error = apply(&db.owner(), "project", &[migration("0001_bad", sql)]).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`0001_bad`, line {line}:")) && error.contains(said), "{error}");
        assert_eq!(db.value("select count(*) from pg_class where relname = 'a'").await, "0");
    }
}

#[tokio::test]
async fn concurrent_index_builds_have_a_way_out() {
    let db = Database::fresh().await;
    let sql = "-- mainstay: no-transaction\ncreate table a (n int);\ncreate index concurrently a_n on a (n);";
    apply(&db.owner(), "project", &[migration("0001_index", sql)]).await.unwrap();
    assert_eq!(db.value("select to_regclass('a_n')::text").await, "a_n");
}

#[tokio::test]
async fn two_runners_take_turns() {
    let db = Database::fresh().await;
    let set: Vec<_> = (1..6)
        .map(|n| migration(&format!("000{n}"), &format!("select pg_sleep(0.02); create table t{n} (n int)")))
        .collect();
    let owner = db.owner();
    let (first, second) = tokio::join!(apply(&owner, "project", &set), apply(&owner, "project", &set));
    assert_eq!(first.unwrap().len() + second.unwrap().len(), 5);
}

#[tokio::test]
async fn a_migration_does_not_inherit_the_session_of_another() {
    let db = Database::fresh().await;
    let set = [
        // what a dump begins with, and a change of role that is not taken back
        migration("0001_dump", "select pg_catalog.set_config('search_path', '', false); set role anon"),
        migration("0002_next", "create table a (n int)"),
        migration("0003_bare", "-- mainstay: no-transaction\nset role anon; set statement_timeout = 1"),
        migration("0004_last", "select pg_sleep(0.01); create table b (n int)"),
    ];
    assert_eq!(apply(&db.owner(), "project", &set).await.unwrap().len(), 4);
    assert_eq!(db.value("select to_regclass('public.a')::text || to_regclass('public.b')::text").await, "ab");
}
