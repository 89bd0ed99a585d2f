use serde_json::json;

use crate::app::{App, url};

/// Each operator, its negation and its quoting: query → ids of films.
const FILMS: &[(&str, &[i64])] = &[
    ("id=eq.3", &[3]),
    ("id=neq.3", &[1, 2, 4, 5, 6]),
    ("id=gt.4", &[5, 6]),
    ("id=gte.4&id=lt.6", &[4, 5]),
    ("id=lte.2", &[1, 2]),
    ("id=not.eq.3", &[1, 2, 4, 5, 6]),
    ("title=like.The*", &[1, 2, 4]),
    ("title=like.The%25", &[1, 2, 4]),
    ("title=ilike.the*", &[1, 2, 4]),
    ("title=not.ilike.the*", &[3, 5, 6]),
    ("title=match.^The", &[1, 2, 4]),
    ("title=imatch.^the", &[1, 2, 4]),
    ("title=like(any).{The*,Sol*}", &[1, 2, 3, 4]),
    ("title=like(all).{The*,*Cyb*}", &[4]),
    ("id=eq(any).{1,2}", &[1, 2]),
    ("id=gt(all).{1,4}", &[5, 6]),
    ("id=in.(1,3)", &[1, 3]),
    ("id=not.in.(1,3)", &[2, 4, 5, 6]),
    ("id=in.()", &[]),
    ("title=in.(Solaris,%22Beowulf, \\%22anonymous\\%22%22)", &[3, 6]),
    ("title=eq.Beowulf, %22anonymous%22", &[6]),
    ("director_id=is.null", &[6]),
    ("director_id=not.is.null", &[1, 2, 3, 4, 5]),
    ("director_id=is.not_null", &[1, 2, 3, 4, 5]),
    ("director_id=isdistinct.1", &[3, 4, 5, 6]),
    ("tags=cs.{classic}", &[1, 3]),
    ("tags=cd.{sf,x}", &[2, 6]),
    ("tags=ov.{humour,history}", &[4, 5]),
    ("meta=cs.{%22lang%22:%22pl%22}", &[3, 4]),
    ("meta->>lang=eq.pl", &[3, 4]),
    ("meta->pages=gt.300", &[1]),
    ("meta->a->b->>0=eq.10", &[1]),
    ("during=cs.[3,4)", &[1]),
    ("during=ov.[4,6]", &[1, 2]),
    ("during=sl.[5,9)", &[1]),
    ("during=sr.[1,5)", &[2]),
    ("during=nxr.[1,5)", &[1]),
    ("during=nxl.[5,9)", &[2]),
    ("during=adj.[5,9)", &[1]),
    ("search=fts.dispossessed", &[1]),
    ("search=not.fts.dispossessed", &[2, 3, 4, 5, 6]),
    ("search=fts(english).solaris", &[3]),
    ("title=plfts(english).lathe heaven", &[2]),
    ("title=phfts(english).lathe of heaven", &[2]),
    ("title=wfts(english).solaris or kindred", &[3, 5]),
    ("title=fts.cyberiad", &[4]),
    ("or=(id.eq.1,id.eq.2)", &[1, 2]),
    ("and=(id.gt.1,id.lt.4)", &[2, 3]),
    ("not.or=(id.eq.1,id.eq.2)", &[3, 4, 5, 6]),
    ("or=(id.eq.1,and(id.gt.4,not.and(title.like.K*,price.gt.9)))", &[1, 6]),
    ("or=(title.eq.%22Beowulf, \\%22anonymous\\%22%22,tags.cs.{sf,classic})", &[1, 3, 6]),
    ("or=(id.in.(1,2),id.not.in.(1,2,3,4,5))", &[1, 2, 6]),
    ("or=(meta->>lang.eq.pl,search.fts(english).kindred)", &[3, 4, 5]),
    ("full_title=eq.Solaris!", &[3]),
    ("title_search=fts(simple).of", &[2]),
    ("or=(title_search.not.fts(simple).the,id.eq.1)", &[1, 3, 5, 6]),
    ("id=in.(   )", &[]),
    ("id=in.( 1, 2 )", &[1, 2]),
    ("and=( and ( id.in.( 1, 2, 3 ) , id.eq.3 ) , or ( id.eq.2 , id.eq.3 ) )", &[3]),
    ("and=(id.eq.1,id.neq.2))", &[1]),
    ("id=not.in.()", &[1, 2, 3, 4, 5, 6]),
    ("title=isdistinct.Solaris&id=gt.4", &[5, 6]),
    ("meta=eq.{}", &[6]),
    ("tags=eq.{sf}", &[2]),
    ("director_id=not.is.not_null", &[6]),
];

#[tokio::test]
async fn every_operator_selects_its_rows() {
    let app = App::start().await;
    for (query, expected) in FILMS {
        let path = url(&format!("/films?select=id&order=id&{query}"));
        let rows = app.anon.get(&path).await.expect(200).json();
        let ids: Vec<_> = rows.as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, *expected, "{query}");
    }
}

#[tokio::test]
async fn booleans_are_tested_with_is() {
    let app = App::start().await;
    app.db.execute("create table flags (id int, yes bool); insert into flags values (1, true), (2, false), (3, null); grant select on flags to anon; notify pgrst").await;
    for _ in 0..200 {
        if app.anon.get("/flags").await.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    for (value, id) in [("true", 1), ("false", 2), ("unknown", 3), ("NULL", 3)] {
        let rows = app.anon.get(&format!("/flags?select=id&yes=is.{value}")).await.expect(200).json();
        assert_eq!(rows, json!([{"id": id}]), "{value}");
    }
}

#[tokio::test]
async fn faults_are_worded_as_postgrest_words_them() {
    let app = App::start().await;
    let cases = [
        (
            "/films?id=0",
            "\"failed to parse filter (0)\" (line 1, column 1)",
            "unexpected \"0\" expecting \"not\" or operator (eq, gt, ...)",
        ),
        (
            "/films?or=()",
            "\"failed to parse logic tree (())\" (line 1, column 4)",
            "unexpected \")\" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)",
        ),
        (
            "/films?order=id.asc.nullslasttt",
            "\"failed to parse order (id.asc.nullslasttt)\" (line 1, column 17)",
            "unexpected 't' expecting \",\" or end of input",
        ),
        (
            "/films?select=meta->>--34",
            "\"failed to parse select parameter (meta->>--34)\" (line 1, column 9)",
            "unexpected \"-\" expecting digit",
        ),
        (
            "/films?select=meta->(x",
            "\"failed to parse select parameter (meta->(x)\" (line 1, column 7)",
            "unexpected \"(\" expecting \"-\", digit or any non reserved character different from: .,>()",
        ),
        (
            "/films?columns=",
            "\"failed to parse columns parameter ()\" (line 1, column 1)",
            "unexpected end of input expecting field name (* or [a..z0..9_$])",
        ),
    ];
    for (path, message, details) in cases {
        let body = app.anon.get(&url(path)).await.expect(400).json();
        assert_eq!(body, json!({"code": "PGRST100", "message": message, "details": details, "hint": null}), "{path}");
    }
}
