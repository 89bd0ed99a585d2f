//! Whether the roles behind URLs have been reached since the gateway started.
//!
//! A new gateway takes no traffic before the roles that it sends to have answered once, so that a release with a wrong
//! address or a closed network stops there, while the old gateway serves. Afterwards a role that goes away does not take
//! the gateway with it: the other roles are still served, and the role's own probes tell what is wrong.

use http::Uri;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::lifecycle::Lifecycle;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// After this long the gateway serves what it can reach.
const GIVE_UP: Duration = Duration::from_secs(45);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// Longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// The roles that have not been reached yet. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Reach(Arc<Mutex<Vec<Remote>>>);

#[derive(Debug, Clone)]
struct Remote {
    role: &'static str,
    host: String,
    port: u16,
}

impl Reach {
    /// From (role, URL). A URL that cannot be read is refused where the gateway is built.
    pub(crate) fn new(urls: &[(&'static str, &str)]) -> Self {
        let remotes = urls.iter().filter_map(|(role, url)| Remote::read(role, url)).collect();
        Self(Arc::new(Mutex::new(remotes)))
    }

    /// Ready once every role has been reached.
    pub(crate) fn readiness(&self) -> Readiness {
        match self.missing().first() {
            None => Readiness::Ready,
            Some(remote) => Readiness::NotReady(format!("the role {} has not been reached yet", remote.role)),
        }
    }

    /// Starts trying, one role beside the other.
    pub(crate) fn run(&self, lifecycle: &Lifecycle) {
        for remote in self.missing() {
            let (reach, stop) = (self.clone(), lifecycle.clone());
            lifecycle.spawn("first contact", async move {
                tokio::select! {
                    () = remote.try_until_reached() => {}
                    () = stop.stopping() => return,
                }
                reach.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other.role != remote.role);
            });
        }
    }

    fn missing(&self) -> Vec<Remote> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Remote {
    fn read(role: &'static str, url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { role, host, port: url.port_u16().unwrap_or(usual) })
    }

    /// A connection is enough: a Service without a ready pod refuses it. The name is looked up anew each time.
    async fn try_until_reached(&self) {
        let began = Instant::now();
        loop {
            let attempt = TcpStream::connect((self.host.as_str(), self.port));
            let problem = match tokio::time::timeout(ATTEMPT, attempt).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            if began.elapsed() > GIVE_UP {
                let (role, host, port) = (self.role, &self.host, self.port);
                tracing::warn!(role, "the role was not reached at {host}:{port}: {problem}; serving without it");
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (url, host, port) in [
            ("http://data:8080/inner", "data", 8080),
            ("http://data", "data", 80),
            ("https://example.com/x", "example.com", 443),
            ("http://[::1]:9000", "::1", 9000),
        ] {
            let remote = Remote::read("data", url).unwrap();
            assert_eq!((remote.host.as_str(), remote.port), (host, port), "{url}");
        }
        assert!(Reach::new(&[]).readiness().is_ready());
    }
}
