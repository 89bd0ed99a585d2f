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
