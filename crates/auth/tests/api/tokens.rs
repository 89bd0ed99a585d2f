use crate::app::{App, refused};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_testkit::Identity;
use serde_json::{Value, json};

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    let claims = session.claims();
    let foreign = Identity::new(app.clock.clone());
    let mut parts: Vec<&str> = session.access.split('.').collect();
    let mut raised = claims.clone();
    raised["role"] = json!("service_role");
    let payload = URL_SAFE_NO_PAD.encode(raised.to_string());
    parts[1] = &payload;
    for (what, token) in [
        ("nonsense", "a.b.c".to_owned()),
        ("empty", String::new()),
        ("alg none", unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims)),
        ("another key", foreign.token(&claims)),
        ("changed claims", parts.join(".")),
        ("no subject", app.identity.token(&json!({"role": "anon", "exp": app.unix() + 60}))),
    ] {
        refused(&app.client.bearer(&token).get("/user").await, 403, "bad_jwt");
        let admin = app.client.bearer(&token).get("/admin/users").await;
        assert_eq!(admin.status.as_u16(), 403, "{what}: {}", admin.text());
    }
    app.clock.advance_seconds(3_700);
    let expired = session.client.get("/user").await;
    refused(&expired, 403, "bad_jwt");
    assert!(expired.text().contains("expired"));
}

#[tokio::test]
async fn a_token_needs_its_own_session() {
    let app = App::new().await;
    let (ada, bob) = (app.sign_up("ada@example.com").await, app.sign_up("bob@example.com").await);
    let mut claims = ada.claims();
    claims["session_id"] = bob.claims()["session_id"].clone();
    refused(&app.client.bearer(&app.identity.token(&claims)).get("/user").await, 403, "session_not_found");
    refused(
        &app.client.bearer(&app.identity.user(ada.id().parse().unwrap())).get("/user").await,
        403,
        "session_not_found",
    );
}
