//! The running double: what tests do to it and ask it.

use super::store::State;
use super::{Behaviour, controllers, http, schema};
use mainstay_kernel::lifecycle::Lifecycle;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// A running double. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Double {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) moved: Arc<Notify>,
    pub(crate) address: std::net::SocketAddr,
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

    /// Makes an object as another program would.
    pub(crate) fn create(&self, plural: &str, object: Value) {
        self.state().create(schema::by_plural(plural).unwrap(), object, false);
        self.announce();
    }

    /// Requests since the last call, as `METHOD path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }
}
