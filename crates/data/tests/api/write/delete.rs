use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn rows_are_deleted_and_returned() {
    let app = App::start().await;
    let service = app.service();
    let full = service.with("prefer", "return=representation");
    let answer = full.delete("/roles?film_id=eq.1&select=actor_id,actors(name)&order=actor_id").await.expect(200);
    assert_eq!(
        answer.json(),
        json!([{"actor_id": 1, "actors": {"name": "Ada"}}, {"actor_id": 2, "actors": {"name": "Bo"}}])
    );
    assert_eq!(full.delete("/roles?film_id=eq.1").await.expect(200).json(), json!([]));
    let counted = service.with("prefer", "count=exact").delete("/roles").await.expect(204);
    assert_eq!(counted.header("content-range"), "*/1");
    assert_eq!(service.delete("/directors?id=eq.1").await.expect(409).json()["code"], "23503");
    assert_eq!(service.delete("/film_titles?film_id=eq.6").await.expect(204).header("content-range"), "*/*");
    assert_eq!(app.db.value("select count(*) from films where id = 6").await, "0");
}
