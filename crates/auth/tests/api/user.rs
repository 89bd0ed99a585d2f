use crate::app::{App, Is as _, PASSWORD, Session, refused, text};
use serde_json::json;

#[tokio::test]
async fn a_user_reads_and_edits_what_is_theirs() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    assert_eq!(session.client.get("/user").await.expect(200).json()["email"], "ada@example.com");
    let user = session.client.put("/user", &json!({"data": {"nick": "ally", "n": 1}})).await.expect(200).json();
    assert_eq!((user["user_metadata"]["nick"].as_str(), user["user_metadata"]["n"].as_i64()), (Some("ally"), Some(1)));
    let user =
        session.client.put("/user", &json!({"data": {"nick": null, "deep": {"a": null}}})).await.expect(200).json();
    assert!(user["user_metadata"].get("nick").is_none() && user["user_metadata"]["n"] == 1);
    assert_eq!(user["user_metadata"]["deep"], json!({"a": null}), "only top-level keys are merged");
    refused(&session.client.put("/user", &json!({"app_metadata": {"admin": true}})).await, 403, "not_admin");
    refused(&session.client.put("/user", &json!({"phone": "+4912"})).await, 422, "phone_provider_disabled");
}

#[tokio::test]
async fn a_new_password_replaces_the_old_and_ends_other_sessions() {
    let app = App::new().await;
    let elsewhere = app.sign_up("ada@example.com").await;
    let here = Session::of(&app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    refused(&here.client.put("/user", &json!({"password": PASSWORD})).await, 422, "same_password");
    refused(&here.client.put("/user", &json!({"password": "abc"})).await, 422, "weak_password");
    refused(&here.client.put("/user", &json!({"password": ""})).await, 422, "weak_password");
    here.client.put("/user", &json!({"password": "a new password"})).await.is(200);
    here.client.get("/user").await.is(200);
    refused(&elsewhere.client.get("/user").await, 403, "session_not_found");
    refused(&app.refresh(&elsewhere.refresh).await, 400, "refresh_token_not_found");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "invalid_credentials");
    app.sign_in("ada@example.com", "a new password").await.is(200);
}

#[tokio::test]
async fn an_address_changes_at_once_when_confirmation_is_off() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    app.sign_up("bob@example.com").await;
    refused(&session.client.put("/user", &json!({"email": "bob@example.com"})).await, 422, "email_exists");
    refused(&session.client.put("/user", &json!({"email": "nonsense"})).await, 400, "email_address_invalid");
    let user = session.client.put("/user", &json!({"email": "Countess@example.com"})).await.expect(200).json();
    assert_eq!(text(&user, "email"), "countess@example.com");
    assert_eq!(user["identities"][0]["email"], "countess@example.com");
    app.sign_in("countess@example.com", PASSWORD).await.is(200);
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "invalid_credentials");
}

#[tokio::test]
async fn an_address_does_not_change_when_it_would_need_a_mail() {
    let app = App::with(|config| config.autoconfirm = false).await;
    app.admin()
        .post("/admin/users", &json!({"email": "ada@example.com", "password": PASSWORD, "email_confirm": true}))
        .await
        .is(200);
    let session = Session::of(&app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    refused(&session.client.put("/user", &json!({"email": "new@example.com"})).await, 422, "email_provider_disabled");
    session.client.put("/user", &json!({"email": "ada@example.com"})).await.is(200);
}
