use crate::app::App;

#[tokio::test]
async fn pages_counts_and_statuses() {
    let app = App::start().await;
    let cases = [
        ("/films?select=id", "", None, 200, "0-5/*", 6),
        ("/films?select=id&limit=2", "", None, 200, "0-1/*", 2),
        ("/films?select=id&limit=2&offset=1", "count=exact", None, 206, "1-2/6", 2),
        ("/films?select=id", "count=exact", None, 200, "0-5/6", 6),
        ("/films?select=id&id=gt.90", "count=exact", None, 200, "*/0", 0),
        ("/films?select=id&id=gt.90", "", None, 200, "*/*", 0),
        ("/films?select=id", "", Some("0-1"), 200, "0-1/*", 2),
        ("/films?select=id", "count=exact", Some("4-9"), 206, "4-5/6", 2),
        ("/films?select=id&limit=0", "", None, 200, "*/*", 0),
        ("/films?select=id&order=id", "", Some("bytes=0-1"), 200, "0-5/*", 6),
        ("/films?select=id&offset=-4&order=id", "", None, 200, "0-5/*", 6),
        ("/films?select=id&limit=3", "", Some("0-1"), 200, "0-1/*", 2),
        ("/rpc/numbers?most=9&limit=2", "count=exact", Some("1-1"), 206, "1-1/9", 1),
    ];
    for (path, prefer, range, status, content_range, rows) in cases {
        let mut client = app.anon.with("prefer", prefer);
        if let Some(range) = range {
            client = client.with("range", range);
        }
        let answer = client.get(path).await.expect(status);
        assert_eq!(answer.header("content-range"), content_range, "{path} {prefer}");
        assert_eq!(answer.json().as_array().map(Vec::len), Some(rows), "{path}");
    }
}

#[tokio::test]
async fn ranges_past_the_end_are_416() {
    let app = App::start().await;
    let answer = app.anon.with("prefer", "count=exact").get("/films?offset=100").await.expect(416);
    assert_eq!(answer.json()["code"], "PGRST103");
    assert_eq!(answer.json()["details"], "An offset of 100 was requested, but there are only 6 rows.");
    assert_eq!(answer.header("content-range"), "*/6");
    let _ = app.anon.get("/films?offset=100").await.expect(200);
    let negative = app.anon.get("/films?limit=-1").await.expect(416);
    assert_eq!(negative.json()["details"], "Limit should be greater than or equal to zero.");
    let backwards = app.anon.with("range", "5-1").get("/films").await.expect(416);
    assert_eq!(
        backwards.json()["details"],
        "The lower boundary must be lower than or equal to the upper boundary in the Range header."
    );
    let called = app.anon.with("prefer", "count=exact").get("/rpc/numbers?most=0&offset=1").await.expect(416);
    assert_eq!(called.header("content-range"), "*/0");
    assert_eq!(called.json()["details"], "An offset of 1 was requested, but there are only 0 rows.");
}

#[tokio::test]
async fn estimates_come_from_the_planner() {
    let app = App::start().await;
    app.db.execute("insert into films (title) select 'x' from generate_series(1, 994); analyze films").await;
    let planned = app.anon.with("prefer", "count=planned").get("/films?select=id&limit=1").await.expect(206);
    assert_eq!(planned.header("content-range"), "0-0/1000");
    let estimated = app.anon.with("prefer", "count=estimated").get("/films?select=id&limit=1").await.expect(206);
    assert_eq!(estimated.header("content-range"), "0-0/1000");
    assert_eq!(estimated.header("preference-applied"), "count=estimated");

    let capped = App::on(app.db, |config| config.max_rows = Some(10)).await;
    let answer = capped.anon.with("prefer", "count=estimated").get("/films?select=id,actors(*)").await.expect(206);
    assert_eq!(answer.header("content-range"), "0-9/1000");
    assert_eq!(capped.anon.get("/films?limit=50").await.expect(200).json().as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn head_has_headers_and_no_body() {
    let app = App::start().await;
    let answer = app.anon.with("prefer", "count=exact").head("/films?select=id").await.expect(200);
    assert_eq!(answer.header("content-range"), "0-5/6");
    assert!(answer.body.is_empty());
    assert_eq!(app.anon.get("/films?id=eq.1&select=id").await.header("content-location"), "/films?id=eq.1&select=id");
}
