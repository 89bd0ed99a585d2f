use crate::setup::{Answer, Gate, from_peer, request};
use http::{Method, StatusCode};
use mainstay_gateway::{Upstream, Upstreams};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Request, Scheme, bytes};
use std::convert::Infallible;
use tower::service_fn;

fn preflight(target: &str, origin: &str) -> Request {
    request(
        Method::OPTIONS,
        target,
        &[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "apikey,authorization,tus-resumable"),
        ],
    )
}

fn serving(media: &'static str, body: &'static str) -> Option<Upstream> {
    let service = service_fn(move |_| async move { Ok::<_, Infallible>(bytes(StatusCode::OK, media, body)) });
    Some(Upstream::local(service, || Readiness::Ready))
}

#[tokio::test]
async fn preflights_are_answered_without_a_key() {
    let gate = Gate::new(|_| {});
    let answer = gate.send(preflight("/rest/v1/orders", "https://any.example")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(answer.header("access-control-max-age"), "3600");
    for name in [
        "apikey",
        "authorization",
        "content-type",
        "x-client-info",
        "prefer",
        "accept-profile",
        "x-upsert",
        "upload-metadata",
    ] {
        assert!(answer.header("access-control-allow-headers").split(", ").any(|allowed| allowed == name), "{name}");
    }
    for method in ["GET", "PATCH", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method));
    }
}

#[tokio::test]
async fn listed_origins_are_reflected_and_others_get_nothing() {
    let gate = Gate::new(|config| config.cors_origins = vec!["https://a.example".into()]);
    let allowed = gate.send(preflight("/auth/v1/token", "https://a.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://a.example");
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert!(allowed.header("vary").contains("origin"));
    let refused = gate.send(preflight("/auth/v1/token", "https://b.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    assert_eq!(refused.header("access-control-allow-headers"), "");
}

#[tokio::test]
async fn answers_and_errors_can_be_read_by_pages() {
    let gate = Gate::new(|_| {});
    let readable = |answer: &Answer| {
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-expose-headers").contains("content-range"));
    };
    readable(&gate.get("/rest/v1/orders").await);
    readable(&gate.send(request(Method::GET, "/rest/v1/orders", &[("origin", "https://x.example")])).await);
    assert_eq!(gate.get("/index.html").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_has_security_headers_and_pages_have_a_policy() {
    let portal = serving("text/html; charset=utf-8", "<p>hi");
    let storage = serving("text/html", "<script>steal()</script>");
    let gate = Gate::with(|_| {}, Upstreams { portal, storage, ..Upstreams::default() });
    for target in ["/", "/health", "/rest/v1/x"] {
        let answer = gate.get(target).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{target}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("x-xss-protection"), "0");
        assert_eq!(answer.header("referrer-policy"), "strict-origin-when-cross-origin");
        assert_eq!(answer.header("strict-transport-security"), "");
    }
    let page = gate.get("/").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'self'; script-src 'self'"));
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    let uploaded = gate.get("/storage/v1/object/public/a/evil.html").await;
    assert!(uploaded.header("content-security-policy").contains("sandbox"));
    assert_eq!(gate.get("/health").await.header("content-security-policy"), "");
}

#[tokio::test]
async fn hsts_is_sent_over_tls_only() {
    let gate = Gate::new(|config| config.trusted_proxies = vec!["10.0.0.0/8".into()]);
    let hsts = async |peer: &str, scheme| {
        let asked = request(Method::GET, "/", &[("x-forwarded-proto", "https")]);
        gate.send(from_peer(asked, peer, scheme)).await.header("strict-transport-security").to_owned()
    };
    assert_eq!(hsts("192.0.2.1", Scheme::Https).await, "max-age=31536000");
    assert_eq!(hsts("192.0.2.1", Scheme::Http).await, "", "a stranger's header proves nothing");
    assert_eq!(hsts("10.0.0.1", Scheme::Http).await, "max-age=31536000");
}

#[tokio::test]
async fn plain_requests_are_sent_to_https_when_asked_for() {
    let gate = Gate::new(|config| config.redirect_to_https = true);
    let answer = gate.get("/app?x=1").await;
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.header("location"), "https://app.example.com/app?x=1");
    assert_eq!(gate.get("/health").await.status, StatusCode::OK);
    let secure = gate.send(from_peer(request(Method::GET, "/app", &[]), "192.0.2.1", Scheme::Https)).await;
    assert_eq!(secure.status, StatusCode::OK);
}

#[tokio::test]
async fn texts_are_compressed_for_those_who_ask() {
    let long: &'static str = Box::leak("{\"a\":1}".repeat(1000).into_boxed_str());
    let data = serving("application/json", long);
    let auth = serving("application/json", long);
    let storage = serving("image/png", long);
    let functions = serving("application/json", "{}");
    let gate = Gate::with(|_| {}, Upstreams { data, auth, storage, functions, ..Upstreams::default() });
    let encoding = async |target: &str, accept: &str| {
        let asked = request(Method::GET, target, &[("apikey", &gate.keys.publishable), ("accept-encoding", accept)]);
        let answer = gate.send(asked).await;
        (answer.header("content-encoding").to_owned(), answer.body.len() < long.len())
    };
    assert_eq!(encoding("/rest/v1/x", "gzip").await, ("gzip".into(), true));
    assert_eq!(encoding("/rest/v1/x", "gzip, zstd").await, ("zstd".into(), true));
    assert_eq!(encoding("/rest/v1/x", "identity").await, (String::new(), false));
    assert_eq!(encoding("/auth/v1/token", "gzip").await.0, "", "secrets are not compressed beside chosen text");
    assert_eq!(encoding("/storage/v1/object/a", "gzip").await.0, "", "a picture is compressed already");
    assert_eq!(encoding("/functions/v1/a", "gzip").await.0, "", "too small");
}
