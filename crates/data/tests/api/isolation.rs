//! For every request our grammar can make, one user never reads or changes another's rows.

use http::Method;
use mainstay_kernel::http::Body;
use mainstay_pg::{Pool, Statement};
use mainstay_testkit::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::app::{ALICE, App, BOB};

const SCHEMA: &str = "
    create table folders (id int primary key, owner uuid not null, name text);
    create table items (id int primary key, folder_id int references folders(id), owner uuid not null, body text);
    create table links (a int references items(id), b int references folders(id), owner uuid not null, primary key (a, b));
    create function items_like(word text) returns setof items language sql stable as
      $$ select * from items where body like '%' || word || '%' $$;
    create function first_item(folders) returns setof items rows 1 language sql stable as
      $$ select * from items where folder_id = $1.id order by id limit 1 $$;
    do $$ declare t text; begin
      foreach t in array array['folders', 'items', 'links'] loop
        execute format('alter table %I enable row level security', t);
        execute format('create policy own on %I to authenticated using (owner = auth.uid()) with check (owner = auth.uid())', t);
        execute format('grant all on %I to authenticated, service_role', t);
      end loop; end $$;
    grant execute on all functions in schema public to authenticated;";

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*SECRET*", "SECRET", "bob", "*", "1", "null", "%25", "{1,2}", "a,b", "\"x\"", "10", "11",
    ])
    .prop_map(str::to_owned)
}

fn column() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["id", "owner", "body", "name", "folder_id", "a", "b"])
}

fn filter() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec![
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "like",
        "ilike",
        "match",
        "is",
        "isdistinct",
        "fts",
        "not.eq",
        "not.like",
        "like(any)",
        "in",
    ]);
    (column(), operator, text(), 0..5_u8).prop_map(|(column, operator, value, kind)| {
        let value = match operator {
            "in" => format!("({value})"),
            "is" => "null".to_owned(),
            _ => value,
        };
        match kind {
            0 => format!("{column}={operator}.{value}"),
            1 => format!("or=({column}.{operator}.{value},id.gt.0)"),
            2 => format!("not.and=({column}.{operator}.{value},id.lt.0)"),
            3 => format!("owner=neq.{BOB}"),
            _ => "items=not.is.null".to_owned(),
        }
    })
}

fn select() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*",
        "id,owner",
        "*,items(*)",
        "*,folders(*)",
        "*,items!inner(*)",
        "*,first_item(*)",
        "*,links(*,folders(*),items(*))",
        "*,...folders(name)",
        "*,...items(body)",
        "owner::text",
        "*,folders(*,items(*))",
        "items(body),*",
    ])
    .prop_map(str::to_owned)
}

fn body() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#"{"id": 10, "owner": "OWNER", "body": "stolen"}"#,
        r#"[{"id": 10, "owner": "ME", "name": "stolen"}]"#,
        r#"{"owner": "ME"}"#,
        r#"{"body": "changed"}"#,
        r#"{"name": "changed"}"#,
        r#"{"id": 11, "folder_id": 10, "owner": "ME", "body": "x"}"#,
        r#"{"word": "S"}"#,
        "{}",
        "[]",
    ])
    .prop_map(|text| text.replace("OWNER", &ALICE.to_string()).replace("ME", &BOB.to_string()))
}

#[derive(Debug, Clone)]
struct Attempt {
    method: Method,
    path: String,
    body: String,
    prefer: String,
    accept: &'static str,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let method =
        prop::sample::select(vec![Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT, Method::HEAD]);
    let table = prop::sample::select(vec!["folders", "items", "links", "rpc/items_like"]);
    let prefer = prop::sample::subsequence(
        vec![
            "return=representation",
            "resolution=merge-duplicates",
            "resolution=ignore-duplicates",
            "count=exact",
            "count=planned",
            "missing=default",
            "tx=commit",
        ],
        0..=4,
    );
    let accept = prop::sample::select(vec!["application/json", "text/csv", "application/vnd.pgrst.object+json", "*/*"]);
    (method, table, select(), prop::collection::vec(filter(), 0..3), body(), prefer, accept).prop_map(
        |(method, table, select, filters, body, prefer, accept)| {
            let filters: String = filters.iter().map(|f| format!("&{f}")).collect();
            let word = if table.starts_with("rpc") { "&word=S" } else { "" };
            let query = format!("select={select}{filters}{word}&order=id");
            let query: String = query.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
            Attempt { method, path: format!("/{table}?{query}"), body, prefer: prefer.join(", "), accept }
        },
    )
}

async fn hers(watcher: &Pool) -> String {
    let rows = watcher
        .run(&[Statement::prepared(format!(
            "select jsonb_build_array(
               (select jsonb_agg(f order by id) from folders f where owner = '{ALICE}'),
               (select jsonb_agg(i order by id) from items i where owner = '{ALICE}'),
               (select jsonb_agg(l order by a) from links l where owner = '{ALICE}'))::text"
        ))])
        .await
        .unwrap();
    rows[0].first().and_then(|row| row.text(0)).unwrap_or_default().to_owned()
}

async fn make(client: &Client, attempt: &Attempt) -> String {
    let client =
        client.with("prefer", &attempt.prefer).with("accept", attempt.accept).with("content-type", "application/json");
    let body = if attempt.method == Method::GET || attempt.method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(attempt.body.clone())
    };
    let answer = client.send(attempt.method.clone(), &attempt.path, body).await;
    assert!(answer.status.as_u16() < 500, "{attempt:?}: {}", answer.text());
    answer.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_crosses_owners() {
    let db = mainstay_testkit::Database::fresh().await;
    db.execute(SCHEMA).await;
    db.execute(&format!(
        "insert into folders values (10, '{ALICE}', 'SECRET-7f3'), (20, '{BOB}', 'bob');
         insert into items values (10, 10, '{ALICE}', 'SECRET-7f3'), (20, 20, '{BOB}', 'bob');
         insert into links values (10, 10, '{ALICE}'), (20, 20, '{BOB}')"
    ))
    .await;
    let app = App::on(db, |config| config.tx_override = true).await;
    let watcher = app.db.pool(app.db.superuser());
    let before = hers(&watcher).await;
    let bob = app.user(BOB);
    let cases = std::env::var("ISOLATION_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let handle = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&attempt(), |attempt| {
            let (seen, after) = handle.block_on(async { (make(&bob, &attempt).await, hers(&watcher).await) });
            // the end of her secret is in no request, so it is in no answer's echo of one
            prop_assert!(!seen.contains("7f3"), "{:?} told {}", attempt, seen);
            prop_assert_eq!(&after, &before, "{:?} changed her rows", attempt);
            Ok(())
        })
    });
    result.unwrap();
}
