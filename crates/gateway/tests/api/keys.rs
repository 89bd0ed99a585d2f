use crate::setup::{Gate, request};
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn the_bearer_rule_decides_who_the_role_sees() {
    let gate = Gate::new(|_| {});
    let k = gate.keys.clone();
    let opaque = format!("Bearer {}", k.publishable);
    let session = format!("Bearer {}", k.session);
    let legacy = format!("Bearer {}", k.legacy_anon);
    for (what, key, authorization, role) in [
        ("a publishable key alone is anon", &k.publishable, None, "anon"),
        ("a secret key alone is service_role", &k.secret, None, "service_role"),
        ("a legacy key alone is its own role", &k.legacy_anon, None, "anon"),
        ("a key sent twice counts as sent once", &k.publishable, Some(&opaque), "anon"),
        ("a session wins over the key", &k.publishable, Some(&session), "authenticated"),
        ("even over the secret key", &k.secret, Some(&session), "authenticated"),
        ("a legacy key sent twice stays", &k.legacy_anon, Some(&legacy), "anon"),
    ] {
        let mut asked = request(Method::GET, "/rest/v1/orders", &[("apikey", key)]);
        if let Some(authorization) = authorization {
            asked.headers_mut().insert("authorization", authorization.parse().unwrap());
        }
        let answer = gate.send(asked).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}");
        assert_eq!(k.role_of(&answer.json()["headers"]["authorization"]), role, "{what}");
    }
}

#[tokio::test]
async fn an_authorization_of_another_scheme_is_kept() {
    let gate = Gate::new(|_| {});
    let asked =
        request(Method::GET, "/rest/v1/o", &[("apikey", &gate.keys.publishable), ("authorization", "Basic eDp5")]);
    assert_eq!(gate.send(asked).await.json()["headers"]["authorization"], "Basic eDp5");
}

#[tokio::test]
async fn without_a_key_the_answer_is_the_one_clients_know() {
    let gate = Gate::new(|_| {});
    for target in ["/rest/v1/orders", "/auth/v1/token", "/auth/v1/user"] {
        let answer = gate.send(request(Method::GET, target, &[])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{target}");
        assert_eq!(
            answer.json(),
            json!({
                "message": "No API key found in request",
                "hint": "No `apikey` request header or url param was found.",
            })
        );
    }
}

#[tokio::test]
async fn an_unknown_key_is_refused() {
    let gate = Gate::new(|_| {});
    let session = gate.keys.session.clone();
    for key in ["sb_publishable_nonsense", "a.b.c", "x", session.as_str()] {
        let answer = gate.send(request(Method::GET, "/rest/v1/orders", &[("apikey", key)])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{key}");
        assert_eq!(answer.json()["message"], "Invalid API key");
    }
}

#[tokio::test]
async fn links_need_no_key() {
    let gate = Gate::new(|_| {});
    for target in [
        "/auth/v1/verify?token=1&type=signup",
        "/auth/v1/callback",
        "/auth/v1/authorize?provider=oidc",
        "/auth/v1/.well-known/jwks.json",
        "/auth/v1/sso/saml/acs",
        "/storage/v1/object/public/a/b.png",
        "/functions/v1/hello",
    ] {
        let answer = gate.send(request(Method::GET, target, &[])).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}");
        assert!(answer.json()["headers"].get("authorization").is_none());
    }
}

#[tokio::test]
async fn storage_and_functions_use_a_key_when_there_is_one() {
    let gate = Gate::new(|_| {});
    let opaque = format!("Bearer {}", gate.keys.publishable);
    let answer = gate.send(request(Method::GET, "/functions/v1/hello", &[("authorization", &opaque)])).await;
    assert_eq!(gate.keys.role_of(&answer.json()["headers"]["authorization"]), "anon");
    let answer = gate.send(request(Method::GET, "/storage/v1/bucket", &[("apikey", &gate.keys.secret)])).await;
    assert_eq!(gate.keys.role_of(&answer.json()["headers"]["authorization"]), "service_role");
}

#[tokio::test]
async fn a_key_in_the_query_is_taken_out_of_it() {
    let gate = Gate::new(|_| {});
    let target = format!("/rest/v1/orders?apikey={}&select=*", gate.keys.publishable);
    let seen = gate.send(request(Method::GET, &target, &[])).await.json();
    assert_eq!(seen["target"], "/orders?select=*");
    assert_eq!(gate.keys.role_of(&seen["headers"]["authorization"]), "anon");
}

#[tokio::test]
async fn the_secret_key_does_not_reach_roles() {
    let gate = Gate::new(|_| {});
    let seen = gate.send(request(Method::GET, "/rest/v1/orders", &[("apikey", &gate.keys.secret)])).await.json();
    assert!(seen["headers"].get("apikey").is_none());
    let seen = gate.get("/rest/v1/orders").await.json();
    assert_eq!(seen["headers"]["apikey"], gate.keys.publishable.as_str());
}
