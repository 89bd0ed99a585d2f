//! Making, starting, watching and stopping the server.

use super::binaries::{Binaries, BinariesError};
use super::lock::{FolderLock, LockError};
use super::log::{bound_log, tail};
use super::owner::{ServerUser, reachable_home};
use super::pidfile::{self, PidFile, Running};
use super::settings::{HBA, Sizing, memory_bytes, render};
use super::template::{copy_tree, is_own, keep_template};
use crate::bootstrap::{create_owner, set_password};
use crate::{ConnectOptions, Connection, Error, SslMode};
use mainstay_kernel::lifecycle::Lifecycle;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The superuser of a managed server. Mainstay logs in as it only to set things up.
const SUPERUSER: &str = "supabase_admin";
/// The role that owns the project's objects.
const OWNER: &str = "postgres";
/// The project's database.
const DATABASE: &str = "postgres";
/// A server that lived shorter than this is started again with growing patience.
const SHORT_LIFE: Duration = Duration::from_secs(10);
/// What makes `postgresql.conf` read our settings.
const INCLUDE: &str = "\ninclude 'mainstay.conf'\n";
/// Longest path of a Unix socket that every platform takes.
const SOCKET_PATH_MAX: usize = 90;

/// How to run the server.
#[derive(Debug, Clone)]
pub struct ManagedSettings {
    /// Folder for the lock, the data directory and the log (`.mainstay` of the project).
    pub folder: PathBuf,
    /// Where the server programs are, when not in the usual places.
    pub bin_dir: Option<PathBuf>,
    /// Port on 127.0.0.1 to begin with; the next free one is taken when it is in use.
    pub port: u16,
    /// Password of the superuser.
    pub superuser_password: SecretString,
    /// Password of the owner role.
    pub owner_password: SecretString,
    /// False only in tests: trades durability for speed.
    pub durable: bool,
    /// Most connections of the server.
    pub max_connections: u32,
    /// Where a prepared data directory is kept, so that the second project starts faster. `None`: not at all.
    pub template_cache: Option<PathBuf>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// No server programs.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// Somebody else has the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The data directory was made by another major version.
    #[error(
        "the data in {folder} was made by PostgreSQL {found} and the installed version is {installed}; install PostgreSQL {found}, or move the data with pg_upgrade"
    )]
    Version {
        /// Data directory.
        folder: String,
        /// Version of the data.
        found: String,
        /// Version installed.
        installed: u32,
    },
    /// The data directory is there and is none.
    #[error(
        "{0} is no PostgreSQL data directory (PG_VERSION cannot be read) and is left alone; restore it from a backup, or move it away to begin anew"
    )]
    NotData(String),
    /// A program failed.
    #[error("{what} failed: {output}")]
    Program {
        /// Which.
        what: &'static str,
        /// The end of what it said.
        output: String,
    },
    /// The server does not answer.
    #[error("PostgreSQL did not become ready within {0:?}; the end of its log says:\n{1}")]
    NotReady(Duration, String),
    /// Files.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// It answers, and refuses.
    #[error(transparent)]
    Database(#[from] Error),
}

/// What starting took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new data directory was made from scratch.
    Made,
    /// A new data directory was copied from the prepared template.
    Copied,
    /// An existing data directory was started.
    Started,
    /// A server that had outlived its Mainstay was taken over.
    Adopted,
}

/// A managed server that answers.
pub struct Managed {
    plan: Arc<Plan>,
    process: Arc<Mutex<Process>>,
    /// Set once by `stop`, under the lock of `process`: from then on nobody starts the server again.
    stopped: Arc<AtomicBool>,
    /// What starting took.
    pub outcome: Outcome,
    _lock: FolderLock,
}

/// All that does not change while the server runs.
struct Plan {
    settings: ManagedSettings,
    binaries: Binaries,
    user: ServerUser,
    data: PathBuf,
    log: PathBuf,
    socket_dir: PathBuf,
    port: u16,
}

enum Process {
    Own(Child),
    Adopted(i32),
}

// === impl Managed ===

impl Managed {
    /// Starts the server of a folder, or takes over the one that is running there.
    ///
    /// # Errors
    /// See [`ManagedError`]; every text says what to do.
    pub async fn start(settings: ManagedSettings) -> Result<Self, ManagedError> {
        let folder = settings.folder.clone();
        std::fs::create_dir_all(&folder).map_err(at(&folder))?;
        let lock = FolderLock::take(&folder)?;
        let binaries = Binaries::find(settings.bin_dir.as_deref())?;
        let user = ServerUser::choose(&folder.join("postgres/data"));
        let home = reachable_home(user, &folder.join("postgres")).map_err(at(&folder))?;
        user.keep(&home, 0o711).map_err(at(&home))?;
        let data = home.join("data");
        let live = match pidfile::read(&data) {
            PidFile::Live(running) => Some(running),
            PidFile::Stale => {
                remove_stale(&data)?;
                None
            }
            PidFile::Absent => None,
        };
        let socket_dir = socket_dir(user, &home)?;
        let port = live.as_ref().map_or_else(|| free_port(settings.port), |running| running.port);
        let log = home.join("postgres.log");
        let plan = Plan { settings, binaries, user, data, log, socket_dir, port };
        let (process, outcome) = plan.bring_up(live)?;
        let managed = Self {
            plan: Arc::new(plan),
            process: Arc::new(Mutex::new(process)),
            stopped: Arc::default(),
            outcome,
            _lock: lock,
        };
        let ready = async {
            managed.plan.wait_until_ready(&managed.process).await?;
            managed.plan.settle_owner().await
        };
        match ready.await {
            Ok(()) => Ok(managed),
            // it may be recovering, which only takes longer when it is interrupted: the next start takes it over
            Err(error @ ManagedError::NotReady(..)) => Err(error),
            Err(error) => {
                managed.stop().await;
                Err(error)
            }
        }
    }

    /// How the project's owner role connects (Unix socket).
    #[must_use]
    pub fn owner(&self) -> ConnectOptions {
        self.plan.options(OWNER, &self.plan.settings.owner_password)
    }

    /// How the superuser connects (Unix socket). For setting up only.
    #[must_use]
    pub fn superuser(&self) -> ConnectOptions {
        self.plan.options(SUPERUSER, &self.plan.settings.superuser_password)
    }

    /// How other programs connect as the owner (TCP on this machine).
    #[must_use]
    pub fn owner_tcp(&self) -> ConnectOptions {
        ConnectOptions { host: "127.0.0.1".to_owned(), ..self.owner() }
    }

    /// The port in use.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.plan.port
    }

    /// The server's log file.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.plan.log
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.plan.data
    }

    /// The server programs in use.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.plan.binaries
    }

    /// Starts the server again whenever it dies, until it is stopped, and bounds its log.
    pub fn supervise(&self, lifecycle: &Lifecycle) {
        let (plan, process, stopped) = (self.plan.clone(), self.process.clone(), self.stopped.clone());
        let life = lifecycle.clone();
        lifecycle.spawn("postgres", async move {
            let mut started = Instant::now();
            let mut wait = Duration::from_millis(200);
            loop {
                tokio::select! {
                    () = life.stopping() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                bound_log(&plan.log);
                if alive(&process) {
                    wait = Duration::from_millis(200);
                    continue;
                }
                if started.elapsed() < SHORT_LIFE {
                    wait = (wait * 2).min(SHORT_LIFE);
                }
                let mut process = lock(&process);
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                tracing::warn!("PostgreSQL ended; starting it again");
                started = Instant::now();
                match plan.restart() {
                    Ok(child) => *process = Process::Own(child),
                    Err(error) => tracing::error!(%error, "PostgreSQL could not be started"),
                }
            }
        });
    }

    /// Stops the server cleanly (fast shutdown: sessions are ended, everything is written).
    pub async fn stop(&self) {
        {
            let mut process = lock(&self.process);
            self.stopped.store(true, Ordering::Release);
            // the number of a process that has ended may belong to another by now
            if let Some(pid) = process.alive_pid().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
            }
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while alive(&self.process) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

// === impl Process ===

impl Process {
    /// The process id while it lives.
    fn alive_pid(&mut self) -> Option<i32> {
        match self {
            Self::Own(child) => matches!(child.try_wait(), Ok(None)).then(|| i32::try_from(child.id()).ok()).flatten(),
            Self::Adopted(pid) => pidfile::is_alive(*pid).then_some(*pid),
        }
    }
}

// === impl Plan ===

impl Plan {
    fn bring_up(&self, live: Option<Running>) -> Result<(Process, Outcome), ManagedError> {
        if let Some(running) = live {
            return Ok((Process::Adopted(running.pid), Outcome::Adopted));
        }
        let version = self.data.join("PG_VERSION");
        let outcome = match std::fs::read_to_string(&version) {
            Ok(found) if found.trim() == self.binaries.major.to_string() => Outcome::Started,
            Ok(found) => {
                return Err(ManagedError::Version {
                    folder: self.data.display().to_string(),
                    found: found.trim().to_owned(),
                    installed: self.binaries.major,
                });
            }
            Err(_) => self.make_data()?,
        };
        Ok((Process::Own(self.spawn()?), outcome))
    }

    /// A new data directory: copied from the template when there is one, else made and kept as the template.
    fn make_data(&self) -> Result<Outcome, ManagedError> {
        let template =
            self.settings.template_cache.as_ref().map(|cache| cache.join(format!("postgres-{}", self.binaries.major)));
        // under another name until it is complete: an interrupted attempt must not look like a data directory
        let staging = self.data.with_extension("new");
        if self.data.exists() {
            // never removed: whatever is in it may be somebody's data
            return Err(ManagedError::NotData(self.data.display().to_string()));
        }
        if staging.exists() {
            std::fs::remove_dir_all(&staging).map_err(at(&staging))?;
        }
        let outcome = self.fill(&staging, template.as_deref())?;
        if self.settings.durable {
            self.initdb_program(&["--sync-only", "-D"], &staging)?;
        }
        std::fs::rename(&staging, &self.data).map_err(at(&self.data))?;
        Ok(outcome)
    }

    fn fill(&self, folder: &Path, template: Option<&Path>) -> Result<Outcome, ManagedError> {
        if let Some(template) = template.filter(|template| is_own(template) && template.join("PG_VERSION").exists()) {
            if copy_tree(template, folder).is_ok() {
                self.user.give_tree(folder).map_err(at(folder))?;
                self.user.give(folder, 0o700).map_err(at(folder))?;
                return Ok(Outcome::Copied);
            }
            let _ = std::fs::remove_dir_all(folder);
        }
        self.initdb(folder)?;
        if let Some(template) = template {
            keep_template(folder, template);
        }
        Ok(Outcome::Made)
    }

    fn initdb(&self, folder: &Path) -> Result<(), ManagedError> {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        self.user.give(folder, 0o700).map_err(at(folder))?;
        let locale = if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--no-locale" };
        let superuser = format!("--username={SUPERUSER}");
        let arguments = [&superuser, locale, "--encoding=UTF8", "--auth=trust", "--no-sync", "--no-instructions", "-D"];
        self.initdb_program(&arguments, folder).inspect_err(|_| {
            let _ = std::fs::remove_dir_all(folder);
        })
    }

    /// Runs `initdb` with arguments that end where the folder follows.
    fn initdb_program(&self, arguments: &[&str], folder: &Path) -> Result<(), ManagedError> {
        let mut command = Command::new(self.binaries.program("initdb"));
        command.args(arguments).arg(folder).stdin(Stdio::null());
        self.user.apply(&mut command);
        let output = command.output().map_err(at(&self.binaries.program("initdb")))?;
        if output.status.success() {
            return Ok(());
        }
        Err(ManagedError::Program { what: "initdb", output: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }

    /// Starts `postgres` with our settings.
    fn spawn(&self) -> Result<Child, ManagedError> {
        let first = !self.data.join("mainstay.conf").exists();
        let sizing = Sizing {
            port: self.port,
            socket_dir: &self.socket_dir,
            memory_bytes: memory_bytes(),
            durable: self.settings.durable,
            max_connections: self.settings.max_connections,
        };
        if first {
            self.user.give(&self.socket_dir, 0o700).map_err(at(&self.socket_dir))?;
            // until the passwords are set, only the private socket lets the superuser in
            self.write("pg_hba.conf", "local all supabase_admin trust\n")?;
            let main = self.data.join("postgresql.conf");
            let text = std::fs::read_to_string(&main).map_err(at(&main))?;
            if !text.contains(INCLUDE) {
                self.write("postgresql.conf", &format!("{text}{INCLUDE}"))?;
            }
        }
        // last: its presence says that the steps before were completed
        self.write("mainstay.conf", &render(&sizing))?;
        let log = File::options().create(true).append(true).open(&self.log).map_err(at(&self.log))?;
        self.user.give(&self.log, 0o600).map_err(at(&self.log))?;
        let mut command = Command::new(self.binaries.program("postgres"));
        command.arg("-D").arg(&self.data).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(at(&self.log))?).stderr(log);
        self.user.apply(&mut command);
        command.spawn().map_err(at(&self.binaries.program("postgres")))
    }

    /// Starts again after a death. Survivors of the old server may hold its memory for a moment: the caller tries again.
    fn restart(&self) -> Result<Child, ManagedError> {
        if pidfile::read(&self.data) == PidFile::Stale {
            remove_stale(&self.data)?;
        }
        self.spawn()
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ManagedError> {
        let path = self.data.join(name);
        let fresh = self.data.join(format!("{name}.new"));
        // made anew and by its handle: the folder is the server's, who could have put a link in our way
        let _ = std::fs::remove_file(&fresh);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&fresh).map_err(at(&fresh))?;
        file.write_all(text.as_bytes()).map_err(at(&fresh))?;
        self.user.give_file(&file).map_err(at(&fresh))?;
        std::fs::rename(&fresh, &path).map_err(at(&path))
    }

    fn options(&self, user: &str, password: &SecretString) -> ConnectOptions {
        ConnectOptions {
            host: self.socket_dir.display().to_string(),
            port: self.port,
            user: user.to_owned(),
            password: Some(password.expose_secret().to_owned().into()),
            database: DATABASE.to_owned(),
            ssl_mode: SslMode::Disable,
            ssl_root_cert: None,
            application_name: "mainstay".to_owned(),
            connect_timeout: Duration::from_secs(5),
        }
    }

    async fn wait_until_ready(&self, process: &Mutex<Process>) -> Result<(), ManagedError> {
        let patience = Duration::from_secs(60);
        let began = Instant::now();
        let options = Arc::new(self.options(SUPERUSER, &self.settings.superuser_password));
        let mut spawned_again = 0;
        while began.elapsed() < patience {
            match Connection::open(&options).await {
                Ok(_) => return Ok(()),
                // starting up, shutting down, or not yet listening
                Err(Error::Connect(_)) => {}
                Err(error) if error.is_unavailable() => {}
                Err(error) => return Err(error.into()),
            }
            if !alive(process) {
                spawned_again += 1;
                if spawned_again > 20 {
                    break;
                }
                // survivors of a killed server still hold its shared memory: they leave within moments
                tokio::time::sleep(Duration::from_millis(250)).await;
                *lock(process) = Process::Own(self.restart()?);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(ManagedError::NotReady(began.elapsed(), tail(&self.log)))
    }

    /// Sets the passwords and the owner on a new data directory, then closes the door that initdb left open.
    async fn settle_owner(&self) -> Result<(), ManagedError> {
        let hba = self.data.join("pg_hba.conf");
        if std::fs::read_to_string(&hba).is_ok_and(|text| text == HBA) {
            return Ok(());
        }
        let options = Arc::new(self.options(SUPERUSER, &self.settings.superuser_password));
        let mut connection = Connection::open(&options).await?;
        set_password(&mut connection, SUPERUSER, &self.settings.superuser_password).await?;
        create_owner(&mut connection, OWNER, DATABASE, &self.settings.owner_password).await?;
        self.write("pg_hba.conf", HBA)?;
        self.user.give(&self.socket_dir, 0o755).map_err(at(&self.socket_dir))?;
        connection.batch("select pg_reload_conf()").await?;
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ManagedError {
    let path = path.display().to_string();
    move |error| ManagedError::Io(path, error)
}

fn lock(process: &Mutex<Process>) -> std::sync::MutexGuard<'_, Process> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

fn alive(process: &Mutex<Process>) -> bool {
    lock(process).alive_pid().is_some()
}

fn remove_stale(data: &Path) -> Result<(), ManagedError> {
    let path = data.join("postmaster.pid");
    tracing::info!("the last PostgreSQL of this project did not end cleanly; it recovers by itself");
    std::fs::remove_file(&path).map_err(at(&path))
}

/// A folder for the socket, with a path short enough and plain enough for PostgreSQL's settings.
fn socket_dir(user: ServerUser, home: &Path) -> Result<PathBuf, ManagedError> {
    let inside = home.join("run");
    let is_plain = inside.to_str().is_some_and(|path| !path.contains(['\'', '"', ',', '\\', '\n']));
    let folder = if is_plain && inside.as_os_str().len() <= SOCKET_PATH_MAX {
        inside
    } else {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, home.as_os_str().as_encoded_bytes());
        let name: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        std::env::temp_dir().join(format!("mainstay-{name}"))
    };
    match std::fs::create_dir(&folder) {
        Ok(()) => user.give(&folder, 0o755).map_err(at(&folder))?,
        // somebody else may have been waiting for us in a folder that all users share
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && user.owns(&folder) => {}
        Err(error) => return Err(at(&folder)(error)),
    }
    Ok(folder)
}

/// The first port from `wanted` on that nobody listens on.
fn free_port(wanted: u16) -> u16 {
    (wanted..wanted.saturating_add(200)).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mainstay-cluster-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn settings(folder: &Path) -> ManagedSettings {
        ManagedSettings {
            folder: folder.to_owned(),
            bin_dir: None,
            port: 56_400,
            superuser_password: "super".to_owned().into(),
            owner_password: "owner".to_owned().into(),
            durable: true,
            max_connections: 20,
            template_cache: None,
        }
    }

    fn pid(managed: &Managed) -> Option<i32> {
        lock(&managed.process).alive_pid()
    }

    #[tokio::test]
    async fn a_killed_server_comes_back_and_a_stopped_one_does_not() {
        // a name that would break the settings if the socket stood in it
        let folder = folder("it's, odd");
        let managed = Managed::start(settings(&folder)).await.unwrap();
        let life = Lifecycle::new();
        managed.supervise(&life);
        let first = pid(&managed).unwrap();
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_raw(first).unwrap(),
            rustix::process::Signal::KILL,
        );
        let began = Instant::now();
        let options = Arc::new(managed.owner());
        while pid(&managed) == Some(first) || Connection::open(&options).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // the lifecycle goes on, as after a second signal
        managed.stop().await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(pid(&managed), None);
        drop(managed);
        // the folder in which we work on names is ours, not the server's
        let home = std::fs::metadata(folder.join("postgres"));
        if let Ok(home) = home {
            assert_eq!(home.uid(), rustix::process::geteuid().as_raw());
        }
        // an attempt that was interrupted half-way leaves nothing that looks like data
        let data = Managed::start(settings(&folder)).await.map(|again| again.data_dir().to_owned());
        let (data, again) = (data.unwrap(), Managed::start(settings(&folder)).await.unwrap());
        again.stop().await;
        drop(again);
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::create_dir_all(data.with_extension("new")).unwrap();
        std::fs::write(data.with_extension("new").join("PG_VERSION"), "99").unwrap();
        let fresh = Managed::start(settings(&folder)).await.unwrap();
        assert_eq!(fresh.outcome, super::Outcome::Made);
        fresh.stop().await;
        let _ = std::fs::remove_dir_all(fresh.owner().host);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
