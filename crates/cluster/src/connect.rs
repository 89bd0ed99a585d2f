//! From a kubeconfig to a connection.

use crate::Error;
use crate::api::{Api, Limits};
use crate::discovery::Discovery;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use mainstay_kernel::clock::SharedClock;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A connection to one cluster. Cheap to clone; what was discovered is kept for its life.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) api: Api,
    pub(crate) clock: SharedClock,
    pub(crate) pace: Pace,
    discovery: Arc<OnceCell<Discovery>>,
    origin: Origin,
}

/// Where a connection leads and as whom: shown and confirmed before anything is changed.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Origin {
    /// Name of the kubeconfig's context; empty inside a pod.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// Name of the kubeconfig's user.
    pub user: String,
    /// The context's namespace.
    pub namespace: String,
}

/// How often the cluster is looked at while waiting, and how long a bad state may last before it counts as hopeless.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks at pods and events.
    pub look: Duration,
    /// An image that cannot be pulled, a container that cannot be configured.
    pub container: Duration,
    /// A pod that no node takes; an autoscaler may be adding one.
    pub schedule: Duration,
    /// Pods that cannot be created (quota, pod security); older pods may be making room.
    pub create: Duration,
    /// A volume that cannot be mounted or provisioned.
    pub volume: Duration,
    /// First pause before a failed request is tried again; it doubles, four times at most.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            look: s(2),
            container: s(4),
            schedule: s(45),
            create: s(12),
            volume: s(45),
            retry: Duration::from_millis(250),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Connects as a kubeconfig says; nothing is sent yet. Without a path `KUBECONFIG`, `~/.kube/config` and the pod's service
/// account are tried in this order.
///
/// # Errors
/// When there is no kubeconfig, no such context, or its certificates cannot be read.
pub async fn connect(context: Option<&str>, kubeconfig: Option<&Path>, clock: SharedClock) -> Result<Cluster, Error> {
    let read = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let (mut config, mut origin) = match read {
        Ok(file) => from_file(file, context).await?,
        Err(problem) if kubeconfig.is_none() && context.is_none() => match Config::incluster() {
            Ok(config) => (config, Origin { user: "service account".into(), ..Origin::default() }),
            Err(_) => return Err(Error::NoKubeconfig(without_lines(&problem.to_string()))),
        },
        Err(problem) => return Err(Error::NoKubeconfig(without_lines(&problem.to_string()))),
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    // Ours retries writes too, and sees what was asked.
    config.default_retry = false;
    origin.server = config.cluster_url.to_string();
    origin.namespace = config.default_namespace.clone();
    if config.proxy_url.is_some() {
        return Err(Error::NoKubeconfig(
            "it asks for a proxy, which is not supported; reach the cluster directly".into(),
        ));
    }
    let client = kube::Client::try_from(config).map_err(|e| Error::NoKubeconfig(without_lines(&e.to_string())))?;
    Ok(Cluster::new(client, origin, clock))
}

/// What is wrong with a kubeconfig, without the lines and values of it that its reader quotes: they may hold a token.
fn without_lines(reason: &str) -> String {
    let first = reason.lines().next().unwrap_or_default();
    let Some((before, after)) = first.split_once(" column ") else { return first.to_owned() };
    let column: String = after.chars().take_while(char::is_ascii_digit).collect();
    format!("{before} column {column}")
}

async fn from_file(file: Kubeconfig, context: Option<&str>) -> Result<(Config, Origin), Error> {
    let names: Vec<&str> = file.contexts.iter().map(|c| c.name.as_str()).collect();
    let wanted = context.or(file.current_context.as_deref()).unwrap_or_default();
    let Some(found) = file.contexts.iter().find(|c| c.name == wanted) else {
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Error::UnknownContext { wanted: wanted.to_owned(), known });
    };
    let user = found.context.as_ref().and_then(|c| c.user.clone()).unwrap_or_default();
    let origin = Origin { context: wanted.to_owned(), user, ..Origin::default() };
    let options = KubeConfigOptions { context: Some(wanted.to_owned()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|e: KubeconfigError| Error::NoKubeconfig(without_lines(&e.to_string())))?;
    Ok((config, origin))
}

impl Cluster {
    /// A connection over a client that somebody else made.
    #[must_use]
    pub fn new(client: kube::Client, origin: Origin, clock: SharedClock) -> Self {
        let api = Api::new(client, origin.server.clone(), Limits::default());
        Self { api, clock, pace: Pace::default(), discovery: Arc::default(), origin }
    }

    /// The same connection at another pace.
    #[must_use]
    pub fn paced(mut self, pace: Pace) -> Self {
        self.api.limits.first_pause = pace.retry;
        self.pace = pace;
        self
    }

    /// The same connection with another patience for single requests (30 s unless told).
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.api.limits.request = timeout;
        self
    }

    /// Where it leads.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many requests were sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.api.requests()
    }

    pub(crate) async fn discovery(&self) -> Result<&Discovery, Error> {
        self.discovery.get_or_try_init(|| Discovery::read(&self.api)).await
    }
}

#[cfg(test)]
mod tests {
    use super::without_lines;

    #[test]
    fn the_lines_of_a_kubeconfig_are_not_told() {
        let said =
            "failed to parse kubeconfig YAML: line 9 column 5: invalid type: string \"s3cr3t\"\n 9 |   token: s3cr3t";
        assert_eq!(without_lines(said), "failed to parse kubeconfig YAML: line 9 column 5");
        assert_eq!(without_lines("no such file"), "no such file");
    }
}
