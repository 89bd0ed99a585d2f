//! A double of an OpenID Connect provider, for the logic on our side: state, PKCE, nonce, keys, linking. It answers over
//! real HTTP and signs with a real ES256 key, but it is written by the same hands as the code under test; that a real
//! provider (npm `oidc-provider`) and a real browser agree is tested by the browser tests of the whole system.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::extract::{RawForm, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mainstay_kernel::http::{EdgeLimits, EdgeMetrics, Service, serve};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A provider on a free port, until it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) script: Arc<Mutex<Script>>,
    lifecycle: Lifecycle,
}

/// What it does and what it saw.
pub(crate) struct Script {
    /// Claims of the next ID token, over the good defaults; null removes one.
    pub(crate) claims: Value,
    /// Claims of user info.
    pub(crate) userinfo: Value,
    /// What is wrong with the next ID token's signature.
    pub(crate) signature: Signature,
    /// The parameters of `/authorize`, as the browser would carry them.
    pub(crate) authorize: BTreeMap<String, String>,
    /// The last token request.
    pub(crate) exchange: BTreeMap<String, String>,
    /// How often the keys were fetched.
    pub(crate) key_fetches: usize,
    issuer: String,
    now: i64,
    key: Key,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    Good,
    /// By a key the provider does not publish, under the published id.
    Forged,
    None,
}

struct Key {
    id: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

pub(crate) const CLIENT: &str = "client one";
pub(crate) const SECRET: &str = "s3cret";

impl Provider {
    pub(crate) async fn start(now: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script {
            claims: json!({}),
            userinfo: json!({}),
            signature: Signature::Good,
            authorize: BTreeMap::new(),
            exchange: BTreeMap::new(),
            key_fetches: 0,
            issuer: issuer.clone(),
            now,
            key: Key::new("one"),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(me))
            .with_state(script.clone());
        let lifecycle = Lifecycle::new();
        let limits = EdgeLimits {
            connections: 100,
            connections_per_address: 100,
            head_deadline: Duration::from_secs(5),
            idle_deadline: Duration::from_secs(5),
            drain_deadline: Duration::ZERO,
            head_size: 16_384,
        };
        let metrics = EdgeMetrics::register(&Registry::new(), "provider");
        lifecycle.spawn("provider", serve(listener, None, Service::new(router), limits, metrics, lifecycle.clone()));
        Self { issuer, script, lifecycle }
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub(crate) fn see<T>(&self, look: impl FnOnce(&Script) -> T) -> T {
        look(&self.script.lock().unwrap())
    }

    /// Replaces the signing key by another one with another id.
    pub(crate) fn rotate(&self, id: &str) {
        self.set(|script| script.key = Key::new(id));
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let lifecycle = self.lifecycle.clone();
        self.lifecycle.spawn("provider's end", async move {
            lifecycle.shutdown(Duration::ZERO, Duration::ZERO).await;
        });
    }
}

impl Key {
    fn new(id: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        Self { id: id.to_owned(), pkcs8: pkcs8.as_ref().to_vec(), public: pair.public_key().as_ref().to_vec() }
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.public[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)})
    }
}

type Shared = State<Arc<Mutex<Script>>>;

async fn discovery(State(script): Shared) -> Response {
    let issuer = script.lock().unwrap().issuer.clone();
    axum::Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/me"), "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "none"],
    }))
    .into_response()
}

async fn keys(State(script): Shared) -> Response {
    let mut script = script.lock().unwrap();
    script.key_fetches += 1;
    axum::Json(json!({"keys": [script.key.jwk()]})).into_response()
}

async fn token(State(script): Shared, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let mut script = script.lock().unwrap();
    script.exchange = form_urlencoded::parse(&form).into_owned().collect();
    let credentials = STANDARD.encode(format!("client+one:{SECRET}"));
    let known = headers.get("authorization").and_then(|v| v.to_str().ok()) == Some(&format!("Basic {credentials}"));
    if !known || script.exchange.get("code").map(String::as_str) != Some("good code") {
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let verifier = script.exchange.get("code_verifier").cloned().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()));
    if script.authorize.get("code_challenge") != Some(&challenge) {
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let mut claims = json!({
        "iss": script.issuer, "sub": "subject-1", "aud": CLIENT, "iat": script.now, "exp": script.now + 600,
        "nonce": script.authorize.get("nonce"), "email": "ada@example.com", "email_verified": true, "name": "Ada L",
        "picture": "https://p.test/ada.png",
    });
    for (key, value) in script.claims.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(key)),
            value => claims[key] = value.clone(),
        }
    }
    let id_token = script.sign(&claims);
    axum::Json(json!({"access_token": "provider access", "refresh_token": "provider refresh", "token_type": "Bearer",
        "expires_in": 600, "id_token": id_token}))
    .into_response()
}

async fn me(State(script): Shared, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|value| value != "Bearer provider access") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    axum::Json(script.lock().unwrap().userinfo.clone()).into_response()
}

impl Script {
    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key.id.clone());
        let forged = Key::new("x");
        match self.signature {
            Signature::Good => {
                jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.key.pkcs8)).unwrap()
            }
            Signature::Forged => {
                jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&forged.pkcs8)).unwrap()
            }
            Signature::None => {
                let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
                format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
            }
        }
    }
}
