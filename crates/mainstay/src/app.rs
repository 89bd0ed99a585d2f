//! config → build → run: the rooms of a process, its two listeners, and its end.

use crate::admin::Admin;
use crate::config::Config;
use crate::database::{Database, Logins};
use crate::failure::Outcome;
use crate::listen::Listen;
use crate::project::{Project, RunFile};
use crate::reach::Reach;
use crate::roles::{PoolMeter, Role, Running};
use crate::secrets::{Secrets, key_set};
use crate::{seed, terminal};
use anyhow::Context as _;
use mainstay_gateway::{Upstream, Upstreams};
use mainstay_identity::{ApiKeys, Signer, Verifier};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::config::{ConfigError, ExposeSecret as _};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{EdgeMetrics, HttpClient, Service, serve};
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::{ProcessMetrics, Registry};
use mainstay_kernel::tls::{from_files, self_signed};
use mainstay_pg::managed::Managed;
use mainstay_pg::{ConnectOptions, Pool, PoolSettings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Time that roles get to finish what they are doing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A role that was not ready by then is told; the process waits on.
const TELL_AFTER: Duration = Duration::from_secs(10);

/// Time that tasks get to end when nobody was served yet.
const PATIENCE_BEFORE_READY: Duration = Duration::from_millis(700);

/// A built process, not yet running.
pub(crate) struct App {
    config: Config,
    running: Arc<Running>,
    service: Service,
    registry: Registry,
    process: ProcessMetrics,
    listen: Listen,
    public_url: String,
    began: Instant,
}

/// What every room is built from.
struct Parts<'a> {
    project: &'a Project,
    config: &'a Config,
    logins: &'a Logins,
    keys: Keys,
    clock: SharedClock,
    registry: Registry,
    public_url: String,
}

/// Keys in all their uses.
struct Keys {
    signer: Signer,
    verifier: Verifier,
    api: ApiKeys,
    publishable: String,
}

/// The address that clients use.
pub(crate) fn public_url(config: &Config, port: u16) -> String {
    if let Some(url) = &config.gateway.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let scheme = if has_tls(&config.gateway) { "https" } else { "http" };
    let host = match config.gateway.bind.as_str() {
        "127.0.0.1" | "0.0.0.0" | "::" | "::1" => "localhost",
        host => host,
    };
    format!("{scheme}://{host}:{port}")
}

fn has_tls(gateway: &mainstay_gateway::Config) -> bool {
    gateway.tls_certificate.is_some() || gateway.tls_self_signed
}

/// The certificate that the gateway's settings describe, when there is one.
fn tls(gateway: &mainstay_gateway::Config) -> Outcome<Option<Arc<rustls::ServerConfig>>> {
    Ok(match (&gateway.tls_certificate, &gateway.tls_key) {
        (Some(certificate), Some(key)) => Some(from_files(certificate.as_ref(), key.as_ref())?),
        _ if gateway.tls_self_signed => {
            Some(self_signed(&["localhost".to_owned(), "127.0.0.1".to_owned(), gateway.bind.clone()])?)
        }
        _ => None,
    })
}

// === impl App ===

impl App {
    /// Builds the rooms of `roles`. Nothing runs yet.
    pub(crate) fn build(
        project: &Project,
        mut config: Config,
        secrets: &Secrets,
        logins: &Logins,
        roles: &[Role],
        listen: Listen,
        clock: SharedClock,
    ) -> Outcome<Self> {
        let began = Instant::now();
        let registry = Registry::new();
        let public_url = public_url(&config, listen.public.local_addr()?.port());
        if !config.site_url_is_set {
            config.auth.site_url.clone_from(&public_url);
        }
        let keys = Keys::new(&config, secrets, &clock)?;
        let names: Vec<_> = roles.iter().map(|role| role.info().name).collect();
        let process = ProcessMetrics::register(&registry, env!("CARGO_PKG_VERSION"), &names.join(","), clock.unix());
        let parts = Parts {
            project,
            config: &config,
            logins,
            keys,
            clock,
            registry: registry.clone(),
            public_url: public_url.clone(),
        };
        let (running, service) = parts.build(roles)?;
        Ok(Self { running: Arc::new(running), service, registry, process, listen, public_url, began, config })
    }

    /// Runs `[seed]` and seed.sql.
    pub(crate) async fn seed(&self, project: &Project, config: &Config, database: &Database) -> Outcome {
        let auth = self.running.auth.as_ref().context("the auth role is not running")?;
        seed::run(project, config, database, auth).await
    }

    /// Serves until a signal, then drains.
    pub(crate) async fn run(
        self,
        project: &Project,
        managed: Option<&Managed>,
        lifecycle: Lifecycle,
        mut stop: Signals,
    ) -> Outcome {
        let tls = tls(&self.config.gateway)?;
        let admin_url = format!("http://{}", self.listen.admin.local_addr()?);
        self.running.run(&lifecycle);
        let admin = Admin {
            registry: self.registry.clone(),
            process: self.process,
            running: self.running.clone(),
            lifecycle: lifecycle.clone(),
            health_paths: self.config.gateway.health_paths.clone(),
        };
        let edge = |name| EdgeMetrics::register(&self.registry, name);
        let limits = self.config.gateway.edge_limits();
        lifecycle.spawn(
            "admin listener",
            serve(self.listen.admin, None, admin.service(), limits.clone(), edge("admin"), lifecycle.clone()),
        );
        lifecycle.spawn(
            "public listener",
            serve(self.listen.public, tls, self.service, limits, edge("public"), lifecycle.clone()),
        );
        let run = RunFile {
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
            url: self.public_url.clone(),
            admin_url,
            database_port: managed.map(Managed::port),
            database_socket: managed.map(|managed| managed.owner().host.into()),
        };
        if managed.is_some() {
            project.announce(&run)?;
        }
        tokio::select! {
            () = wait_until_ready(&self.running) => {}
            () = stop.wait() => {
                // nobody was sent here yet: there is nothing to drain
                terminal::progress("stopping before every role was ready");
                lifecycle.shutdown(Duration::ZERO, PATIENCE_BEFORE_READY).await;
                return Ok(());
            }
        }
        terminal::done(&format!(
            "{} is ready at {} ({:.1} s)",
            self.config.project.name,
            self.public_url,
            self.began.elapsed().as_secs_f64()
        ));
        tracing::info!(url = self.public_url, admin = run.admin_url, "ready");
        stop.wait().await;
        terminal::progress("stopping: finishing requests in flight (once more to stop at once)");
        let grace = self.config.gateway.drain_delay.0;
        tokio::select! {
            clean = lifecycle.shutdown(grace, PATIENCE) => if !clean { terminal::warn("some requests did not end in time") },
            () = stop.wait() => terminal::warn("stopped at once"),
        }
        Ok(())
    }
}

/// An auth room for the CLI: no listener, no background work.
pub(crate) fn build_auth_alone(config: &Config, secrets: &Secrets, logins: &Logins) -> Outcome<mainstay_auth::Room> {
    let clock = mainstay_kernel::clock::SystemClock::shared();
    let project = Project { dir: std::path::PathBuf::new(), data: std::path::PathBuf::new() };
    let keys = Keys::new(config, secrets, &clock)?;
    let public_url = public_url(config, config.gateway.port);
    let parts = Parts { project: &project, config, logins, keys, clock, registry: Registry::new(), public_url };
    parts.auth(&parts.pool(Role::Auth, &logins.auth, 2))
}

// === impl Keys ===

impl Keys {
    fn new(config: &Config, secrets: &Secrets, clock: &SharedClock) -> Outcome<Self> {
        let mut identity = config.identity.clone();
        secrets.complete(&mut identity);
        let set = key_set(&identity)?;
        let signer = Signer::new(set.clone());
        let verifier = Verifier::new(set, &identity, clock.clone());
        let (Some(publishable), Some(secret)) = (identity.publishable_key, identity.secret_key) else {
            return Err(ConfigError::new("[identity]", "the API keys are missing").into());
        };
        let shown = publishable.expose_secret().to_owned();
        let api = ApiKeys::new(publishable, secret, &signer, verifier.clone())?;
        Ok(Self { signer, verifier, api, publishable: shown })
    }
}

// === impl Parts ===

impl Parts<'_> {
    fn build(&self, roles: &[Role]) -> Outcome<(Running, Service)> {
        let mut running = Running::default();
        let has = |role| roles.contains(&role);
        if has(Role::Auth) {
            let pool = self.pool(Role::Auth, &self.logins.auth, self.config.database.auth_connections());
            running.auth = Some(self.auth(&pool)?);
            running.pools.push(PoolMeter::register(&self.registry, Role::Auth, &pool));
        }
        if has(Role::Data) {
            let pool = self.pool(Role::Data, &self.logins.data, self.config.database.data_connections());
            running.data = Some(self.data(&pool)?);
            running.pools.push(PoolMeter::register(&self.registry, Role::Data, &pool));
        }
        if has(Role::Portal) {
            running.portal = Some(self.portal()?);
        }
        let service = if has(Role::Gateway) {
            let gateway = self.gateway(&running)?;
            let service = gateway.service();
            running.gateway = Some(gateway);
            running.reach = self.reach(&running);
            service
        } else {
            without_gateway(&running)
        };
        Ok((running, service))
    }

    fn auth(&self, pool: &Pool) -> Outcome<mainstay_auth::Room> {
        let deps = mainstay_auth::Deps {
            pool: pool.clone(),
            verifier: self.keys.verifier.clone(),
            signer: self.keys.signer.clone(),
            clock: self.clock.clone(),
            http: HttpClient::new(Duration::from_secs(10), 1 << 20),
            registry: self.registry.clone(),
            public_url: self.public_url.clone(),
        };
        Ok(mainstay_auth::build(&self.config.auth, deps).map_err(anyhow::Error::from)?)
    }

    fn data(&self, pool: &Pool) -> Outcome<mainstay_data::Room> {
        let deps = mainstay_data::Deps {
            pool: pool.clone(),
            verifier: self.keys.verifier.clone(),
            registry: self.registry.clone(),
        };
        Ok(mainstay_data::build(&self.config.data, deps).map_err(anyhow::Error::from)?)
    }

    fn portal(&self) -> Outcome<mainstay_portal::Room> {
        let external = self.config.auth.external.iter().filter(|(_, provider)| provider.enabled);
        let info = mainstay_portal::PublicInfo {
            url: self.public_url.clone(),
            anon_key: self.keys.publishable.clone(),
            name: self.config.project.name.clone(),
            external: external
                .map(|(id, provider)| (id.clone(), provider.name.clone().unwrap_or_else(|| id.clone())))
                .collect(),
        };
        let deps = mainstay_portal::Deps { project: self.project.dir.clone(), public: info };
        Ok(mainstay_portal::build(&self.config.portal, deps).map_err(anyhow::Error::from)?)
    }

    fn gateway(&self, running: &Running) -> Outcome<mainstay_gateway::Room> {
        let client = HttpClient::new(self.config.gateway.timeout.0, usize::MAX);
        let remote = |url: &Option<String>| url.as_ref().map(|url| Upstream::remote(url, &client)).transpose();
        let settings = &self.config.gateway;
        let mut upstreams = Upstreams {
            auth: remote(&settings.auth_url)?,
            data: remote(&settings.data_url)?,
            storage: remote(&settings.storage_url)?,
            functions: remote(&settings.functions_url)?,
            services: settings
                .services
                .iter()
                .map(|(name, url)| Ok((name.clone(), Upstream::remote(url, &client)?)))
                .collect::<Result<_, mainstay_gateway::UpstreamError>>()?,
            realtime: remote(&settings.realtime_url)?,
            portal: remote(&settings.portal_url)?,
        };
        // a role of this process wins over a URL
        if let Some(room) = &running.auth {
            // whether its database answers is told by `/readyz`; asking it for every health check would be a load of its own
            upstreams.auth = Some(Upstream::local(room.router(), || Readiness::Ready));
        }
        if let Some(room) = &running.data {
            let asked = room.clone();
            upstreams.data = Some(Upstream::local(room.router(), move || asked.ready()));
        }
        if let Some(room) = &running.portal {
            upstreams.portal = Some(Upstream::local(room.router(), || Readiness::Ready));
        }
        let deps = mainstay_gateway::Deps {
            keys: self.keys.api.clone(),
            verifier: self.keys.verifier.clone(),
            clock: self.clock.clone(),
            registry: self.registry.clone(),
            upstreams,
            public_url: self.public_url.clone(),
        };
        Ok(mainstay_gateway::build(settings, deps).map_err(anyhow::Error::from)?)
    }

    /// The roles that the gateway reaches by URL. Functions and realtime are servers of others: nobody waits for them.
    fn reach(&self, running: &Running) -> Reach {
        let settings = &self.config.gateway;
        let remote = [
            ("auth", settings.auth_url.as_deref().filter(|_| running.auth.is_none())),
            ("data", settings.data_url.as_deref().filter(|_| running.data.is_none())),
            ("storage", settings.storage_url.as_deref()),
            ("portal", settings.portal_url.as_deref().filter(|_| running.portal.is_none())),
        ];
        Reach::new(&remote.into_iter().filter_map(|(role, url)| Some((role, url?))).collect::<Vec<_>>())
    }

    fn pool(&self, role: Role, login: &ConnectOptions, size: usize) -> Pool {
        let labels = [("pool", role.info().name)];
        let wait =
            self.registry.histogram("mainstay_db_pool_wait_seconds", "Time callers waited for a connection.", &labels);
        Pool::new(login.clone(), PoolSettings { size, wait: Some(wait), ..PoolSettings::default() })
    }
}

/// A process without the gateway serves each role under its prefix, and a single role at the root too.
fn without_gateway(running: &Running) -> Service {
    let mut routers = Vec::new();
    if let Some(room) = &running.auth {
        routers.push((Role::Auth, room.router()));
    }
    if let Some(room) = &running.data {
        routers.push((Role::Data, room.router()));
    }
    if let Some(room) = &running.portal {
        routers.push((Role::Portal, room.router()));
    }
    let alone = routers.len() == 1;
    let mut router = axum::Router::new();
    for (role, inner) in routers {
        if role.info().prefix != "/" {
            router = router.nest(role.info().prefix, inner.clone());
        }
        if alone || role.info().prefix == "/" {
            router = router.fallback_service(inner);
        }
    }
    Service::new(router)
}

/// Resolves when every room is ready. Those that need long are told once, as on `/readyz`.
async fn wait_until_ready(running: &Running) {
    let began = Instant::now();
    let mut pause = Duration::from_millis(5);
    let mut told = false;
    loop {
        let all = running.readiness().await;
        if all.iter().all(|(_, readiness)| readiness.is_ready()) {
            return;
        }
        if !told && began.elapsed() > TELL_AFTER {
            told = true;
            for (name, readiness) in all {
                if let Readiness::NotReady(why) = readiness {
                    terminal::warn(&format!("{name} is not ready yet: {why}"));
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(Duration::from_millis(500));
    }
}

/// SIGTERM and SIGINT. From `listen` on they do not end the process by themselves.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> Outcome<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
