use crate::app::{App, Is as _, refused};
use http::Method;
use mainstay_auth::ERRORS;
use mainstay_kernel::http::Body;
use serde_json::json;

#[tokio::test]
async fn errors_have_two_forms_and_the_request_chooses() {
    let app = App::new().await;
    let old = mainstay_testkit::Client::new(app.room.router());
    let answer = old.get("/user").await.expect(401);
    let expected =
        json!({"code": 401, "error_code": "no_authorization", "msg": "This endpoint requires a valid Bearer token"});
    assert_eq!(answer.json(), expected);
    assert_eq!((answer.header("x-sb-error-code"), answer.header("x-supabase-api-version")), ("no_authorization", ""));
    for version in ["2024-01-01", "2025-06-30"] {
        let answer = old.with("x-supabase-api-version", version).get("/user").await.expect(401);
        assert_eq!(answer.json(), json!({"code": "no_authorization", "message": expected["msg"]}));
        assert_eq!(answer.header("x-supabase-api-version"), "2024-01-01");
    }
    for version in ["2023-01-01", "nonsense", "2024-99-99"] {
        assert_eq!(old.with("x-supabase-api-version", version).get("/user").await.json()["code"], 401, "{version}");
    }
    let weak = old.post("/signup", &json!({"email": "a@b.test", "password": "abc"})).await.expect(422).json();
    assert_eq!(
        (weak["error_code"].as_str(), &weak["weak_password"]["reasons"]),
        (Some("weak_password"), &json!(["length"]))
    );
}

#[tokio::test]
async fn requests_that_fit_nothing_are_refused_in_the_same_form() {
    let app = App::new().await;
    refused(&app.client.get("/nowhere").await, 404, "not_found");
    let method = app.client.get("/signup").await;
    refused(&method, 405, "method_not_allowed");
    assert_eq!(method.header("allow"), "POST");
    for body in ["", "{", "[]", "\"text\"", "nul\0l"] {
        refused(&app.client.send(Method::POST, "/signup", Body::from(body)).await, 400, "bad_json");
    }
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(1_000_000));
    refused(&app.client.send(Method::POST, "/signup", Body::from(large)).await, 413, "request_entity_too_large");
    let streamed = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100_000])));
    refused(
        &app.client.send(Method::POST, "/signup", Body::from_stream(streamed)).await,
        413,
        "request_entity_too_large",
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_worth_another_try_and_nothing_leaks() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    app.db.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'supabase_auth_admin'").await;
    // Killed connections are noticed and replaced, or reported as a reason to come again.
    let answer = session.client.get("/user").await;
    assert!([200, 503].contains(&answer.status.as_u16()), "{}", answer.text());
    session.client.get("/user").await.is(200);
    app.db.query("alter table auth.users rename column encrypted_password to away").await;
    let answer = app.sign_in("ada@example.com", "x").await;
    refused(&answer, 500, "unexpected_failure");
    let body = answer.json();
    assert!(body["error_id"].is_string());
    assert!(!answer.text().contains("encrypted_password") && !answer.text().contains("42703"), "{}", answer.text());
}

#[tokio::test]
async fn a_database_out_of_reach_is_a_503_with_retry_after() {
    let app = App::new().await;
    let identity = app.identity.clone();
    let mut options = app.db.auth_admin();
    options.host = "127.0.0.1".into();
    options.port = 9;
    let room = mainstay_auth::build(
        &mainstay_auth::Config::default(),
        mainstay_auth::Deps {
            pool: app.db.pool(options),
            verifier: identity.verifier,
            signer: identity.signer,
            clock: app.clock.clone(),
            http: mainstay_kernel::http::HttpClient::new(std::time::Duration::from_secs(1), 1024),
            registry: mainstay_kernel::metrics::Registry::new(),
            public_url: "https://api.test".into(),
        },
    )
    .unwrap();
    let client = mainstay_testkit::Client::new(room.router()).with("x-supabase-api-version", "2024-01-01");
    let answer = client.post("/token?grant_type=password", &json!({"email": "a@b.test", "password": "x"})).await;
    refused(&answer, 503, "unexpected_failure");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.json()["error_id"].is_string() && !answer.text().contains("127.0.0.1"));
    assert!(!room.ready().await.is_ready());
}

#[tokio::test]
async fn discovery_tells_what_clients_need() {
    let app = App::with(|config| config.anonymous_users = true).await;
    assert_eq!(app.client.get("/health").await.expect(200).json()["name"], "GoTrue");
    let settings = app.client.get("/settings").await.expect(200).json();
    assert_eq!(
        (settings["external"]["anonymous_users"].as_bool(), settings["external"]["email"].as_bool()),
        (Some(true), Some(true))
    );
    assert_eq!(
        (settings["external"]["google"].as_bool(), settings["external"].as_object().unwrap().len()),
        (Some(false), 26)
    );
    assert_eq!(
        (settings["disable_signup"].as_bool(), settings["mailer_autoconfirm"].as_bool()),
        (Some(false), Some(true))
    );
    let jwks = app.client.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(jwks.header("cache-control"), "public, max-age=600");
    let keys = jwks.json();
    assert!(
        keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["kty"] == "EC" && key.get("d").is_none() && key.get("k").is_none())
    );
    let openid = app.client.get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(
        openid,
        json!({"issuer": "https://api.test/auth/v1", "jwks_uri": "https://api.test/auth/v1/.well-known/jwks.json"})
    );
}

#[test]
fn the_table_of_errors_is_public() {
    assert!(ERRORS.len() > 30 && ERRORS.iter().any(|entry| entry.code == "invalid_credentials" && entry.status == 400));
}
