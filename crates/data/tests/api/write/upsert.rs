use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn duplicates_are_merged_or_ignored() {
    let app = App::start().await;
    let merge = app.service().with("prefer", "resolution=merge-duplicates, return=representation");
    let answer = merge
        .post(
            "/directors?select=id,name&order=id",
            &json!([{"id": 4, "name": "Someone", "born": 1}, {"id": 60, "name": "New", "born": 2}]),
        )
        .await;
    let answer = answer.expect(201);
    assert_eq!(answer.json(), json!([{"id": 4, "name": "Someone"}, {"id": 60, "name": "New"}]));
    assert_eq!(answer.header("preference-applied"), "resolution=merge-duplicates, return=representation");
    // nothing was inserted
    let _ = merge.post("/directors", &json!({"id": 4, "name": "Again"})).await.expect(200);
    let ignore = app.service().with("prefer", "resolution=ignore-duplicates, return=representation");
    assert_eq!(ignore.post("/directors", &json!({"id": 4, "name": "Other"})).await.expect(201).json(), json!([]));
    let other_key =
        merge.post("/directors?on_conflict=name&select=born", &json!({"id": 60, "name": "New", "born": 3})).await;
    assert_eq!(other_key.expect(200).json(), json!([{"born": 3}]));
    assert_eq!(
        merge.post("/directors?on_conflict=born", &json!({"id": 60, "name": "New"})).await.expect(400).json()["code"],
        "42P10"
    );
    assert_eq!(merge.post("/directors", &json!([])).await.expect(200).json(), json!([]));
    assert_eq!(merge.post("/keyless", &json!([])).await.expect(200).json(), json!([]));
    // without a key there is nothing to conflict with
    let keyless = app
        .service()
        .with("prefer", "resolution=merge-duplicates")
        .post("/keyless", &json!({"a": 1}))
        .await
        .expect(201);
    assert_eq!(keyless.header("preference-applied"), "");
}

#[tokio::test]
async fn put_names_one_row() {
    let app = App::start().await;
    let service = app.service();
    let full = service.with("prefer", "return=representation");
    let created = full.put("/directors?id=eq.70&select=id,name", &json!({"id": 70, "name": "Put"})).await.expect(201);
    assert_eq!(created.json(), json!([{"id": 70, "name": "Put"}]));
    let changed = full.put("/directors?id=eq.70", &json!({"id": 70, "name": "Again"})).await.expect(200);
    assert_eq!(changed.json()[0]["name"], "Again");
    let _ = service.put("/directors?id=eq.70", &json!({"id": 70, "name": "Quiet"})).await.expect(204);
    let mismatch = service.put("/directors?id=eq.71", &json!({"id": 70, "name": "x"})).await.expect(400).json();
    assert_eq!(mismatch["code"], "PGRST115");
    let two = json!([{"id": 70, "name": "x"}, {"id": 72, "name": "y"}]);
    let _ = service.put("/directors?id=eq.70", &two).await;
    assert_eq!(app.db.value("select count(*) from directors where id = 72").await, "0");
    for path in [
        "/directors",
        "/directors?name=eq.x",
        "/directors?id=gt.70",
        "/directors?id=eq.70&name=eq.x",
        "/keyless?a=eq.1",
        "/directors?id=not.eq.70",
    ] {
        assert_eq!(
            service.put(path, &json!({"id": 70, "name": "x", })).await.expect(405).json()["code"],
            "PGRST105",
            "{path}"
        );
    }
    assert_eq!(
        service.put("/directors?id=eq.70&limit=1", &json!({"id": 70, "name": "x"})).await.expect(400).json()["code"],
        "PGRST114"
    );
}
