//! Connections on loan.
//!
//! Few connections beat many: the default is small, and waiting for one is bounded. A loan that ended in the middle of
//! something (the caller was dropped, an error on the wire, an open transaction) is not lent again: the connection is
//! closed, and the server is asked to stop what it was doing.

use crate::wire::Status;
use crate::{ConnectOptions, Connection, Error, Rows, Statement};
use mainstay_kernel::metrics::Histogram;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that has been idle this long is looked at before it is lent.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How a pool behaves.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// Most connections.
    pub size: usize,
    /// Longest wait for a connection.
    pub acquire_timeout: Duration,
    /// A connection older than this is closed instead of lent, so that load spreads after a failover.
    pub max_lifetime: Duration,
    /// Takes how long callers waited for a connection.
    pub wait: Option<Histogram>,
}

/// A pool of connections to one database with one login. Cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: Arc<ConnectOptions>,
    settings: PoolSettings,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    born: Instant,
    since: Instant,
}

/// A connection on loan.
pub struct Conn {
    pool: Arc<Shared>,
    connection: Option<Connection>,
    born: Instant,
    _permit: OwnedSemaphorePermit,
}

/// What a pool is doing, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Most connections.
    pub size: usize,
    /// Lent now.
    pub lent: usize,
    /// Open and waiting to be lent.
    pub idle: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            size: 8,
            acquire_timeout: Duration::from_secs(10),
            max_lifetime: Duration::from_secs(30 * 60),
            wait: None,
        }
    }
}

// === impl Pool ===

impl Pool {
    /// A pool; connections are opened when first needed.
    #[must_use]
    pub fn new(options: ConnectOptions, settings: PoolSettings) -> Self {
        Self(Arc::new(Shared {
            options: Arc::new(options),
            permits: Arc::new(Semaphore::new(settings.size.max(1))),
            idle: Mutex::default(),
            settings,
        }))
    }

    /// Borrows a connection.
    ///
    /// # Errors
    /// [`Error::Timeout`] when none becomes free in time, [`Error::Connect`] when a new one cannot be opened.
    pub async fn get(&self) -> Result<Conn, Error> {
        let permit = match self.0.permits.clone().try_acquire_owned() {
            Ok(permit) => {
                self.0.waited(Duration::ZERO);
                permit
            }
            Err(_) => self.0.wait_for_permit().await?,
        };
        let (connection, born) = match self.0.take_idle() {
            Some(idle) => (idle.connection, idle.born),
            None => (self.0.open().await?, Instant::now()),
        };
        Ok(Conn { pool: self.0.clone(), connection: Some(connection), born, _permit: permit })
    }

    /// Borrows a connection and runs a pipeline. When a prepared statement turned out to be stale (the schema changed),
    /// the statements, which did not take effect, are prepared and run again once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&self, statements: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        self.get().await?.run(statements).await
    }

    /// How connections are opened.
    #[must_use]
    pub fn options(&self) -> &ConnectOptions {
        &self.0.options
    }

    /// What the pool is doing.
    #[must_use]
    pub fn state(&self) -> PoolState {
        let size = self.0.settings.size;
        let lent = size.saturating_sub(self.0.permits.available_permits());
        PoolState { size, lent, idle: self.0.idle().len() }
    }

    /// Closes idle connections (those on loan are closed when they come back, if `close` was called by then).
    pub fn close_idle(&self) {
        self.0.idle().clear();
    }
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_for_permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let began = Instant::now();
        let permit = tokio::time::timeout(self.settings.acquire_timeout, self.permits.clone().acquire_owned()).await;
        self.waited(began.elapsed());
        permit.map_err(|_| Error::Timeout)?.map_err(|_| Error::Timeout)
    }

    /// A new connection. A server that is starting, stopping or full refuses with an error of its own; to callers all of
    /// these mean that the database is away for now.
    async fn open(&self) -> Result<Connection, Error> {
        Connection::open(&self.options).await.map_err(|error| match error {
            Error::Db(report) if report.is_unavailable() => Error::Connect(report.message),
            other => other,
        })
    }

    fn waited(&self, wait: Duration) {
        if let Some(histogram) = &self.settings.wait {
            histogram.observe(wait);
        }
    }

    fn take_idle(&self) -> Option<Idle> {
        loop {
            let idle = self.idle().pop()?;
            let fresh = idle.since.elapsed() < TRUSTED_IDLE || idle.connection.is_quiet();
            if fresh && idle.born.elapsed() < self.settings.max_lifetime {
                return Some(idle);
            }
        }
    }
}

// === impl Conn ===

impl Conn {
    /// See [`Connection::pipeline`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        let result = self.inner()?.pipeline(statements).await;
        if matches!(result, Err(Error::Closed(_))) {
            // the server went away: its other connections are dead too, do not make every caller find out
            self.pool.idle().clear();
        }
        result
    }

    /// Like [`Conn::pipeline`], and again once when a prepared statement was stale.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        match self.pipeline(statements).await {
            Err(error) if error.is_stale_plan() && self.inner()?.status() == Status::Idle => {
                self.inner()?.forget_statements().await?;
                self.pipeline(statements).await
            }
            other => other,
        }
    }

    /// See [`Connection::batch`].
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn batch(&mut self, script: &str) -> Result<(), Error> {
        self.inner()?.batch(script).await
    }

    fn inner(&mut self) -> Result<&mut Connection, Error> {
        self.connection.as_mut().ok_or_else(|| Error::Closed("the connection was given back".to_owned()))
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match connection.status() {
            Status::Idle => {
                self.pool.idle().push(Idle { connection, born: self.born, since: Instant::now() });
            }
            Status::InTransaction => {}
            Status::Busy => {
                let key = connection.cancel_key();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(tokio::time::timeout(Duration::from_secs(5), key.cancel()));
                }
            }
        }
    }
}
