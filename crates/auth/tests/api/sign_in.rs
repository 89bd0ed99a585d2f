use crate::app::{App, Is as _, PASSWORD, Session, refused};
use serde_json::json;

#[tokio::test]
async fn a_user_signs_in_and_the_token_says_who_they_are() {
    let app = App::new().await;
    let id = app.sign_up("ada@example.com").await.id();
    app.clock.advance_seconds(60);
    let session = Session::of(&app, &app.sign_in(" ADA@example.com", PASSWORD).await.expect(200));
    let claims = session.claims();
    assert_eq!(claims["iss"], "https://api.test/auth/v1");
    assert_eq!(
        (claims["sub"].as_str(), claims["aud"].as_str(), claims["role"].as_str()),
        (Some(&*id), Some("authenticated"), Some("authenticated"))
    );
    assert_eq!(
        (claims["email"].as_str(), claims["phone"].as_str(), claims["aal"].as_str()),
        (Some("ada@example.com"), Some(""), Some("aal1"))
    );
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(app.unix()), Some(app.unix() + 3600)));
    assert_eq!(claims["amr"], json!([{"method": "password", "timestamp": app.unix()}]));
    assert_eq!(claims["app_metadata"]["provider"], "email");
    assert_eq!(claims["is_anonymous"], false);
    assert_eq!(
        claims["session_id"].as_str().unwrap(),
        app.db.value("select id from auth.sessions order by created_at desc limit 1").await
    );
    assert_eq!(app.metric("mainstay_auth_logins_total{result=\"ok\"}"), 2.0);
}

#[tokio::test]
async fn every_wrong_credential_gets_the_same_answer_after_the_same_work() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    app.admin().post("/admin/users", &json!({"email": "nopassword@example.com", "email_confirm": true})).await.is(200);
    let mut bodies = Vec::new();
    for (email, password, dummies) in [
        ("ada@example.com", "wrong", 0.0),
        ("nobody@example.com", "wrong", 1.0),
        ("nopassword@example.com", "", 2.0),
        ("not an address", "wrong", 3.0),
        ("nobody@example.com", &"x".repeat(100_000), 4.0),
    ] {
        let answer = app.sign_in(email, password).await;
        refused(&answer, 400, "invalid_credentials");
        assert_eq!(answer.json()["message"], "Invalid login credentials");
        bodies.push(answer.text());
        assert_eq!(app.metric("mainstay_auth_password_dummy_verifications_total"), dummies, "{email}");
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(app.metric("mainstay_auth_logins_total{result=\"refused\"}"), 5.0);
}

#[tokio::test]
async fn sql_in_every_field_is_only_text() {
    let app = App::new().await;
    let evil = "' or 1=1; drop table auth.users; --";
    refused(&app.sign_in(evil, evil).await, 400, "invalid_credentials");
    refused(&app.refresh(evil).await, 400, "refresh_token_not_found");
    let pkce = app.client.post("/token?grant_type=pkce", &json!({"auth_code": evil, "code_verifier": evil})).await;
    refused(&pkce, 404, "flow_state_not_found");
    refused(&app.client.post("/verify", &json!({"type": "email", "token_hash": evil})).await, 403, "otp_expired");
    refused(
        &app.client.post("/verify", &json!({"type": "email", "email": "a@b.test", "token": evil})).await,
        403,
        "otp_expired",
    );
    let body = json!({"email": "o'brien@example.com", "password": evil, "data": {"'; --": evil}});
    let session = Session::of(&app, &app.client.post("/signup", &body).await.expect(200));
    assert_eq!(session.user["user_metadata"]["'; --"], evil);
    let user = session
        .client
        .with("user-agent", evil)
        .put("/user", &json!({"data": {"quote": evil}}))
        .await
        .expect(200)
        .json();
    assert_eq!(user["user_metadata"]["quote"], evil);
    let found = app.admin().get("/admin/users?filter=%27%20or%201%3D1").await.expect(200).json();
    assert_eq!(found["users"], json!([]));
    app.admin().put(&format!("/admin/users/{}", session.id()), &json!({"role": evil})).await.is(200);
    assert_eq!(app.db.value("select count(*) from auth.users").await, "1");
}

#[tokio::test]
async fn a_banned_or_deleted_user_is_out_everywhere() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    let path = format!("/admin/users/{}", session.id());
    app.admin().put(&path, &json!({"ban_duration": "1h"})).await.is(200);
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "user_banned");
    refused(&app.sign_in("ada@example.com", "wrong").await, 400, "invalid_credentials");
    refused(&session.client.get("/user").await, 403, "user_banned");
    refused(&app.refresh(&session.refresh).await, 400, "user_banned");
    app.clock.advance_seconds(3_600);
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
    app.admin().put(&path, &json!({"ban_duration": "24h"})).await.is(200);
    app.admin().put(&path, &json!({"ban_duration": "none"})).await.is(200);
    let session = Session::of(&app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    app.admin().delete(&path).await.is(200);
    refused(&session.client.get("/user").await, 403, "user_not_found");
    refused(&app.refresh(&session.refresh).await, 400, "refresh_token_not_found");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "invalid_credentials");
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_parameters_change() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    // The hash of the same password with other parameters, as an earlier configuration would have left it.
    let other = App::with(|config| config.password_hash_memory_kib = 128).await;
    other.sign_up("ada@example.com").await;
    let old = other.db.value("select encrypted_password from auth.users").await;
    app.db.query(&format!("update auth.users set encrypted_password = '{old}'")).await;
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
    let new = app.db.value("select encrypted_password from auth.users").await;
    assert!(old.contains("m=128") && new.contains("m=64"), "{old} {new}");
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
}

#[tokio::test]
async fn unknown_grants_and_incomplete_bodies_are_refused() {
    let app = App::new().await;
    for query in ["", "?grant_type=", "?grant_type=magic", "?grant_type=id_token"] {
        let answer = app.client.post(&format!("/token{query}"), &json!({})).await;
        refused(&answer, 400, "invalid_credentials");
        assert_eq!(answer.json()["message"], "unsupported_grant_type");
    }
    for (grant, body) in [
        ("password", json!({})),
        ("password", json!({"password": "x"})),
        ("refresh_token", json!({})),
        ("pkce", json!({"auth_code": "x"})),
        ("pkce", json!({"code_verifier": "x"})),
    ] {
        refused(&app.client.post(&format!("/token?grant_type={grant}"), &body).await, 400, "validation_failed");
    }
    let phone = app.client.post("/token?grant_type=password", &json!({"phone": "+49", "password": "x"})).await;
    refused(&phone, 422, "phone_provider_disabled");
}
