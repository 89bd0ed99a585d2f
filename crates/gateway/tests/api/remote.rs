use crate::setup::{Gate, echo, from_peer, request};
use http::{Method, StatusCode};
use mainstay_gateway::{Upstream, Upstreams};
use mainstay_kernel::http::{Body, EdgeLimits, EdgeMetrics, HttpClient, Request, Response, Scheme, Service, serve};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;

fn limits() -> EdgeLimits {
    EdgeLimits {
        connections: 100,
        connections_per_address: 100,
        head_deadline: Duration::from_secs(5),
        idle_deadline: Duration::from_secs(5),
        drain_deadline: Duration::from_secs(1),
        head_size: 64 * 1024,
    }
}

/// Serves on a free port.
async fn listen(service: Service, lifecycle: &Lifecycle) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = EdgeMetrics::register(&Registry::new(), "test");
    lifecycle.spawn("server", serve(listener, None, service, limits(), metrics, lifecycle.clone()));
    address
}

fn upstream(url: &str) -> Option<Upstream> {
    mainstay_kernel::tls::install_provider();
    Some(Upstream::remote(url, &HttpClient::new(Duration::from_secs(5), 1_000_000)).unwrap())
}

async fn gate_to_echo(path: &str) -> (Gate, Lifecycle) {
    let lifecycle = Lifecycle::new();
    let address = listen(Service::new(service_fn(echo)), &lifecycle).await;
    let url = format!("http://{address}{path}");
    (
        Gate::with(|_| {}, Upstreams { data: upstream(&url), functions: upstream(&url), ..Upstreams::default() }),
        lifecycle,
    )
}

#[tokio::test]
async fn a_service_of_the_project_is_asked_by_its_name() {
    let lifecycle = Lifecycle::new();
    let address = listen(Service::new(service_fn(echo)), &lifecycle).await;
    let to = |path: &str| upstream(&format!("http://{address}{path}"));
    let services = [("reports".to_owned(), to("/r").unwrap())].into();
    let gate = Gate::with(|_| {}, Upstreams { services, functions: to("/f"), ..Upstreams::default() });
    for (asked, seen, prefix) in [
        ("/functions/v1/reports/2026?x=1", "/r/2026?x=1", "/functions/v1/reports"),
        ("/functions/v1/reports", "/r/", "/functions/v1/reports"),
        ("/functions/v1/reportsx/1", "/f/reportsx/1", "/functions/v1"),
        ("/functions/v1/other", "/f/other", "/functions/v1"),
    ] {
        let answer = gate.send(from_peer(request(Method::GET, asked, &[]), "203.0.113.9", Scheme::Http)).await;
        let echo = answer.json();
        assert_eq!(
            (&echo["target"], &echo["headers"]["x-forwarded-prefix"]),
            (&seen.into(), &prefix.into()),
            "{asked}"
        );
    }
    let gate =
        Gate::with(|_| {}, Upstreams { services: [("a".to_owned(), to("").unwrap())].into(), ..Upstreams::default() });
    let answer = gate.send(from_peer(request(Method::GET, "/functions/v1/b", &[]), "203.0.113.9", Scheme::Http)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_remote_role_is_asked_like_a_local_one() {
    let (gate, _life) = gate_to_echo("/inner").await;
    let mut asked = request(
        Method::POST,
        "/rest/v1/orders?select=*",
        &[("apikey", &gate.keys.publishable), ("host", "shop.example")],
    );
    *asked.body_mut() = Body::from("{}");
    let answer = gate.send(from_peer(asked, "203.0.113.9", Scheme::Https)).await;
    let seen = answer.json();
    assert_eq!(
        (answer.status, &seen["target"], &seen["body"]),
        (StatusCode::OK, &"/inner/orders?select=*".into(), &"{}".into())
    );
    let headers = &seen["headers"];
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-forwarded-host"], "shop.example");
    assert_eq!(headers["forwarded"], "for=203.0.113.9;proto=https;host=\"shop.example\"");
    assert_eq!(headers["x-request-id"], answer.header("x-request-id"));
    assert_eq!(gate.keys.role_of(&headers["authorization"]), "anon");
    assert!(gate.registry.render().contains("http_client_request_duration_seconds_count{peer=\"data\"} 1"));
}

#[tokio::test]
async fn hop_by_hop_fields_stay_behind_and_own_fields_do_not() {
    let (gate, _life) = gate_to_echo("").await;
    let asked = request(
        Method::GET,
        "/functions/v1/x",
        &[("connection", "keep-alive, x-mine, x-forwarded-for"), ("x-mine", "1"), ("te", "trailers"), ("x-other", "2")],
    );
    let answer = gate.send(from_peer(asked, "203.0.113.9", Scheme::Http)).await;
    let headers = &answer.json()["headers"];
    for gone in ["connection", "x-mine", "te"] {
        assert!(headers.get(gone).is_none(), "{gone}");
    }
    assert_eq!((&headers["x-other"], &headers["x-forwarded-for"]), (&"2".into(), &"203.0.113.9".into()));
    assert_eq!(answer.header("connection"), "");
}

#[tokio::test]
async fn a_role_that_is_down_is_503_and_comes_back() {
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let gate = Gate::with(|_| {}, Upstreams { data: upstream(&format!("http://{address}")), ..Upstreams::default() });
    let down = gate.get("/rest/v1/t").await;
    assert_eq!((down.status, down.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(down.json()["code"], "upstream_unavailable");
    assert!(!String::from_utf8_lossy(&down.body).contains("127.0.0.1"), "addresses of roles stay inside");
    let life = Lifecycle::new();
    let listener = TcpListener::bind(address).await.unwrap();
    let metrics = EdgeMetrics::register(&Registry::new(), "test");
    life.spawn("server", serve(listener, None, Service::new(service_fn(echo)), limits(), metrics, life.clone()));
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::OK);
}

/// Accepts connections; the first `broken` of them are closed once a request has arrived. Counts requests.
async fn breaking(broken: usize, life: &Lifecycle) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    life.spawn("breaking server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            if count.fetch_add(1, Ordering::SeqCst) >= broken {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    });
    (address, asked)
}

#[tokio::test]
async fn reads_are_repeated_once_and_writes_never_when_they_may_have_arrived() {
    let life = Lifecycle::new();
    let (address, asked) = breaking(1, &life).await;
    let gate = Gate::with(|_| {}, Upstreams { data: upstream(&format!("http://{address}")), ..Upstreams::default() });
    assert_eq!(gate.get("/rest/v1/t").await.status, StatusCode::OK);
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let (address, asked) = breaking(1, &life).await;
    let gate = Gate::with(|_| {}, Upstreams { data: upstream(&format!("http://{address}")), ..Upstreams::default() });
    for body in ["", "{}"] {
        asked.store(0, Ordering::SeqCst);
        let mut write = request(Method::POST, "/rest/v1/t", &[("apikey", &gate.keys.publishable)]);
        *write.body_mut() = Body::from(body);
        assert_eq!(gate.send(write).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{body:?}");
    }
}

#[tokio::test]
async fn a_write_that_never_arrived_is_repeated_with_its_body() {
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let gate = Gate::with(|_| {}, Upstreams { data: upstream(&format!("http://{address}")), ..Upstreams::default() });
    let life = Lifecycle::new();
    let late = async {
        tokio::time::sleep(Duration::from_millis(8)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let metrics = EdgeMetrics::register(&Registry::new(), "test");
        life.spawn("server", serve(listener, None, Service::new(service_fn(echo)), limits(), metrics, life.clone()));
    };
    let mut write = request(Method::POST, "/rest/v1/t", &[("apikey", &gate.keys.publishable)]);
    *write.body_mut() = Body::from("the body");
    // the server first: when the machine is slow and both timers are due, it must win
    let ((), answer) = tokio::join!(late, gate.send(write));
    assert_eq!((answer.status, &answer.json()["body"]), (StatusCode::OK, &"the body".into()));
}

#[tokio::test]
async fn a_streamed_body_over_the_limit_is_413_also_towards_remote_roles() {
    let life = Lifecycle::new();
    let address = listen(Service::new(service_fn(echo)), &life).await;
    let data = upstream(&format!("http://{address}"));
    let gate = Gate::with(
        |config| config.data_body_limit = mainstay_kernel::config::Size(100),
        Upstreams { data, ..Upstreams::default() },
    );
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, Infallible>("0123456789")));
    let mut write = request(Method::POST, "/rest/v1/t", &[("apikey", &gate.keys.publishable)]);
    *write.body_mut() = Body::from_stream(chunks);
    assert_eq!(gate.send(write).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Upgrades to a protocol that answers every byte with the next one.
async fn upgrading(mut asked: Request) -> Result<Response, Infallible> {
    let upgrade = hyper::upgrade::on(&mut asked);
    Lifecycle::new().spawn("successor", async move {
        let mut io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        while let Ok(byte) = io.read_u8().await {
            if io.write_u8(byte.wrapping_add(1)).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert("connection", "upgrade".parse().unwrap());
    response.headers_mut().insert("upgrade", "successor".parse().unwrap());
    Ok(response)
}

#[tokio::test]
async fn upgraded_connections_pass_through() {
    let life = Lifecycle::new();
    let role = listen(Service::new(service_fn(upgrading)), &life).await;
    let gate = Gate::with(|_| {}, Upstreams { realtime: upstream(&format!("http://{role}")), ..Upstreams::default() });
    let door = listen(gate.room.service(), &life).await;
    let mut client = TcpStream::connect(door).await.unwrap();
    let head = format!(
        "GET /realtime/v1/websocket?apikey={}&vsn=2.0.0 HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: successor\r\n\r\n",
        gate.keys.publishable
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(client.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    for byte in *b"hal" {
        client.write_u8(byte).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), byte + 1);
    }
}

#[tokio::test]
async fn answers_are_framed_correctly_on_the_wire() {
    let life = Lifecycle::new();
    let (gate, _role) = gate_to_echo("").await;
    let door = listen(gate.room.service(), &life).await;
    let client = HttpClient::new(Duration::from_secs(5), 1_000_000);
    let ask = async |method: Method| {
        let asked = http::Request::builder()
            .method(method)
            .uri(format!("http://{door}/rest/v1/t?select={}", "x".repeat(3000)))
            .header("apikey", &gate.keys.publishable)
            .header("accept-encoding", "gzip");
        client.send(asked.body(bytes::Bytes::new()).unwrap()).await.unwrap()
    };
    let answer = ask(Method::GET).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert!(answer.body().starts_with(&[0x1f, 0x8b]) && answer.body().len() < 3000);
    let head = ask(Method::HEAD).await;
    assert_eq!((head.status(), head.body().len()), (StatusCode::OK, 0));
}
