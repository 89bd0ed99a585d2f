//! A double of the Kubernetes API server over real TCP. It keeps the rules that a deployer depends on: server-side apply with
//! managed fields and conflicts, dry runs, strict fields, resource versions that move on real change only, generations,
//! immutable fields, namespaces that must exist, lists with selectors and pages, watches with 410; and plays the controllers.

mod controllers;
mod fields;
mod http;
mod schema;
mod store;

pub(crate) use controllers::Behaviour;
pub(crate) use store::{Deny, Fault};

use mainstay_cluster::{Cluster, Origin, Pace};
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::lifecycle::Lifecycle;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use store::State;
use tokio::sync::Notify;

/// A running double. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Double {
    state: Arc<Mutex<State>>,
    moved: Arc<Notify>,
    address: std::net::SocketAddr,
}

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let double = Self {
            state: Arc::new(Mutex::new(State::new())),
            moved: Arc::new(Notify::new()),
            address: listener.local_addr().unwrap(),
        };
        let life = Lifecycle::new();
        life.spawn("api", http::serve(listener, double.clone(), life.clone()));
        life.spawn("controllers", controllers::run(double.clone()));
        double
    }

    /// A connection to it at the pace of a test.
    pub(crate) fn cluster(&self) -> Cluster {
        let uri: ::http::Uri = format!("http://{}", self.address).parse().unwrap();
        let mut config = kube::Config::new(uri.clone());
        config.default_retry = false;
        let client = kube::Client::try_from(config).unwrap();
        let origin = Origin { server: uri.to_string(), user: "ann".into(), ..Origin::default() };
        let ms = Duration::from_millis;
        let pace =
            Pace { look: ms(40), container: ms(60), schedule: ms(60), create: ms(60), volume: ms(60), retry: ms(5) };
        Cluster::new(client, origin, SystemClock::shared()).paced(pace).request_timeout(Duration::from_secs(5))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Wakes watchers.
    pub(crate) fn announce(&self) {
        self.moved.notify_waiters();
    }

    /// A live object.
    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.state().get(plural, namespace, name).cloned()
    }

    /// How a workload behaves from now on.
    pub(crate) fn behave(&self, name: &str, behaviour: Behaviour) {
        self.state().behaviours.insert(name.into(), behaviour);
    }

    /// Changes an object as another program would.
    pub(crate) fn edit(&self, plural: &str, namespace: &str, name: &str, manager: &str, edit: impl FnOnce(&mut Value)) {
        self.state().edit(plural, namespace, name, manager, "", edit);
        self.announce();
    }

    /// Requests since the last call, as `METHOD path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }
}

/// A kind, for making objects directly.
pub(crate) fn resource(plural: &str) -> &'static schema::Resource {
    schema::by_plural(plural).unwrap()
}
