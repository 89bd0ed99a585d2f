use http::Method;
use mainstay_kernel::http::Body;
use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn one_row_or_many_with_defaults() {
    let app = App::start().await;
    let service = app.service();
    let full = service.with("prefer", "return=representation");
    let one = full.post("/films", &json!({"id": 50, "title": "One", "director_id": 4})).await.expect(201);
    assert_eq!(one.json()[0]["price"], json!(0.0));
    assert_eq!(one.json()[0]["tags"], json!([]));
    assert_eq!(one.header("preference-applied"), "return=representation");
    let many = service.post("/films", &json!([{"id": 51, "title": "Two"}, {"id": 52, "title": "Three"}])).await;
    let many = many.expect(201);
    assert!(many.body.is_empty());
    assert_eq!(many.header("content-range"), "*/*");
    let counted = service.with("prefer", "count=exact").post("/films", &json!([{"title": "a"}, {"title": "b"}])).await;
    assert_eq!(counted.expect(201).header("content-range"), "*/2");
    assert_eq!(full.post("/films", &json!([])).await.expect(201).json(), json!([]));
    let planned = service.with("prefer", "count=planned").post("/films", &json!({"title": "p"})).await.expect(201);
    assert_eq!(planned.header("content-range"), "*/*");
    for (body, rows) in [(json!({}), 1), (json!([{}]), 1), (json!([{}, {}]), 2)] {
        for prefer in ["missing=null", "missing=default"] {
            let empty = full.with("prefer", prefer).post("/keyless", &body).await.expect(201).json();
            assert_eq!(empty.as_array().map(Vec::len), Some(rows), "{body} {prefer}");
        }
    }
    let generated = full.post("/films?select=id,title", &json!({"title": "Generated"})).await.expect(201).json();
    assert!(generated[0]["id"].as_i64() > Some(100));
    let embedded = full.post("/films?select=title,directors(name)", &json!({"title": "E", "director_id": 2})).await;
    assert_eq!(embedded.expect(201).json(), json!([{"title": "E", "directors": {"name": "Lem"}}]));
}

#[tokio::test]
async fn headers_only_tells_where_the_row_is() {
    let app = App::start().await;
    let client = app.service().with("prefer", "return=headers-only");
    let answer = client.post("/films", &json!({"id": 77, "title": "x"})).await.expect(201);
    assert_eq!(answer.header("location"), "/films?id=eq.77");
    assert!(answer.body.is_empty());
    let two = client.post("/roles", &json!({"film_id": 4, "actor_id": 1})).await.expect(201);
    assert_eq!(two.header("location"), "/roles?film_id=eq.4&actor_id=eq.1");
    assert_eq!(
        client.post("/films", &json!([{"title": "x"}, {"title": "y"}])).await.expect(201).header("location"),
        ""
    );
}

#[tokio::test]
async fn columns_choose_what_of_the_body_counts() {
    let app = App::start().await;
    let full = app.service().with("prefer", "return=representation");
    let answer = full
        .post(
            "/films?columns=id,title&select=id,title,price",
            &json!([{"id": 60, "title": "a", "price": 5, "junk": 1}, {"id": 61, "title": "b"}]),
        )
        .await;
    assert_eq!(answer.expect(201).json()[0], json!({"id": 60, "title": "a", "price": 0.0}));
    let unknown = full.post("/films?columns=id,nope", &json!({})).await.expect(400).json();
    assert_eq!(
        (unknown["code"].as_str(), unknown["message"].as_str()),
        (Some("PGRST204"), Some("Could not find the 'nope' column of 'films' in the schema cache"))
    );
    assert_eq!(full.post("/films", &json!({"nope": 1})).await.expect(400).json()["code"], "PGRST204");
    let missing = full.with("prefer", "missing=default");
    let rows = missing
        .post(
            "/films?columns=id,title,price,tags&select=id,price,tags",
            &json!([{"id": 70, "title": "a"}, {"title": "b", "price": 2, "tags": ["x"]}]),
        )
        .await
        .expect(201);
    assert_eq!(rows.json()[0], json!({"id": 70, "price": 0.0, "tags": []}));
    assert_eq!(rows.json()[1]["tags"], json!(["x"]));
    assert_eq!(rows.header("preference-applied"), "missing=default, return=representation");
}

#[tokio::test]
async fn csv_and_forms_are_bodies_too() {
    let app = App::start().await;
    let full = app.service().with("prefer", "return=representation");
    let csv = full.with("content-type", "text/csv");
    let answer = csv
        .send(
            Method::POST,
            "/films?select=id,title,director_id",
            Body::from("id,title,director_id\n80,\"A, b\",NULL\n81,c,2\n"),
        )
        .await;
    assert_eq!(
        answer.expect(201).json(),
        json!([{"id": 80, "title": "A, b", "director_id": null}, {"id": 81, "title": "c", "director_id": 2}])
    );
    let _ = csv.send(Method::POST, "/films", Body::from("id,title\n1\n")).await.expect(400);
    let form = full.with("content-type", "application/x-www-form-urlencoded");
    let answer = form.send(Method::POST, "/films?select=id,title", Body::from("id=82&title=x+y")).await;
    assert_eq!(answer.expect(201).json(), json!([{"id": 82, "title": "x y"}]));
    let _ = full.with("content-type", "image/png").send(Method::POST, "/films", Body::from("x")).await.expect(400);
}

#[tokio::test]
async fn constraints_answer_with_their_status() {
    let app = App::start().await;
    let service = app.service();
    let duplicate = service.post("/directors", &json!({"id": 1, "name": "x"})).await.expect(409).json();
    assert_eq!(
        (duplicate["code"].as_str(), duplicate["details"].as_str()),
        (Some("23505"), Some("Key (id)=(1) already exists."))
    );
    assert_eq!(
        service.post("/films", &json!({"title": "x", "director_id": 99})).await.expect(409).json()["code"],
        "23503"
    );
    assert_eq!(service.post("/films", &json!({"title": null})).await.expect(400).json()["code"], "23502");
    assert_eq!(service.post("/films", &json!({"title": "x".repeat(300)})).await.expect(400).json()["code"], "22001");
    let single = service.with("prefer", "return=representation").with("accept", "application/vnd.pgrst.object+json");
    assert_eq!(
        single.post("/directors?select=id", &json!({"id": 90, "name": "s"})).await.expect(201).json(),
        json!({"id": 90})
    );
    let _ = single.post("/directors", &json!([{"id": 91, "name": "t"}, {"id": 92, "name": "u"}])).await.expect(406);
    assert_eq!(app.db.value("select count(*) from directors where id in (91, 92)").await, "0");
    let quoted =
        service.post("/odd%20%22%20name", &json!([{"sp ace": 7, "qu\"ote": "'); drop table films; --"}])).await;
    let _ = quoted.expect(201);
}
