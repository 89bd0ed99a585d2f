//! Every route has its answer to strangers written down here; a new route fails this test until it has.

use crate::app::App;
use http::Method;
use mainstay_kernel::http::Body;
use std::collections::BTreeSet;

const ROUTES: &str = include_str!("../../src/routes/mod.rs");

/// Method, path, and status for a request without a token and without a body.
const STRANGERS: &[(&str, &str, u16)] = &[
    // open to anybody
    ("GET", "/health", 200),
    ("GET", "/settings", 200),
    ("GET", "/.well-known/jwks.json", 200),
    ("GET", "/.well-known/openid-configuration", 200),
    ("POST", "/signup", 400),
    ("POST", "/token", 400),
    ("GET", "/verify", 303),
    ("POST", "/verify", 400),
    ("GET", "/authorize", 400),
    ("GET", "/callback", 302),
    ("POST", "/callback", 302),
    ("POST", "/recover", 400),
    ("POST", "/otp", 422),
    ("POST", "/magiclink", 422),
    ("POST", "/resend", 422),
    // closed
    ("GET", "/user", 401),
    ("PUT", "/user", 401),
    ("POST", "/logout", 401),
    ("GET", "/sessions", 401),
    ("DELETE", "/sessions/{id}", 401),
    ("POST", "/invite", 401),
    ("GET", "/admin/users", 401),
    ("POST", "/admin/users", 401),
    ("GET", "/admin/users/{id}", 401),
    ("PUT", "/admin/users/{id}", 401),
    ("DELETE", "/admin/users/{id}", 401),
    ("POST", "/admin/generate_link", 401),
    ("GET", "/admin/audit", 401),
];

fn is_admins(path: &str) -> bool {
    path.starts_with("/admin") || path == "/invite"
}

#[tokio::test]
async fn strangers_are_answered_as_written_down() {
    let app = App::new().await;
    for (method, path, status) in STRANGERS {
        let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
        // A body that would do, so that only the missing token can be the reason.
        let body = if *status == 401 { Body::from("{}") } else { Body::empty() };
        let answer = app.client.send(method.parse().unwrap(), &path, body).await;
        assert_eq!(answer.status.as_u16(), *status, "{method} {path}: {}", answer.text());
        if *status == 401 {
            assert_eq!(answer.json()["code"], "no_authorization", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn administrators_routes_refuse_everybody_else() {
    let app = App::new().await;
    let user = app.sign_up("ada@example.com").await;
    let anon = app.client.bearer(&app.identity.token(&serde_json::json!({"role": "anon"})));
    for (method, path, _) in STRANGERS.iter().filter(|(_, path, _)| is_admins(path)) {
        let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
        for caller in [&user.client, &anon] {
            let answer = caller.send(method.parse::<Method>().unwrap(), &path, Body::from("{}")).await;
            crate::app::refused(&answer, 403, "not_admin");
        }
    }
}

#[test]
fn no_route_is_missing_from_the_list() {
    let declared: BTreeSet<&str> = ROUTES.split(".route(").skip(1).filter_map(|part| part.split('"').nth(1)).collect();
    let listed: BTreeSet<&str> = STRANGERS.iter().map(|(_, path, _)| *path).collect();
    assert_eq!(declared, listed);
    let handlers = ROUTES.matches("::handle").count()
        + ROUTES.matches("::callback::get").count()
        + ROUTES.matches("::callback::post").count()
        + ROUTES.matches("::refuse::").count();
    assert_eq!(handlers, STRANGERS.len(), "a method was added to a path without an entry here");
}
