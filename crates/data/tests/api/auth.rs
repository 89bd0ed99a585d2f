use mainstay_data::Config;
use serde_json::json;

use crate::app::{ALICE, App, BOB};

#[tokio::test]
async fn tokens_name_the_role() {
    let app = App::start().await;
    assert_eq!(app.anon.get("/rpc/whoami").await.expect(200).json()["role"], "anon");
    let alice = app.user(ALICE).get("/rpc/whoami").await.expect(200).json();
    assert_eq!(
        (alice["role"].as_str(), alice["uid"].as_str()),
        (Some("authenticated"), Some(ALICE.to_string().as_str()))
    );
    assert_eq!(app.service().get("/rpc/whoami").await.expect(200).json()["role"], "service_role");
    let unknown = app.anon.bearer(&app.identity.token(&json!({"role": "nobody_such"})));
    let _ = unknown.get("/films").await.expect(401);
}

#[tokio::test]
async fn bad_tokens_are_401_with_a_challenge() {
    let app = App::start().await;
    let claim = |claims: serde_json::Value| app.identity.token(&claims);
    let cases = [
        (claim(json!({"exp": "soon"})), "PGRST303", "The JWT 'exp' claim must be a number"),
        (claim(json!({"nbf": "soon"})), "PGRST303", "The JWT 'nbf' claim must be a number"),
        (claim(json!({"iat": [1]})), "PGRST303", "The JWT 'iat' claim must be a number"),
        (
            claim(json!({"aud": [{"a": 1}, "b"]})),
            "PGRST303",
            "The JWT 'aud' claim must be a string or an array of strings",
        ),
        (claim(json!({"role": "anon", "iat": 9_999_999_999_u64})), "PGRST303", "JWT issued at future"),
        (claim(json!({"role": "anon", "nbf": 9_999_999_999_u64, "iat": 1})), "PGRST303", "JWT not yet valid"),
        (String::new(), "PGRST301", "Empty JWT is sent in Authorization header"),
        ("x.y".to_owned(), "PGRST301", "Expected 3 parts in JWT; got 2"),
        ("x.y.z".to_owned(), "PGRST301", "JWT cryptographic operation failed"),
        ("nope".to_owned(), "PGRST301", "Expected 3 parts in JWT; got 1"),
        (app.identity.token(&json!({"role": "anon", "exp": 1})), "PGRST303", "JWT expired"),
    ];
    for (token, code, message) in cases {
        let answer = app.anon.bearer(&token).get("/films").await.expect(401);
        assert_eq!(answer.json(), json!({"code": code, "message": message, "details": null, "hint": null}));
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{message}\"");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    // {"alg":"none"}.{}
    let unsecured = app.anon.bearer("eyJhbGciOiJub25lIn0.e30.").get("/films").await.expect(401).json();
    assert_eq!(unsecured["code"], "PGRST301");
    let mut forged = app.identity.user(ALICE);
    forged.truncate(forged.len() - 4);
    forged.push_str("AAAA");
    assert_eq!(
        app.anon.bearer(&forged).get("/films").await.expect(401).json(),
        json!({"code": "PGRST301", "message": "No suitable key or wrong key type",
               "details": "None of the keys was able to decode the JWT", "hint": null})
    );
}

#[tokio::test]
async fn missing_privileges_are_401_for_strangers_and_403_for_users() {
    let app = App::start().await;
    let stranger = app.anon.post("/films", &json!({"title": "no"})).await.expect(401);
    assert_eq!(stranger.json()["code"], "42501");
    assert_eq!(stranger.header("www-authenticate"), "Bearer");
    let forged = app.user(BOB).post("/notes", &json!({"body": "forged", "owner": ALICE})).await.expect(403);
    assert_eq!(forged.json()["code"], "42501");
}

#[tokio::test]
async fn rows_belong_to_their_owners() {
    let app = App::start().await;
    let (alice, bob) = (app.user(ALICE), app.user(BOB));
    let _ = alice.post("/notes", &json!([{"body": "alice one"}, {"body": "alice two"}])).await.expect(201);
    let _ = bob.post("/notes", &json!({"body": "bob one"})).await.expect(201);
    assert_eq!(
        alice.get("/notes?select=body&order=id").await.expect(200).json(),
        json!([{"body": "alice one"}, {"body": "alice two"}])
    );
    assert_eq!(bob.get("/notes?select=body").await.expect(200).json(), json!([{"body": "bob one"}]));
    assert_eq!(app.anon.get("/notes").await.expect(200).json(), json!([]));
    let full = bob.with("prefer", "return=representation");
    assert_eq!(
        full.patch(&format!("/notes?owner=eq.{ALICE}"), &json!({"body": "stolen"})).await.expect(200).json(),
        json!([])
    );
    assert_eq!(full.delete(&format!("/notes?owner=eq.{ALICE}")).await.expect(200).json(), json!([]));
    assert_eq!(app.service().get("/notes").await.expect(200).json().as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn without_an_anon_role_a_token_is_required() {
    let app = App::configured(|config: &mut Config| config.anon_role = String::new()).await;
    let answer = app.anon.get("/films").await.expect(401);
    assert_eq!(answer.json()["code"], "PGRST302");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let _ = app.service().get("/films").await.expect(200);
}
