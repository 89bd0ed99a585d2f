//! The sockets of a process.

use crate::config::Config;
use crate::failure::Outcome;
use tokio::net::TcpListener;

/// What to do when the admin port is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AdminPort {
    /// Fail: probes and Prometheus ask the port that they were told.
    Exact,
    /// Take the next free one: on a person's machine the port matters to nobody, and `status` finds it.
    NextFree,
}

/// The two sockets of a process, bound before anything else starts.
pub(crate) struct Listen {
    pub(crate) public: TcpListener,
    pub(crate) admin: TcpListener,
}

// === impl Listen ===

impl Listen {
    /// Binds the public and the admin address.
    pub(crate) async fn bind(config: &Config, admin: AdminPort) -> Outcome<Self> {
        let (host, port) = (config.gateway.bind.as_str(), config.gateway.port);
        let public = TcpListener::bind((host, port)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!("port {port} is in use; stop what listens there, or choose another with --port")
            }
            _ => anyhow::Error::new(error).context(format!("cannot listen on {host}:{port}")),
        })?;
        Ok(Self { public, admin: bind_admin(&config.admin.host, config.admin.port, admin).await? })
    }
}

async fn bind_admin(host: &str, port: u16, choice: AdminPort) -> Outcome<TcpListener> {
    let mut last = None;
    let further = match choice {
        AdminPort::Exact => 0,
        AdminPort::NextFree => 49,
    };
    for candidate in port..=port.saturating_add(further) {
        match TcpListener::bind((host, candidate)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    let error = last.map_or_else(|| anyhow::anyhow!("no port"), anyhow::Error::new);
    let remedy = "stop what listens there, or choose another with MAINSTAY_ADMIN_PORT or `[admin] port`";
    Err(error.context(format!("the admin listener cannot listen on {host}:{port}; {remedy}")).into())
}
