use serde_json::json;

use crate::app::{App, url};

#[tokio::test]
async fn columns_aliases_casts_and_json_paths() {
    let app = App::start().await;
    let cases = [
        ("id,title", json!([{"id": 3, "title": "Solaris"}])),
        ("name:title", json!([{"name": "Solaris"}])),
        ("id::text", json!([{"id": "3"}])),
        ("t:id::text,price", json!([{"t": "3", "price": 8.00}])),
        ("meta->lang,meta->>pages", json!([{"lang": "pl", "pages": "204"}])),
        ("pages:meta->pages::int", json!([{"pages": 204}])),
        ("tags->0", json!([{"tags": "sf"}])),
        ("full_title", json!([{"full_title": "Solaris!"}])),
        ("id, title", json!([{"id": 3, "title": "Solaris"}])),
        ("\"id\"", json!([{"id": 3}])),
    ];
    for (select, expected) in cases {
        let answer = app.anon.get(&url(&format!("/films?select={select}&id=eq.3"))).await.expect(200);
        assert_eq!(answer.json(), expected, "{select}");
    }
    let all = app.anon.get("/films?id=eq.1").await.expect(200).json();
    assert_eq!(all[0]["meta"]["a"]["b"], json!([10, 20]));
    assert_eq!(app.anon.get(&url("/films?select=meta->a->b->1&id=eq.1")).await.expect(200).json(), json!([{"b": 20}]));
    assert_eq!(app.anon.get("/films?select=").await.expect(200).json().as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn names_with_spaces_and_quotes() {
    let app = App::start().await;
    let service = app.service();
    let path = "/odd%20%22%20name";
    let _ = service.post(path, &json!({"sp ace": 1, "qu\"ote": "x"})).await.expect(201);
    let answer = service.get(&format!("{path}?select=%22sp%20ace%22,a:%22qu%5C%22ote%22&%22sp%20ace%22=eq.1")).await;
    assert_eq!(answer.expect(200).json(), json!([{"sp ace": 1, "a": "x"}]));
}

#[tokio::test]
async fn unknown_names_are_told_apart() {
    let app = App::start().await;
    let table = app.anon.get("/film").await.expect(404);
    assert_eq!(table.header("proxy-status"), "PostgREST; error=PGRST205");
    assert_eq!(
        table.json(),
        json!({"code": "PGRST205", "details": null, "hint": "Perhaps you meant the table 'public.films'",
               "message": "Could not find the table 'public.film' in the schema cache"})
    );
    let column = app.anon.get("/films?select=nope").await.expect(400).json();
    assert_eq!(column["code"], "42703");
    assert_eq!(column["message"], "column films.nope does not exist");
    assert_eq!(app.anon.get("/films?nope=eq.1").await.expect(400).json()["code"], "42703");
    assert_eq!(app.anon.get("/films/1").await.expect(404).json()["code"], "PGRST125");
    assert_eq!(app.anon.get("/films?id=eq.x").await.expect(400).json()["code"], "22P02");
    let syntax = app.anon.get("/films?id=noop.1").await.expect(400).json();
    assert_eq!(syntax["message"], "\"failed to parse filter (noop.1)\" (line 1, column 1)");
}

#[tokio::test]
async fn aggregates_are_refused_unless_switched_on() {
    let app = App::start().await;
    assert_eq!(app.anon.get("/films?select=price.sum()").await.expect(400).json()["code"], "PGRST123");
    assert_eq!(app.anon.get("/films?select=count()").await.expect(400).json()["code"], "PGRST123");

    let app = App::configured(|config| config.aggregates = true).await;
    assert_eq!(app.anon.get("/films?select=count()").await.expect(200).json(), json!([{"count": 6}]));
    assert_eq!(
        app.anon.get("/films?select=director_id,total:price.sum(),count()&director_id=eq.1").await.expect(200).json(),
        json!([{"director_id": 1, "total": 16.75, "count": 2}])
    );
    assert_eq!(app.anon.get("/films?select=price.max()::text").await.expect(200).json(), json!([{"max": "10.00"}]));
    assert_eq!(
        app.anon.get("/directors?select=name,films(price.sum())&id=eq.1").await.expect(200).json(),
        json!([{"name": "Le Guin", "films": [{"sum": 16.75}]}])
    );
}

#[tokio::test]
async fn order_takes_directions_nulls_and_json_paths() {
    let app = App::start().await;
    let cases = [
        ("/directors?select=id&order=born.asc", vec![2, 1, 3, 4]),
        ("/directors?select=id&order=born.desc.nullslast", vec![3, 1, 2, 4]),
        ("/directors?select=id&order=born.nullsfirst,id", vec![4, 2, 1, 3]),
        ("/films?select=id&order=meta->pages.desc.nullslast&id=lt.6", vec![1, 4, 5, 3, 2]),
        ("/films?select=id&order=director_id.desc.nullslast,id.desc", vec![5, 4, 3, 2, 1, 6]),
    ];
    for (path, expected) in cases {
        let rows = app.anon.get(&url(path)).await.expect(200).json();
        let ids: Vec<_> = rows.as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, expected, "{path}");
    }
}
