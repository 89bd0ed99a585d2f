//! The room on a fresh database, and its callers.

use std::sync::Arc;
use std::time::Duration;

use mainstay_data::{Config, Deps, Room, build};
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use mainstay_testkit::{Client, Database, Identity};
use uuid::Uuid;

/// The owner of the notes in most tests.
pub(crate) const ALICE: Uuid = Uuid::from_u128(0xa11ce);
pub(crate) const BOB: Uuid = Uuid::from_u128(0xb0b);

pub(crate) struct App {
    pub(crate) db: Database,
    pub(crate) identity: Identity,
    pub(crate) anon: Client,
    room: Room,
    _lifecycle: Lifecycle,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let db = Database::fresh().await;
        db.execute(include_str!("schema.sql")).await;
        Self::on(db, change).await
    }

    pub(crate) async fn on(db: Database, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let identity = Identity::new(Arc::new(SystemClock));
        let deps =
            Deps { pool: db.pool(db.authenticator()), verifier: identity.verifier.clone(), registry: Registry::new() };
        let room = build(&config, deps).unwrap();
        let lifecycle = Lifecycle::new();
        room.run(&lifecycle);
        let anon = Client::new(room.router());
        let app = Self { db, identity, anon, room, _lifecycle: lifecycle };
        app.eventually(|app| app.room.ready() == Readiness::Ready).await;
        app
    }

    pub(crate) fn user(&self, id: Uuid) -> Client {
        self.anon.bearer(&self.identity.user(id))
    }

    pub(crate) fn service(&self) -> Client {
        self.anon.bearer(&self.identity.service())
    }

    /// Waits for what another task does; there is no signal to wait on from outside.
    pub(crate) async fn eventually(&self, ready: impl Fn(&Self) -> bool) {
        for _ in 0..400 {
            if ready(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("did not happen in 10 s");
    }
}

/// A path as browsers send it: what URLs cannot hold is percent-encoded.
pub(crate) fn url(path: &str) -> String {
    let encode = |c: char| match c {
        '>' | '<' | '"' | ' ' | '^' | '\\' | '{' | '}' | '`' | '|' => format!("%{:02X}", u32::from(c)),
        _ => c.to_string(),
    };
    path.chars().map(encode).collect()
}
