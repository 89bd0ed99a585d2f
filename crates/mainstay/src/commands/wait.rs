//! `mainstay wait`: ends when the database lets the roles in. What init containers run.

use crate::app::Signals;
use crate::cli::{Wait, WaitFor};
use crate::config::Config;
use crate::database::{configured_logins, role_logins};
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::roles::named;
use crate::terminal;
use mainstay_kernel::config::ConfigError;
use mainstay_pg::{ConnectOptions, Connection, Error, Statement};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After this long the logins are read again.
const AGAIN: Duration = Duration::from_secs(30);

/// How long to wait, and how often to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// After this long, the last cause is told as a failure. Zero: one attempt.
    pub(crate) timeout: Duration,
    /// Pause between two attempts.
    pub(crate) every: Duration,
    /// How long the waiting is in all, for the message.
    pub(crate) total: Duration,
}

pub(super) async fn run(arguments: Wait) -> Outcome {
    // as process 1 of a container, a signal that nobody listens for would be ignored
    let mut stop = Signals::listen()?;
    let project = Project::open(&arguments.project)?;
    let read = || logins(&Config::load(&project, Vec::new())?, &arguments.roles);
    let first = read()?;
    if first.is_empty() {
        terminal::done("these roles have no database; there is nothing to wait for");
        return Ok(());
    }
    let WaitFor::Postgres = arguments.what;
    tokio::select! {
        result = wait(first, read, arguments.timeout.0, arguments.every.0) => result,
        () = stop.wait() => Err(Failure::Stopped),
    }
}

/// Reads the logins again from time to time: a Secret may have been rotated after the pod began.
async fn wait(
    mut logins: Vec<ConnectOptions>,
    read: impl Fn() -> Outcome<Vec<ConnectOptions>>,
    timeout: Duration,
    every: Duration,
) -> Outcome {
    let began = Instant::now();
    loop {
        let left = timeout.saturating_sub(began.elapsed());
        let ended = Patience { timeout: left.min(AGAIN), every, total: timeout }.wait_for(&logins).await;
        if ended.is_ok() || began.elapsed() >= timeout {
            return ended;
        }
        logins = read()?;
    }
}

/// The logins of the roles, or every one that is configured; each once.
fn logins(config: &Config, roles: &[String]) -> Outcome<Vec<ConnectOptions>> {
    let all = if roles.is_empty() {
        configured_logins(config)?
    } else {
        role_logins(config, &named(roles))?.into_iter().map(|(_, login)| login).collect()
    };
    if all.is_empty() && roles.is_empty() {
        let problem = "there is no database to wait for; set it to postgresql://user:password@host:5432/database";
        return Err(ConfigError::new("DATABASE_URL", problem).into());
    }
    let mut logins: Vec<ConnectOptions> = Vec::new();
    for login in all {
        if !logins.iter().any(|known| name(known) == name(&login)) {
            logins.push(login);
        }
    }
    Ok(logins)
}

/// How a login is called in messages; no password.
fn name(login: &ConnectOptions) -> String {
    format!("{} at {}:{}/{}", login.user, login.host, login.port, login.database)
}

// === impl Patience ===

impl Patience {
    /// Tries every login until it works. Any refusal counts as waiting: before the bootstrap has run, a login does not
    /// exist; before the server's own set-up has run, the database does not.
    pub(crate) async fn wait_for(self, logins: &[ConnectOptions]) -> Outcome {
        let began = Instant::now();
        let names: Vec<_> = logins.iter().map(name).collect();
        terminal::progress(&format!("waiting for PostgreSQL: {}", names.join(", ")));
        for login in logins {
            self.wait_for_one(login, began).await?;
        }
        terminal::done(&format!("PostgreSQL answers ({:.1} s)", began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn wait_for_one(self, login: &ConnectOptions, began: Instant) -> Outcome {
        let mut told = String::new();
        loop {
            let left = self.timeout.saturating_sub(began.elapsed());
            let Err(error) = attempt(login, self.limit(left, login.connect_timeout)).await else { return Ok(()) };
            let cause = format!("{}: {error}", name(login));
            let left = self.timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(anyhow::anyhow!("PostgreSQL did not answer within {:?}: {cause}", self.total).into());
            }
            if cause != told {
                terminal::progress(&format!("still waiting: {cause}"));
                told = cause;
            }
            tokio::time::sleep(self.every.min(left)).await;
        }
    }

    /// The longest that one attempt may take.
    fn limit(self, left: Duration, longest: Duration) -> Duration {
        if self.timeout.is_zero() { longest } else { longest.min(left.max(Duration::from_millis(250))) }
    }
}

async fn attempt(login: &ConnectOptions, limit: Duration) -> Result<(), Error> {
    let ask = async {
        let mut connection = Connection::open(&Arc::new(login.clone())).await?;
        connection.pipeline(&[Statement::once("select 1")]).await.map(drop)
    };
    tokio::time::timeout(limit, ask).await.unwrap_or_else(|_| Err(Error::Connect("no answer in time".to_owned())))
}
