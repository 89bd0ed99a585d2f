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

#[tokio::test]
async fn tables_that_were_opened_are_remembered_by_name() {
    let db = Database::fresh().await;
    db.execute("create table a (n int); alter table a enable row level security").await;
    // a dump writes the list as text
    assert_eq!(db.value("select atttypid::regtype::text from pg_attribute where attrelid = 'mainstay.opened_tables'::regclass and attname = 'relation'").await, "regclass");
}

#[tokio::test]
async fn logins_of_the_api_may_not_touch_what_is_mainstays() {
    let db = Database::fresh().await;
    for role in ["anon", "authenticated", "service_role", "authenticator"] {
        for right in [
            "has_function_privilege('ROLE', 'mainstay.open_protected_tables()', 'execute')",
            "has_schema_privilege('ROLE', 'mainstay', 'usage')",
            "has_table_privilege('ROLE', 'mainstay.migrations', 'insert')",
            "has_table_privilege('ROLE', 'mainstay.opened_tables', 'insert')",
            "has_schema_privilege('ROLE', 'public', 'create')",
            "has_schema_privilege('ROLE', 'auth', 'create')",
            "has_schema_privilege('ROLE', 'extensions', 'create')",
            "pg_has_role('ROLE', 'postgres', 'member')",
            "pg_has_role('ROLE', 'supabase_auth_admin', 'member')",
            "(select rolsuper or rolcreaterole or rolcreatedb or rolreplication from pg_roles where rolname = 'ROLE')",
        ] {
            assert_eq!(db.value(&format!("select {}", right.replace("ROLE", role))).await, "f", "{role}: {right}");
        }
    }
}

/// What `docs/adr/0004-who-may-become-whom.md` says.
#[tokio::test]
async fn only_functions_of_the_project_can_change_the_role_and_only_until_the_transaction_ends() {
    let db = Database::fresh().await;
    db.execute(
        "create function climb() returns text language plpgsql as
           $$ begin perform set_config('role', 'service_role', true); return current_user; end $$;
         create function climb_as_owner() returns text language plpgsql security definer as
           $$ begin perform set_config('role', 'service_role', true); return current_user; end $$;
         create function climb_to_owner() returns text language plpgsql as
           $$ begin perform set_config('role', 'postgres', true); return current_user; end $$",
    )
    .await;
    let pool = db.pool(db.authenticator());
    let act = || Statement::once("select set_config('role', 'authenticated', true)");
    let call = |function: &str| Statement::once(format!("select public.{function}()"));
    let climbed = pool.run(&[act(), call("climb")]).await.unwrap();
    assert_eq!(climbed[1].first().unwrap().text(0), Some("service_role"));
    for refused in ["climb_as_owner", "climb_to_owner"] {
        let error = pool.run(&[act(), call(refused)]).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("42501"), "{refused}: {error}");
    }
    let after = pool.run(&[Statement::once("select current_user")]).await.unwrap();
    assert_eq!(after[0].first().unwrap().text(0), Some("authenticator"));
}
