use crate::setup::{Gate, from_peer, request};
use http::{Method, StatusCode};
use mainstay_gateway::{Upstream, Upstreams};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Request, Response, Scheme};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::service_fn;

#[tokio::test]
async fn roles_see_the_path_below_their_prefix() {
    let gate = Gate::new(|_| {});
    for (target, inside) in [
        ("/rest/v1/orders?id=eq.1", "/orders?id=eq.1"),
        ("/rest/v1/", "/"),
        ("/auth/v1/token?grant_type=password", "/token?grant_type=password"),
        ("/storage/v1/object/public/a%20b/c", "/object/public/a%20b/c"),
        ("/app.js", "/app.js"),
        ("/rest/v1x", "/rest/v1x"),
    ] {
        assert_eq!(gate.get(target).await.json()["target"], inside, "{target}");
    }
    let seen = gate.get("/storage/v1/bucket").await.json();
    assert_eq!(seen["headers"]["x-forwarded-prefix"], "/storage/v1");
}

#[tokio::test]
async fn a_role_that_is_not_there_is_said_clearly() {
    let gate = Gate::with(|_| {}, Upstreams::default());
    for (target, code) in [
        ("/rest/v1/t", "role_not_running"),
        ("/realtime/v1/websocket", "role_not_running"),
        ("/graphql/v1", "role_not_running"),
        ("/functions/v1/x", "role_not_running"),
        ("/", "not_found"),
    ] {
        let answer = gate.send(request(Method::GET, target, &[])).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::NOT_FOUND, &code.into()), "{target}");
    }
    let said = gate.get("/graphql/v1").await.json();
    assert_eq!(said["message"], "This project runs without GraphQL.");
}

#[tokio::test]
async fn request_ids_are_kept_or_made_and_sent_both_ways() {
    let gate = Gate::new(|_| {});
    let asked = request(Method::GET, "/", &[("x-request-id", "mine-1"), ("traceparent", "00-1-2-01")]);
    let answer = gate.send(asked).await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    let seen = answer.json();
    assert_eq!((&seen["id"], &seen["headers"]["x-request-id"]), (&"mine-1".into(), &"mine-1".into()));
    assert_eq!(seen["headers"]["traceparent"], "00-1-2-01");
    let made = gate.send(request(Method::GET, "/", &[("x-request-id", "not sane")])).await;
    assert_eq!(made.header("x-request-id").len(), 36);
    assert_eq!(made.json()["id"], made.header("x-request-id"));
}

#[tokio::test]
async fn client_addresses_cannot_be_made_up() {
    let gate = Gate::new(|config| config.trusted_proxies = vec!["10.0.0.0/8".into()]);
    let seen = async |peer: &str, forwarded: &str| {
        let asked = request(
            Method::GET,
            "/",
            &[("x-forwarded-for", forwarded), ("forwarded", "for=6.6.6.6"), ("x-real-ip", "6.6.6.6")],
        );
        let seen = gate.send(from_peer(asked, peer, Scheme::Http)).await.json();
        assert!(seen["headers"].get("forwarded").is_none() && seen["headers"].get("x-real-ip").is_none());
        assert_eq!(seen["client"], seen["headers"]["x-forwarded-for"]);
        seen["client"].as_str().unwrap().to_owned()
    };
    assert_eq!(seen("203.0.113.9", "6.6.6.6").await, "203.0.113.9");
    assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.1").await, "198.51.100.1");
    assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.9.9.9").await, "198.51.100.1");
}

#[tokio::test]
async fn a_host_is_believed_from_proxies_only() {
    let gate = Gate::new(|config| config.trusted_proxies = vec!["10.0.0.0/8".into()]);
    let seen = async |peer: &str| {
        let asked = request(Method::GET, "/", &[("host", "inner"), ("x-forwarded-host", "outer.example")]);
        gate.send(from_peer(asked, peer, Scheme::Http)).await.json()["headers"]["x-forwarded-host"].clone()
    };
    assert_eq!(seen("203.0.113.9").await, "inner");
    assert_eq!(seen("10.0.0.1").await, "outer.example");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_process_lives() {
    let panics = service_fn(|asked: Request| async move {
        assert!(asked.uri().path() != "/boom", "boom");
        Ok::<_, Infallible>(Response::default())
    });
    let data = Some(Upstream::local(panics, || Readiness::Ready));
    let gate = Gate::with(|_| {}, Upstreams { data, ..Upstreams::default() });
    let answer = gate.get("/rest/v1/boom").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("boom"), "internals stay inside");
    assert_eq!(gate.get("/rest/v1/fine").await.status, StatusCode::OK);
}

#[tokio::test]
async fn health_follows_the_roles_and_draining() {
    let ready = Arc::new(AtomicBool::new(true));
    let asked = ready.clone();
    let data = Some(Upstream::local(service_fn(crate::setup::echo), move || {
        if asked.load(Ordering::SeqCst) { Readiness::Ready } else { Readiness::NotReady("no database".into()) }
    }));
    let gate = Gate::with(
        |config| config.health_paths = vec!["/nginx-health".into()],
        Upstreams { data, ..Upstreams::default() },
    );
    for path in ["/health", "/nginx-health"] {
        let answer = gate.send(request(Method::GET, path, &[])).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, serde_json::json!({ "status": "ok" })));
    }
    ready.store(false, Ordering::SeqCst);
    let answer = gate.get("/health").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (StatusCode::SERVICE_UNAVAILABLE, &"no database".into()));
    ready.store(true, Ordering::SeqCst);
    gate.lifecycle.drain();
    assert_eq!(gate.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!gate.room.ready().is_ready());
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::OK, "what still comes is still answered");
}

#[tokio::test]
async fn metrics_name_templates_and_never_paths() {
    let gate = Gate::new(|_| {});
    gate.get("/rest/v1/very-private?x=1").await;
    gate.get("/rest/v1/rpc/add").await;
    gate.send(request(Method::from_bytes(b"BREW").unwrap(), "/rest/v1/t", &[])).await;
    let page = gate.registry.render();
    for line in [
        "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_route=\"/rest/v1/{table}\",http_response_status_code=\"200\"} 1",
        "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_route=\"/rest/v1/rpc/{function}\",http_response_status_code=\"200\"} 1",
        "http_server_request_duration_seconds_count{http_request_method=\"_OTHER\",http_route=\"/rest/v1/{table}\",http_response_status_code=\"401\"} 1",
        "http_server_active_requests{http_request_method=\"GET\"} 0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(!page.contains("very-private"));
}
