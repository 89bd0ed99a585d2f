//! A double of the Kubernetes API server over real TCP. It keeps the rules that a deployer depends on: server-side apply with
//! managed fields and conflicts, dry runs, strict fields, resource versions that move on real change only, generations,
//! immutable fields, namespaces that must exist, lists with selectors and pages, watches with 410; and plays the controllers.

mod controllers;
mod fields;
mod http;
mod schema;
mod server;
mod store;

pub(crate) use controllers::Behaviour;
pub(crate) use server::Double;
pub(crate) use store::{Deny, Fault};

use mainstay_cluster::{Cluster, Origin, Pace};
use mainstay_kernel::clock::SystemClock;
use std::time::Duration;

impl Double {
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
}

/// A kind, for making objects directly.
pub(crate) fn resource(plural: &str) -> &'static schema::Resource {
    schema::by_plural(plural).unwrap()
}
