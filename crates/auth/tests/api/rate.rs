use crate::app::{App, Is as _, PASSWORD, refused};
use serde_json::json;

#[tokio::test]
async fn sign_ins_are_limited_per_address_and_recover() {
    let app = App::with(|config| config.rate_limit_sign_in_sign_ups = 3).await;
    app.sign_up("ada@example.com").await;
    refused(&app.sign_in("ada@example.com", "wrong").await, 400, "invalid_credentials");
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
    let answer = app.sign_in("ada@example.com", PASSWORD).await;
    refused(&answer, 429, "over_request_rate_limit");
    assert!((1..=101).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    let elsewhere = app.client.from_address("10.1.2.3".parse().unwrap());
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    elsewhere.post("/token?grant_type=password", &body).await.is(200);
    app.clock.advance_seconds(101);
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
}

#[tokio::test]
async fn guessing_at_one_account_is_limited_before_the_address_is() {
    let app = App::with(|config| config.rate_limit_password_per_account = 2).await;
    app.sign_up("ada@example.com").await;
    app.sign_up("bob@example.com").await;
    for _ in 0..2 {
        refused(&app.sign_in("ada@example.com", "wrong").await, 400, "invalid_credentials");
    }
    refused(&app.sign_in("ADA@example.com ", PASSWORD).await, 429, "over_request_rate_limit");
    app.sign_in("bob@example.com", PASSWORD).await.is(200);
}

#[tokio::test]
async fn refreshes_verifications_and_anonymous_sign_ups_have_their_own_limits() {
    let app = App::with(|config| {
        config.anonymous_users = true;
        config.rate_limit_token_refresh = 1;
        config.rate_limit_token_verifications = 1;
        config.rate_limit_anonymous_users = 1;
    })
    .await;
    let verify = json!({"type": "email", "token_hash": "x"});
    for (path, body, first) in [
        ("/token?grant_type=refresh_token", json!({"refresh_token": "x"}), 400),
        ("/verify", verify, 403),
        ("/signup", json!({}), 200),
    ] {
        let _ = app.client.post(path, &body).await.expect(first);
        refused(&app.client.post(path, &body).await, 429, "over_request_rate_limit");
    }
}
