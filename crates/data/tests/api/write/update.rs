use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn filters_choose_the_rows() {
    let app = App::start().await;
    let service = app.service();
    let full = service.with("prefer", "return=representation, count=exact");
    let answer = full.patch("/films?id=in.(1,2)&select=id,price&order=id", &json!({"price": 1.5})).await.expect(200);
    assert_eq!(answer.json(), json!([{"id": 1, "price": 1.5}, {"id": 2, "price": 1.5}]));
    assert_eq!(answer.header("content-range"), "0-1/2");
    let minimal = service.patch("/films?id=eq.3", &json!({"price": 2})).await.expect(204);
    assert_eq!(minimal.header("content-range"), "0-0/*");
    assert_eq!(full.patch("/films?id=eq.999", &json!({"price": 2})).await.expect(200).json(), json!([]));
    let none = service.patch("/films?id=eq.999", &json!({"price": 2})).await.expect(204);
    assert_eq!(none.header("content-range"), "*/*");
    assert_eq!(full.patch("/films?id=eq.1", &json!({})).await.expect(200).json(), json!([]));
    // the filter need not hold any more for a row to be returned
    let changed = full.patch("/films?price=eq.10&select=id,price", &json!({"price": 11})).await.expect(200);
    assert_eq!(changed.json(), json!([{"id": 5, "price": 11.0}]));
    let logic = full.patch("/films?or=(id.eq.1,title.eq.Kindred)&select=id&order=id", &json!({"price": 3})).await;
    assert_eq!(logic.expect(200).json(), json!([{"id": 1}, {"id": 5}]));
    let embedded = full.patch("/films?id=eq.3&select=id,directors(name)", &json!({"director_id": 3})).await;
    assert_eq!(embedded.expect(200).json(), json!([{"id": 3, "directors": {"name": "Butler"}}]));
    let default = full
        .with("prefer", "missing=default")
        .patch("/films?id=eq.3&columns=price,title&select=price,title", &json!({"title": "T"}))
        .await;
    assert_eq!(default.expect(200).json(), json!([{"price": 0.0, "title": "T"}]));
}

#[tokio::test]
async fn a_change_that_goes_too_far_does_not_happen() {
    let app = App::start().await;
    let service = app.service();
    let limited = service.with("prefer", "handling=strict, max-affected=1");
    let answer = limited.patch("/films?id=lt.4", &json!({"price": 99})).await.expect(400).json();
    assert_eq!(
        (answer["code"].as_str(), answer["details"].as_str()),
        (Some("PGRST124"), Some("The query affects 3 rows"))
    );
    let _ = limited.delete("/roles").await.expect(400);
    let single = service.with("accept", "application/vnd.pgrst.object+json").with("prefer", "return=representation");
    let _ = single.patch("/films?id=lt.4", &json!({"price": 99})).await.expect(406);
    assert_eq!(app.db.value("select count(*) from films where price = 99").await, "0");
    let ok = limited.patch("/films?id=eq.1", &json!({"price": 98})).await.expect(204);
    assert_eq!(ok.header("preference-applied"), "handling=strict, max-affected=1");
    let lenient = service.with("prefer", "max-affected=1").patch("/films?id=lt.4", &json!({"price": 97})).await;
    let _ = lenient.expect(204);
    let unknown = service.with("prefer", "handling=strict, foo=bar").get("/films").await.expect(400).json();
    assert_eq!(
        (unknown["code"].as_str(), unknown["details"].as_str()),
        (Some("PGRST122"), Some("Invalid preferences: foo=bar"))
    );
}

#[tokio::test]
async fn clients_may_roll_back_only_when_allowed() {
    let app = App::start().await;
    let asked = app.service().with("prefer", "tx=rollback, return=representation");
    let _ = asked.patch("/films?id=eq.1", &json!({"price": 42})).await.expect(200);
    assert_eq!(app.db.value("select price from films where id = 1").await, "42.00");

    let app = App::configured(|config| config.tx_override = true).await;
    let asked = app.service().with("prefer", "tx=rollback, return=representation");
    let answer = asked.patch("/films?id=eq.1&select=price", &json!({"price": 42})).await.expect(200);
    assert_eq!(answer.json(), json!([{"price": 42.0}]));
    assert_eq!(answer.header("preference-applied"), "return=representation, tx=rollback");
    assert_eq!(app.db.value("select price from films where id = 1").await, "9.50");
}
