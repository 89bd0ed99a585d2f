//! The room over a fresh database, with a clock that tests move.

use mainstay_auth::{Config, Deps, MIGRATIONS, Room};
use mainstay_kernel::clock::{Clock as _, ManualClock};
use mainstay_kernel::http::HttpClient;
use mainstay_kernel::metrics::Registry;
use mainstay_pg::migrate::{Migration, apply};
use mainstay_testkit::{Answer, Client, Database, Identity};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct App {
    pub(crate) db: Database,
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: Client,
    pub(crate) room: Room,
    pub(crate) registry: Registry,
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Cheap hashes and no rate limits, then what the test wants.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let db = Database::fresh().await;
        let migrations: Vec<Migration> = MIGRATIONS
            .iter()
            .map(|(name, sql)| Migration { name: (*name).to_owned(), sql: (*sql).to_owned() })
            .collect();
        apply(&db.auth_admin(), "auth", &migrations).await.unwrap();
        let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
        let identity = Identity::new(clock.clone());
        let mut config = Config {
            site_url: "https://app.test".into(),
            password_hash_memory_kib: 64,
            password_hash_passes: 1,
            rate_limit_token_refresh: 0,
            rate_limit_sign_in_sign_ups: 0,
            rate_limit_password_per_account: 0,
            rate_limit_token_verifications: 0,
            rate_limit_anonymous_users: 0,
            rate_limit_exempt: Vec::new(),
            ..Config::default()
        };
        adjust(&mut config);
        let registry = Registry::new();
        let room = mainstay_auth::build(
            &config,
            Deps {
                pool: db.pool(db.auth_admin()),
                verifier: identity.verifier.clone(),
                signer: identity.signer.clone(),
                clock: clock.clone(),
                http: HttpClient::new(Duration::from_secs(5), 1 << 20),
                registry: registry.clone(),
                public_url: "https://api.test/".into(),
            },
        )
        .unwrap();
        let client = Client::new(room.router()).with("x-supabase-api-version", "2024-01-01");
        Self { db, identity, clock, client, room, registry }
    }

    pub(crate) fn admin(&self) -> Client {
        self.client.bearer(&self.identity.service())
    }

    pub(crate) fn unix(&self) -> i64 {
        self.clock.unix()
    }

    /// A new account's session.
    pub(crate) async fn sign_up(&self, email: &str) -> Session {
        let answer = self.client.post("/signup", &json!({"email": email, "password": PASSWORD})).await.expect(200);
        Session::of(self, &answer)
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.client.post("/token?grant_type=password", &json!({"email": email, "password": password})).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.client.post("/token?grant_type=refresh_token", &json!({"refresh_token": token})).await
    }

    /// The value of a metric, 0 when it was never touched.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.registry.render();
        let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }
}

/// A signed-in user.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) user: Value,
}

impl Session {
    #[track_caller]
    pub(crate) fn of(app: &App, answer: &Answer) -> Self {
        let reply = answer.json();
        let access = text(&reply, "access_token");
        Self {
            client: app.client.bearer(&access),
            refresh: text(&reply, "refresh_token"),
            user: reply["user"].clone(),
            access,
        }
    }

    pub(crate) fn id(&self) -> String {
        text(&self.user, "id")
    }

    /// The claims of the access token, unverified.
    pub(crate) fn claims(&self) -> Value {
        use base64::Engine as _;
        let payload = self.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

/// For answers whose body does not matter.
pub(crate) trait Is {
    fn is(self, status: u16);
}

impl Is for Answer {
    #[track_caller]
    fn is(self, status: u16) {
        let _ = self.expect(status);
    }
}

#[track_caller]
pub(crate) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}")).to_owned()
}

/// Asserts status and code of a refusal.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("x-sb-error-code")), (status, code), "{}", answer.text());
    assert_eq!(answer.json()["code"], code);
    assert_eq!(answer.header("x-supabase-api-version"), "2024-01-01");
}
