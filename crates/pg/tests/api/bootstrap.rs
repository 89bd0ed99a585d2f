use mainstay_pg::{Bootstrap, Statement, exposed_without_policies};
use mainstay_testkit::Database;

async fn may(db: &Database, role: &str, table: &str) -> bool {
    db.value(&format!("select has_table_privilege('{role}', '{table}', 'select')")).await == "t"
}

#[tokio::test]
async fn a_table_is_closed_until_row_level_security_is_on() {
    let db = Database::fresh().await;
    db.execute("create table open_later (n int)").await;
    assert!(!may(&db, "anon", "open_later").await && !may(&db, "authenticated", "open_later").await);
    assert!(may(&db, "service_role", "open_later").await);
    assert_eq!(exposed_without_policies(&db.owner(), &["public".into()]).await.unwrap(), ["open_later"]);
    db.execute("alter table open_later enable row level security").await;
    assert!(may(&db, "anon", "open_later").await && may(&db, "authenticated", "open_later").await);
    assert!(exposed_without_policies(&db.owner(), &["public".into()]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_explicit_grant_or_revoke_wins() {
    let db = Database::fresh().await;
    db.execute("create table a (n int); grant select on a to anon").await;
    assert!(may(&db, "anon", "a").await);
    db.execute("create table b (n int); alter table b enable row level security; revoke all on b from anon").await;
    db.execute("create table c (n int); alter table c enable row level security").await;
    assert!(!may(&db, "anon", "b").await && may(&db, "authenticated", "b").await);
}

#[tokio::test]
async fn the_helpers_read_the_claims() {
    let db = Database::fresh().await;
    let ask = Statement::once("select auth.uid()::text, auth.role(), auth.email(), auth.jwt() ->> 'x'");
    let claims = r#"{"sub":"3f1c5b1e-0f5c-4b8e-9a53-0d9a3e3f1a11","role":"authenticated","email":"a@b.c","x":"y"}"#;
    let set = |claims: &str| Statement::once("select set_config('request.jwt.claims', $1, true)").bind(claims);
    let rows = db.admin().run(&[set(claims), ask.clone()]).await.unwrap().remove(1);
    let row = rows.first().unwrap();
    assert_eq!(
        [row.text(0), row.text(1), row.text(2), row.text(3)],
        [Some("3f1c5b1e-0f5c-4b8e-9a53-0d9a3e3f1a11"), Some("authenticated"), Some("a@b.c"), Some("y")]
    );
    for empty in ["", "{}"] {
        let rows = db.admin().run(&[set(empty), ask.clone()]).await.unwrap().remove(1);
        assert_eq!(rows.first().unwrap().text(0), None, "{empty:?}");
    }
}

#[tokio::test]
async fn roles_have_no_more_than_they_need() {
    let db = Database::fresh().await;
    assert_eq!(
        db.value("select string_agg(rolname, ' ' order by rolname) from pg_roles where rolsuper and rolname !~ '^pg_'")
            .await,
        "supabase_admin"
    );
    assert_eq!(db.value("select rolinherit::text from pg_roles where rolname = 'authenticator'").await, "false");
    assert_eq!(db.value("select has_schema_privilege('authenticated', 'public', 'create')::text").await, "false");
    assert_eq!(db.value("select has_schema_privilege('anon', 'mainstay', 'usage')::text").await, "false");
    assert_eq!(db.value("select has_schema_privilege('supabase_auth_admin', 'public', 'create')::text").await, "false");
}

#[tokio::test]
async fn bootstrap_may_run_again() {
    let db = Database::fresh().await;
    let bootstrap = Bootstrap { owner: "postgres".into(), passwords: vec![] };
    bootstrap.run(&db.superuser()).await.unwrap();
    bootstrap.run(&db.superuser()).await.unwrap();
}
