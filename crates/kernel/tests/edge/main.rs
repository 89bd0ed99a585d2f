//! The accept loop over real sockets.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_kernel::http::{Body, EdgeLimits, EdgeMetrics, Request, Response, Service, read_body, serve};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

struct Edge {
    address: SocketAddr,
    lifecycle: Lifecycle,
}

fn limits() -> EdgeLimits {
    EdgeLimits {
        connections: 100,
        connections_per_address: 100,
        head_deadline: Duration::from_secs(5),
        idle_deadline: Duration::from_secs(20),
        drain_deadline: Duration::from_secs(5),
        head_size: 16 * 1024,
    }
}

/// Answers with the request's target, a line break and its body. `/slow` takes a while; `/drip` sends its body slowly.
async fn echo(request: Request) -> Result<Response, Infallible> {
    let target = request.uri().to_string();
    if target == "/unread" {
        return Ok(Response::new(Body::from("not read")));
    }
    if target == "/slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    if target == "/drip" {
        let pieces = futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (n < 15).then(|| (Ok::<_, Infallible>(Bytes::from_static(b"drip")), n + 1))
        });
        return Ok(Response::new(Body::from_stream(pieces)));
    }
    let body = read_body(request.into_body(), 1 << 20).await.unwrap();
    Ok(Response::new(Body::from([target.as_bytes(), b"\n", &body].concat())))
}

async fn start(limits: EdgeLimits) -> Edge {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, lifecycle) = (listener.local_addr().unwrap(), Lifecycle::new());
    let metrics = EdgeMetrics::register(&Registry::new(), "test");
    let service = Service::new(tower::service_fn(echo));
    lifecycle.spawn("edge", serve(listener, None, service, limits, metrics, lifecycle.clone()));
    Edge { address, lifecycle }
}

impl Edge {
    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }
}

/// Reads one answer with a `Content-Length`: status and body.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut seen = Vec::new();
    loop {
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
            if seen.len() >= end + 4 + length {
                assert_eq!(seen.len(), end + 4 + length, "nothing follows the answer");
                return (head[9..12].parse().unwrap(), String::from_utf8_lossy(&seen[end + 4..]).into_owned());
            }
        }
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_buf(&mut seen)).await.unwrap().unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&seen));
    }
}

const ARROWS: &[u8] = b"GET /rest/v1/x?select=a->>b HTTP/1.1\r\nHost: h\r\n\r\n";
const ENCODED: &str = "/rest/v1/x?select=a-%3E%3Eb\n";

#[tokio::test]
async fn a_target_as_people_type_it_reaches_the_service() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    // the second and third requests travel on the same connection
    for _ in 0..3 {
        stream.write_all(ARROWS).await.unwrap();
        assert_eq!(answer(&mut stream).await, (200, ENCODED.to_owned()));
    }
}

#[tokio::test]
async fn a_target_may_arrive_byte_by_byte() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    for _ in 0..2 {
        for byte in ARROWS {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(answer(&mut stream).await, (200, ENCODED.to_owned()));
    }
}

#[tokio::test]
async fn many_refused_characters_do_not_run_into_each_other() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    let target = format!("/?{}", "<>".repeat(1500));
    for _ in 0..2 {
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
        let expected = format!("{}\n", target.replace('<', "%3C").replace('>', "%3E"));
        assert_eq!(answer(&mut stream).await, (200, expected));
    }
}

#[tokio::test]
async fn bodies_are_never_touched() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    let body = "GET /> HTTP/1.1\r\n\r\n{\"a\": \"<b>\"}\r\nPOST /<?> HTTP/1.1\r\n\r\n\n";
    let head = |path: &str| format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    for pieces in [1, 7, body.len()] {
        stream.write_all(head("/a>b").as_bytes()).await.unwrap();
        for piece in body.as_bytes().chunks(pieces) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            stream.write_all(piece).await.unwrap();
        }
        assert_eq!(answer(&mut stream).await, (200, format!("/a%3Eb\n{body}")));
        stream.write_all([head("/c>d").as_bytes(), body.as_bytes()].concat().as_slice()).await.unwrap();
        assert_eq!(answer(&mut stream).await, (200, format!("/c%3Ed\n{body}")));
    }
    stream.write_all(ARROWS).await.unwrap();
    assert_eq!(answer(&mut stream).await, (200, ENCODED.to_owned()));
}

#[tokio::test]
async fn a_body_that_the_service_did_not_read_is_not_taken_for_a_request() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    let body = "GET /> HTTP/1.1\r\n\r\nxx";
    let head = format!("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len() * 2);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.1, "not read");
    // the rest of the body, then a request: either the connection has ended or the request is answered as it is
    let _ = stream.write_all(body.as_bytes()).await;
    let _ = stream.write_all(b"GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let rest = String::from_utf8_lossy(&rest).into_owned();
    assert!(rest.is_empty() || (rest.starts_with("HTTP/1.1 200") && rest.ends_with("/next\n")), "{rest}");
}

#[tokio::test]
async fn pipelined_and_chunked_requests_keep_their_framing() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    let chunked =
        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n12\r\nGET /> HTTP/1.1\r\n\r\r\n0\r\n\r\n";
    stream
        .write_all(
            [ARROWS, chunked.as_bytes(), b"GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"]
                .concat()
                .as_slice(),
        )
        .await
        .unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let all = String::from_utf8_lossy(&all).into_owned();
    for part in [ENCODED, "/c\nGET /> HTTP/1.1\r\n\r", "/d\n"] {
        assert!(all.contains(part), "{part:?} in {all:?}");
    }
    assert_eq!(all.matches("HTTP/1.1 200").count(), 3);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let edge = start(limits()).await;
    let mut stream = edge.connect().await;
    // it would fit as it was typed
    stream.write_all(format!("GET /?{} HTTP/1.1\r\nHost: h\r\n\r\n", "<".repeat(15_000)).as_bytes()).await.unwrap();
    let mut refusal = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut refusal)).await.expect("it ends");
    // hyper closes without an answer when its buffer is full
    assert!(refusal.is_empty() || refusal.starts_with(b"HTTP/1.1 4"), "{}", refusal.escape_ascii());
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_left_alone() {
    let edge = start(limits()).await;
    let stream = edge.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    edge.lifecycle.spawn("client", async move {
        let _ = connection.await;
    });
    for body in ["", "a > b\r\n\r\nGET /> HTTP/1.1\r\n\r\n"] {
        let request = http::Request::builder().method(Method::POST).uri(format!("http://{}/x", edge.address));
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(bytes.ends_with(format!("/x\n{body}").as_bytes()), "{bytes:?}");
    }
}

#[tokio::test]
async fn the_deadline_for_heads_does_not_end_idle_connections() {
    let edge = start(EdgeLimits { head_deadline: Duration::from_millis(200), ..limits() }).await;
    let mut stream = edge.connect().await;
    for _ in 0..2 {
        stream.write_all(ARROWS).await.unwrap();
        assert_eq!(answer(&mut stream).await.0, 200);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    stream.write_all(ARROWS).await.unwrap();
    assert_eq!(answer(&mut stream).await.0, 200);
}

#[tokio::test]
async fn heads_and_silence_have_their_deadlines() {
    let short =
        EdgeLimits { head_deadline: Duration::from_millis(200), idle_deadline: Duration::from_millis(600), ..limits() };
    let edge = start(short).await;
    // a first head that does not end, a silent connection, a second head that does not end, a connection that is idle
    for (before, first, least) in
        [(None, &b"GET / HT"[..], 150), (None, b"", 150), (Some(()), b"GET / HT", 150), (Some(()), b"", 500)]
    {
        let mut stream = edge.connect().await;
        if before.is_some() {
            stream.write_all(ARROWS).await.unwrap();
            answer(&mut stream).await;
        }
        let began = Instant::now();
        stream.write_all(first).await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest)).await.expect("it ends");
        let took = began.elapsed().as_millis();
        assert!(took >= least && took < 1500, "{before:?} {first:?}: {took} ms");
    }
}

#[tokio::test]
async fn a_slow_answer_is_not_taken_for_silence() {
    let short = EdgeLimits {
        head_deadline: Duration::from_millis(100),
        idle_deadline: Duration::from_millis(300),
        drain_deadline: Duration::from_millis(200),
        ..limits()
    };
    let edge = start(short).await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /drip HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&all).matches("drip").count(), 15);
}

#[tokio::test]
async fn whoever_got_in_before_the_end_is_answered() {
    let edge = start(limits()).await;
    let mut slow = edge.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut silent = edge.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut fresh = edge.connect().await;
    let lifecycle = edge.lifecycle.clone();
    let (clean, _, _, _) = tokio::join!(
        lifecycle.shutdown(Duration::ZERO, Duration::from_secs(4)),
        async { assert_eq!(answer(&mut slow).await, (200, "/slow\n".to_owned())) },
        async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            fresh.write_all(ARROWS).await.unwrap();
            assert_eq!(answer(&mut fresh).await, (200, ENCODED.to_owned()));
        },
        async { assert_eq!(silent.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof) },
    );
    assert!(clean);
    assert!(TcpStream::connect(edge.address).await.is_err());
}
