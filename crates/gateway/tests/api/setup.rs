//! A gateway in front of roles that show what reached them.

use http::{Method, StatusCode};
use mainstay_gateway::{Config, Deps, Room, Upstream, Upstreams, build};
use mainstay_identity::{ApiKeys, KeyKind, KeySet, Signer, Verifier, generate_api_key};
use mainstay_kernel::clock::{Clock as _, SystemClock};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{Body, ClientAddr, PeerAddr, Request, RequestId, Response, Scheme, json, read_body};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::net::IpAddr;
use tower::{ServiceExt as _, service_fn};

/// A gateway under test.
pub(crate) struct Gate {
    pub(crate) room: Room,
    pub(crate) registry: Registry,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) keys: Keys,
}

/// The project's keys as its users hold them.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) publishable: String,
    pub(crate) secret: String,
    pub(crate) legacy_anon: String,
    pub(crate) session: String,
    pub(crate) api: ApiKeys,
    pub(crate) verifier: Verifier,
}

/// A collected answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let set = KeySet::new(Some("a secret that is long enough for HS256 tests"), None).unwrap();
        let (signer, verifier) = (
            Signer::new(set.clone()),
            Verifier::new(set, &mainstay_identity::Config::default(), SystemClock::shared()),
        );
        let publishable = generate_api_key(KeyKind::Publishable).unwrap();
        let secret = generate_api_key(KeyKind::Secret).unwrap();
        let now = SystemClock.unix();
        let session =
            signer.sign(&json!({ "role": "authenticated", "sub": uuid::Uuid::nil(), "exp": now + 600 })).unwrap();
        Self {
            api: ApiKeys::new(publishable.clone().into(), secret.clone().into(), &signer, verifier.clone()).unwrap(),
            legacy_anon: ApiKeys::legacy(&signer, "anon", now).unwrap(),
            publishable,
            secret,
            session,
            verifier,
        }
    }

    /// The role that a forwarded `Authorization` stands for.
    pub(crate) fn role_of(&self, authorization: &Value) -> String {
        let token = authorization.as_str().unwrap_or_default().trim_start_matches("Bearer ");
        self.verifier.verify(token).map_or_else(|error| error.to_string(), |caller| caller.role.to_string())
    }
}

impl Gate {
    /// A gateway whose roles all echo.
    pub(crate) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let echo = || Some(Upstream::local(service_fn(echo), || Readiness::Ready));
        let upstreams = Upstreams {
            auth: echo(),
            data: echo(),
            storage: echo(),
            services: std::collections::BTreeMap::new(),
            functions: echo(),
            realtime: None,
            portal: echo(),
        };
        Self::with(change, upstreams)
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config), upstreams: Upstreams) -> Self {
        mainstay_kernel::tls::install_provider();
        let mut config = Config::default();
        change(&mut config);
        let (keys, registry, lifecycle) = (Keys::new(), Registry::new(), Lifecycle::new());
        let deps = Deps {
            keys: keys.api.clone(),
            verifier: keys.verifier.clone(),
            clock: SystemClock::shared(),
            registry: registry.clone(),
            upstreams,
            public_url: "https://app.example.com".into(),
        };
        let room = build(&config, deps).unwrap();
        room.run(&lifecycle);
        Self { room, registry, lifecycle, keys }
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let response = self.room.service().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: read_body(body, 10_000_000).await.unwrap().to_vec(),
        }
    }

    /// A GET with the publishable key.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(request(Method::GET, target, &[("apikey", &self.keys.publishable)])).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn request(method: Method, target: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// The request as if it came from `peer` over `scheme`.
pub(crate) fn from_peer(mut request: Request, peer: &str, scheme: Scheme) -> Request {
    request.extensions_mut().insert(PeerAddr(peer.parse::<IpAddr>().unwrap()));
    request.extensions_mut().insert(scheme);
    request
}

/// Answers with what it was asked.
pub(crate) async fn echo(request: Request) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let headers: Map<String, Value> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
    let body = read_body(body, 100_000_000).await;
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "client": parts.extensions.get::<ClientAddr>().map(|client| client.0.to_string()),
        "id": parts.extensions.get::<RequestId>().map(|id| id.0.to_string()),
        "scheme": parts.extensions.get::<Scheme>().map(|scheme| format!("{scheme:?}")),
        "body": body.as_ref().map_or_else(ToString::to_string, |body| String::from_utf8_lossy(body).into_owned()),
    });
    Ok(json(if body.is_ok() { StatusCode::OK } else { StatusCode::PAYLOAD_TOO_LARGE }, &seen))
}
