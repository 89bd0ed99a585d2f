use crate::app::{App, Is as _, PASSWORD, Session, refused};
use serde_json::json;

async fn two(app: &App) -> (Session, Session) {
    let one = app.sign_up("ada@example.com").await;
    let two = Session::of(app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    (one, two)
}

#[tokio::test]
async fn logging_out_ends_every_session_unless_told_otherwise() {
    let app = App::new().await;
    let bystander = app.sign_up("bob@example.com").await;
    let (one, two) = two(&app).await;
    one.client.post("/logout", &json!({})).await.is(204);
    for session in [&one, &two] {
        refused(&session.client.get("/user").await, 403, "session_not_found");
        refused(&app.refresh(&session.refresh).await, 400, "refresh_token_not_found");
    }
    refused(&one.client.post("/logout", &json!({})).await, 403, "session_not_found");
    bystander.client.get("/user").await.is(200);
}

#[tokio::test]
async fn local_and_others_end_what_they_say() {
    let app = App::new().await;
    let (one, two) = two(&app).await;
    one.client.post("/logout?scope=others", &json!({})).await.is(204);
    one.client.get("/user").await.is(200);
    refused(&two.client.get("/user").await, 403, "session_not_found");
    let three = Session::of(&app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    one.client.post("/logout?scope=local", &json!({})).await.is(204);
    refused(&one.client.get("/user").await, 403, "session_not_found");
    three.client.get("/user").await.is(200);
    refused(&three.client.post("/logout?scope=everything", &json!({})).await, 400, "validation_failed");
}

#[tokio::test]
async fn users_see_their_sessions_and_end_one_of_them() {
    let app = App::new().await;
    let bystander = app.sign_up("bob@example.com").await;
    let laptop = app.sign_up("ada@example.com").await;
    let phone = app.client.with("user-agent", "Phone/1");
    let phone =
        phone.post("/token?grant_type=password", &json!({"email": "ada@example.com", "password": PASSWORD})).await;
    let phone = Session::of(&app, &phone.expect(200));
    let list = laptop.client.get("/sessions").await.expect(200).json();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    assert_eq!((other["user_agent"].as_str(), other["ip"].as_str()), (Some("Phone/1"), Some("127.0.0.1")));
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    refused(&bystander.client.delete(&path).await, 404, "session_not_found");
    laptop.client.delete(&path).await.is(204);
    refused(&phone.client.get("/user").await, 403, "session_not_found");
    refused(&laptop.client.delete(&path).await, 404, "session_not_found");
    refused(&laptop.client.delete("/sessions/nonsense").await, 400, "validation_failed");
}
