use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn one_object_instead_of_a_list() {
    let app = App::start().await;
    let single = app.anon.with("accept", "application/vnd.pgrst.object+json");
    let answer = single.get("/films?select=id&id=eq.1").await.expect(200);
    assert_eq!(answer.json(), json!({"id": 1}));
    assert_eq!(answer.header("content-type"), "application/vnd.pgrst.object+json; charset=utf-8");
    for (path, rows) in [("/films?id=eq.999", 0), ("/films", 6)] {
        let body = single.get(path).await.expect(406).json();
        assert_eq!(
            body,
            json!({"code": "PGRST116", "message": "Cannot coerce the result to a single JSON object",
                   "details": format!("The result contains {rows} rows"), "hint": null})
        );
    }
    let stripped = app.anon.with("accept", "application/vnd.pgrst.object+json;nulls=stripped");
    assert_eq!(stripped.get("/directors?select=id,born&id=eq.4").await.expect(200).json(), json!({"id": 4}));
}

#[tokio::test]
async fn lists_csv_and_what_cannot_be_made() {
    let app = App::start().await;
    let stripped = app.anon.with("accept", "application/vnd.pgrst.array+json;nulls=stripped");
    assert_eq!(stripped.get("/directors?select=id,born&id=eq.4").await.expect(200).json(), json!([{"id": 4}]));
    let csv = app.anon.with("accept", "text/csv").get("/films?select=id,title&id=in.(3,6)&order=id").await.expect(200);
    assert_eq!(csv.text(), "id,title\n3,Solaris\n6,\"Beowulf, \"\"anonymous\"\"\"");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let any = app.anon.with("accept", "text/html, */*;q=0.8").get("/films?select=id&id=eq.1").await.expect(200);
    assert_eq!(any.header("content-type"), "application/json; charset=utf-8");
    let none = app.anon.with("accept", "image/png").get("/films").await.expect(406).json();
    assert_eq!(
        (none["code"].as_str(), none["message"].as_str()),
        (Some("PGRST107"), Some("None of these media types are available: image/png"))
    );
}
