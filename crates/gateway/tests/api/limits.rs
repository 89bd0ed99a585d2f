use crate::setup::{Gate, from_peer, request};
use bytes::Bytes;
use http::{Method, StatusCode};
use mainstay_gateway::{Upstream, Upstreams};
use mainstay_kernel::config::{Seconds, Size};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Body, Request, Response, Scheme};
use std::convert::Infallible;
use std::time::Duration;
use tower::service_fn;

fn post(gate: &Gate, target: &str, body: Body) -> Request {
    let mut asked = request(Method::POST, target, &[("apikey", &gate.keys.publishable)]);
    *asked.body_mut() = body;
    asked
}

fn chunks(count: usize, size: usize) -> Body {
    let chunk = Bytes::from(vec![b'x'; size]);
    Body::from_stream(futures_util::stream::iter((0..count).map(move |_| Ok::<_, Infallible>(chunk.clone()))))
}

#[tokio::test]
async fn bodies_that_announce_too_much_are_refused_unread() {
    let gate = Gate::new(|config| config.auth_body_limit = Size(10));
    let answer = gate.send(post(&gate, "/auth/v1/signup", Body::from("12345678901"))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["code"], "body_too_large");
    assert_eq!(gate.send(post(&gate, "/auth/v1/signup", Body::from("1234567890"))).await.status, StatusCode::OK);
    assert_eq!(gate.send(post(&gate, "/rest/v1/t", Body::from("12345678901"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_of_unknown_length_are_cut_off_at_the_limit() {
    let gate = Gate::new(|config| config.data_body_limit = Size(1000));
    assert_eq!(gate.send(post(&gate, "/rest/v1/t", chunks(10, 100))).await.status, StatusCode::OK);
    let answer = gate.send(post(&gate, "/rest/v1/t", chunks(11, 100))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "kernel::read_body sees the limit");
}

#[tokio::test]
async fn long_targets_are_refused() {
    let gate = Gate::new(|_| {});
    let answer = gate.get(&format!("/rest/v1/t?select={}", "a".repeat(16 * 1024))).await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits() {
    let gate = Gate::new(|config| (config.rate_limit_per_address, config.rate_limit_per_address_burst) = (1, 2));
    let ask = async |peer: &str| gate.send(from_peer(request(Method::GET, "/", &[]), peer, Scheme::Http)).await;
    assert_eq!(ask("192.0.2.1").await.status, StatusCode::OK);
    assert_eq!(ask("192.0.2.1").await.status, StatusCode::OK);
    let refused = ask("192.0.2.1").await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(refused.json()["code"], "rate_limited");
    assert_eq!(ask("192.0.2.2").await.status, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(ask("127.0.0.1").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_key_can_have_a_limit_of_its_own() {
    let gate = Gate::new(|config| (config.rate_limit_per_key, config.rate_limit_per_key_burst) = (1, 1));
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::OK);
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::TOO_MANY_REQUESTS);
    let other = request(Method::GET, "/rest/v1/t", &[("apikey", &gate.keys.secret)]);
    assert_eq!(gate.send(other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_role_that_takes_too_long_is_cancelled() {
    let slow = service_fn(|_: Request| async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok::<_, Infallible>(Response::default())
    });
    let data = Some(Upstream::local(slow, || Readiness::Ready));
    let gate = Gate::with(
        |config| config.timeout = Seconds(Duration::from_millis(30)),
        Upstreams { data, ..Upstreams::default() },
    );
    let answer = gate.get("/rest/v1/t").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json()["code"], "request_timeout");
}

#[tokio::test]
async fn overload_sheds_and_recovers() {
    let (entered, mut wait_entered) = tokio::sync::mpsc::channel(1);
    let release = std::sync::Arc::new(tokio::sync::Notify::new());
    let held = release.clone();
    let slow = service_fn(move |_: Request| {
        let (entered, held) = (entered.clone(), held.clone());
        async move {
            let _ = entered.send(()).await;
            held.notified().await;
            Ok::<_, Infallible>(Response::default())
        }
    });
    let data = Some(Upstream::local(slow, || Readiness::Ready));
    let gate = Gate::with(|config| config.max_in_flight = 1, Upstreams { data, ..Upstreams::default() });
    let second = async {
        wait_entered.recv().await;
        let shed = gate.get("/rest/v1/t").await;
        assert_eq!((shed.status, shed.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
        assert_eq!(gate.get("/health").await.status, StatusCode::OK, "probes get through");
        release.notify_one();
    };
    let (first, ()) = tokio::join!(gate.get("/rest/v1/t"), second);
    assert_eq!(first.status, StatusCode::OK);
    release.notify_one();
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::OK);
}
