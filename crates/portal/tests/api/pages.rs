use crate::setup::Portal;
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn folders_and_clean_addresses() {
    let portal = Portal::new(&[("docs/index.html", "docs"), ("about.html", "about"), ("empty/x.txt", "x")], |_| {});
    assert_eq!(portal.get("/docs/").await.text(), "docs");
    let redirect = portal.get("/docs?x=1").await;
    assert_eq!((redirect.status, redirect.header("location")), (StatusCode::PERMANENT_REDIRECT, "./docs/?x=1"));
    assert_eq!(portal.get("/about").await.text(), "about");
    for missing in ["/about/", "/empty", "/empty/", "/nothing", "/"] {
        assert_eq!(portal.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn an_application_gets_its_navigations_and_nothing_else() {
    let portal = Portal::new(&[("index.html", "app")], |config| config.spa = true);
    let page = portal.visit("/budgets/2024").await;
    assert_eq!((page.status, page.text().as_str(), page.header("cache-control")), (StatusCode::OK, "app", "no-cache"));
    assert_eq!(portal.get("/js/missing.js").await.status, StatusCode::NOT_FOUND);
    let plain = Portal::new(&[("index.html", "app")], |_| {});
    assert_eq!(plain.visit("/budgets/2024").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_missing_page_is_said_kindly() {
    let portal = Portal::new(&[("index.html", "x")], |_| {});
    let page = portal.visit("/nope").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::NOT_FOUND, "text/html; charset=utf-8"));
    assert!(page.text().contains("href=\"/\"") && page.text().contains("/_/style.css"));
    let program: Value = serde_json::from_slice(&portal.get("/nope").await.body).unwrap();
    assert_eq!(program["code"], "page_not_found");
    portal.write("404.html", b"ours");
    let own = portal.visit("/nope").await;
    assert_eq!((own.status, own.text().as_str()), (StatusCode::NOT_FOUND, "ours"));
}

#[tokio::test]
async fn a_project_without_a_front_end_says_hello() {
    let portal = Portal::new(&[], |_| {});
    let page = portal.ask(Method::GET, "/", &[("host", "localhost:8889")]).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.text().contains("demo is running") && page.text().contains("http://localhost:8889/rest/v1/"));
    let style = portal.get("/_/style.css").await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    portal.write("index.html", b"mine");
    assert_eq!(portal.get("/").await.text(), "mine", "without a restart");
}

#[tokio::test]
async fn the_public_settings_are_public_and_fresh() {
    let portal = Portal::new(&[("mainstay.json", "shadow")], |_| {});
    let answer = portal
        .ask(Method::GET, "/mainstay.json", &[("host", "shop.example:8443"), ("x-forwarded-proto", "https")])
        .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body).unwrap(),
        json!({
            "url": "https://shop.example:8443",
            "anon_key": "sb_publishable_x",
            "name": "demo",
            "external": [{ "id": "oidc", "name": "Company login" }],
        })
    );
}

#[tokio::test]
async fn pages_can_only_be_read() {
    let portal = Portal::new(&[("index.html", "x")], |_| {});
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = portal.ask(method, "/", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, OPTIONS"));
    }
    assert_eq!(portal.ask(Method::OPTIONS, "/", &[]).await.status, StatusCode::NO_CONTENT);
}
