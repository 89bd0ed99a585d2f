//! Request → plan → SQL on the fixture catalog, as snapshots. Part of the library's unit tests, so that the stages can
//! stay private. `INSTA_UPDATE=always cargo test -p mainstay-data stages` accepts changes.

use bytes::Bytes;
use http::{HeaderMap, Request};

use crate::catalog::Catalog;
use crate::error::Error;
use crate::plan::{Plan, PlanRules, plan};
use crate::request::prefer::TxOverride;
use crate::request::{RequestRules, parse};
use crate::sql::{Session, render};

const HEADERS: &[(&str, &str)] = &[];
const FULL: &[(&str, &str)] = &[("prefer", "return=representation")];

/// Name, method, path, headers, body.
type Case = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const CASES: &[Case] = &[
    ("read_all", "GET", "/films", HEADERS, ""),
    (
        "read_columns",
        "GET",
        "/films?select=id,t:title,meta-%3Elang,tags-%3E0,id::text&order=id.desc.nullslast&limit=5&offset=10",
        HEADERS,
        "",
    ),
    (
        "filters",
        "GET",
        "/films?id=gt.5&title=not.like.a*&tags=cs.%7Bx%7D&meta-%3E%3Elang=eq.en&id=in.(1,2)&title=fts(english).word&search=wfts.x&title=is.null",
        HEADERS,
        "",
    ),
    ("logic", "GET", "/films?or=(id.eq.1,not.and(title.eq.a,id.in.(2,3)))&id=eq(any).%7B1,2%7D", HEADERS, ""),
    ("to_one", "GET", "/films?select=title,directors(name)&directors.name=eq.Lem&order=directors(name)", HEADERS, ""),
    (
        "to_many_inner",
        "GET",
        "/directors?select=name,films!inner(id)&films.id=gt.3&films.order=id&films.limit=2",
        &[("prefer", "count=exact")],
        "",
    ),
    ("many_to_many", "GET", "/films?select=id,actors(name)", HEADERS, ""),
    ("self_reference", "GET", "/directors?select=id,mentor:mentor_id(id),pupils:directors(id)", HEADERS, ""),
    ("spread", "GET", "/films?select=id,...directors(author:name),...actors(name)", HEADERS, ""),
    ("null_embed", "GET", "/directors?select=id,films()&films=is.null&limit=1", &[("prefer", "count=exact")], ""),
    ("through_a_view", "GET", "/film_titles?select=title,directors(name)", HEADERS, ""),
    ("counted", "GET", "/films?select=id&id=gt.1&limit=1", &[("prefer", "count=estimated")], ""),
    ("insert", "POST", "/films?select=id,directors(name)", FULL, "[{\"title\":\"a\",\"director_id\":1}]"),
    ("insert_defaults", "POST", "/films?columns=id,title,meta", &[("prefer", "missing=default")], "{\"title\":\"a\"}"),
    (
        "upsert",
        "POST",
        "/films?on_conflict=title",
        &[("prefer", "resolution=merge-duplicates")],
        "{\"id\":1,\"title\":\"a\"}",
    ),
    ("put", "PUT", "/directors?id=eq.1", FULL, "{\"id\":1,\"name\":\"x\"}"),
    ("update", "PATCH", "/films?id=eq.1&select=title", FULL, "{\"title\":\"b\"}"),
    ("update_nothing", "PATCH", "/films?id=eq.1", HEADERS, "{}"),
    ("delete", "DELETE", "/films?or=(id.eq.1,id.eq.2)", HEADERS, ""),
    ("call_get", "GET", "/rpc/add?a=1&b=2", HEADERS, ""),
    ("call_post_rows", "POST", "/rpc/films_by?select=id,directors(name)&title=eq.x", HEADERS, "{\"director\":1}"),
    ("call_variadic", "GET", "/rpc/join_words?words=a&words=b", HEADERS, ""),
    ("call_body", "POST", "/rpc/echo", HEADERS, "{\"a\":1}"),
    ("call_void", "POST", "/rpc/ping", HEADERS, ""),
    ("ambiguous", "GET", "/orders?select=addresses(id)", HEADERS, ""),
    ("not_related", "GET", "/films?select=actrs(id)", HEADERS, ""),
    ("no_function", "GET", "/rpc/ad?a=1", HEADERS, ""),
];

#[test]
fn requests_become_plans_and_sql() {
    let catalog = Catalog::from_fixture(include_str!("catalog.json"));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for case in CASES {
            insta::assert_snapshot!(case.0, print(case, &catalog));
        }
    });
}

/// The statement with a line per clause, and its values.
fn print((_, method, path, headers, body): &Case, catalog: &Catalog) -> String {
    let first = format!("{method} {path}\n");
    match stages(method, path, headers, body, catalog) {
        Ok(text) => first + &text,
        Err(error) => {
            let failure = error.failure(crate::error::CallerKind::Known);
            format!("{first}{} {}", failure.status.as_u16(), String::from_utf8_lossy(&failure.problem.to_json()))
        }
    }
}

fn stages(method: &str, path: &str, headers: &[(&str, &str)], body: &str, catalog: &Catalog) -> Result<String, Error> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let head = builder.body(()).expect("a request").into_parts().0;
    let rules = RequestRules { schemas: vec!["public".into()], tx: TxOverride::Refused };
    let request = parse(&rules, &head, Bytes::copy_from_slice(body.as_bytes()))?;
    let plan: Plan = plan(catalog, &PlanRules::default(), &request)?;
    let empty = HeaderMap::new();
    let session = Session {
        role: "anon",
        claims: "{}",
        role_settings: &[],
        schema: "public",
        extra_search_path: &[],
        method,
        path: "/",
        headers: &empty,
        timezone: None,
        pre_request: None,
    };
    let statements = render(&plan, &session).expect("a plan for the database");
    let mut text = String::new();
    for sql in [Some(statements.main), statements.explain].into_iter().flatten() {
        let (sql, binds) = sql.into_parts();
        text += &sql
            .replace(" FROM ", "\n  FROM ")
            .replace(" LEFT JOIN ", "\n  LEFT JOIN ")
            .replace(" WHERE ", "\n  WHERE ");
        let values: Vec<_> = binds
            .iter()
            .map(|b| b.as_ref().map_or("null".into(), |b| String::from_utf8_lossy(b).into_owned()))
            .collect();
        text += &format!("\n{values:?}\n");
    }
    Ok(text)
}
