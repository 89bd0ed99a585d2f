//! Keeps the catalog current: `NOTIFY pgrst` → debounced reload. Requests never wait for it; they use the last one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_pg::{Listener, Pool};

use super::Catalog;
use super::load::load;
use crate::events;

/// Notifications come in bursts (one per DDL statement); one reload answers them all.
const DEBOUNCE: Duration = Duration::from_millis(100);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(10);
/// The channel PostgREST listens on.
const CHANNEL: &str = "pgrst";

/// The catalog in force, shared with all requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot(Arc<ArcSwapOption<Catalog>>);

impl Snapshot {
    pub(crate) fn current(&self) -> Option<Arc<Catalog>> {
        self.0.load_full()
    }

    fn set(&self, catalog: Catalog) {
        self.0.store(Some(Arc::new(catalog)));
    }
}

/// The task that loads and reloads.
pub(crate) struct Watch {
    pub(crate) pool: Pool,
    pub(crate) schemas: Vec<String>,
    pub(crate) snapshot: Snapshot,
    pub(crate) events: events::Events,
}

/// Why the listening ended.
enum Ended {
    Stopping,
    ConnectionLost,
}

impl Watch {
    /// Runs until shutdown.
    pub(crate) async fn run(self, lifecycle: Lifecycle) {
        let mut wait = FIRST_RETRY;
        loop {
            let mut heard = false;
            match self.follow(&lifecycle, &mut heard).await {
                Ended::Stopping => return,
                Ended::ConnectionLost => {}
            }
            // a connection that worked earns a quick first retry
            wait = if heard { FIRST_RETRY } else { (wait * 2).min(LAST_RETRY) };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = lifecycle.stopping() => return,
            }
        }
    }

    /// One connection's life. It listens before it loads, so that no change falls between.
    async fn follow(&self, lifecycle: &Lifecycle, heard: &mut bool) -> Ended {
        let connected = tokio::select! {
            connected = Listener::connect(self.pool.options(), &[CHANNEL]) => connected,
            () = lifecycle.stopping() => return Ended::Stopping,
        };
        let mut listener = match connected {
            Ok(listener) => listener,
            Err(error) => {
                self.events.listener_failed(&error.to_string());
                return Ended::ConnectionLost;
            }
        };
        if !self.reload().await {
            return Ended::ConnectionLost;
        }
        *heard = true;
        loop {
            tokio::select! {
                notification = listener.next() => match notification {
                    Ok(notification) if asks_for_reload(&notification.payload) => {}
                    Ok(_) => continue,
                    Err(error) => {
                        self.events.listener_failed(&error.to_string());
                        return Ended::ConnectionLost;
                    }
                },
                () = lifecycle.stopping() => return Ended::Stopping,
            }
            if !quiet(&mut listener).await || !self.reload().await {
                return Ended::ConnectionLost;
            }
        }
    }

    async fn reload(&self) -> bool {
        let started = std::time::Instant::now();
        match load(&self.pool, &self.schemas).await {
            Ok(catalog) => {
                self.events.catalog_loaded(catalog.sizes(), started.elapsed());
                self.snapshot.set(catalog);
                true
            }
            Err(error) => {
                self.events.catalog_failed(&error.to_string());
                false
            }
        }
    }
}

/// `NOTIFY pgrst` without a payload reloads too; configuration is not read from the database.
fn asks_for_reload(payload: &str) -> bool {
    payload.is_empty() || payload == "reload schema"
}

/// Waits until no notification has come for a moment. False when the connection is lost.
async fn quiet(listener: &mut Listener) -> bool {
    // a database that never stops notifying must still be followed
    let deadline = tokio::time::Instant::now() + DEBOUNCE * 20;
    while tokio::time::Instant::now() < deadline {
        match tokio::time::timeout(DEBOUNCE, listener.next()).await {
            Err(_) => return true,
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return false,
        }
    }
    true
}
