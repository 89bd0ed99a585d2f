//! A fresh database for one test.

use crate::server::{PASSWORD, Server, server, template};
use mainstay_pg::{ConnectOptions, Connection, Pool, PoolSettings, Rows, Statement};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A database of its own, with roles, schemas and helper functions as every Mainstay database has them.
pub struct Database {
    server: Server,
    name: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Clones the template.
    pub async fn fresh() -> Self {
        let server = server().await;
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut admin = Connection::open(&Arc::new(server.superuser.clone())).await.unwrap();
        // two clones at once may find the template in use for a moment
        for attempt in 0.. {
            match admin.batch(&format!("create database {name} template {} owner postgres", template())).await {
                Ok(()) => break,
                Err(error) if attempt > 50 => panic!("{error}"),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
        Self { server, name }
    }

    /// The role that owns the project's objects.
    #[must_use]
    pub fn owner(&self) -> ConnectOptions {
        self.server.owner.with_database(&self.name)
    }

    /// The superuser.
    #[must_use]
    pub fn superuser(&self) -> ConnectOptions {
        self.server.superuser.with_database(&self.name)
    }

    /// The login that the data role uses; it may become `anon`, `authenticated` and `service_role`.
    #[must_use]
    pub fn authenticator(&self) -> ConnectOptions {
        self.owner().as_user("authenticator", PASSWORD.to_owned().into())
    }

    /// The login that the auth role uses; it has the schema `auth` only.
    #[must_use]
    pub fn auth_admin(&self) -> ConnectOptions {
        self.owner().as_user("supabase_auth_admin", PASSWORD.to_owned().into())
    }

    /// The owner's connection URL, over TCP.
    #[must_use]
    pub fn url(&self) -> String {
        use mainstay_kernel::config::ExposeSecret as _;
        ConnectOptions { host: "127.0.0.1".to_owned(), ..self.owner() }.url().expose_secret().to_owned()
    }

    /// A pool for a login, small enough for many tests at once.
    #[must_use]
    pub fn pool(&self, login: ConnectOptions) -> Pool {
        Pool::new(login, PoolSettings { size: 4, ..PoolSettings::default() })
    }

    /// A pool as the owner.
    #[must_use]
    pub fn admin(&self) -> Pool {
        self.pool(self.owner())
    }

    /// Runs a script as the owner.
    pub async fn execute(&self, script: &str) {
        let mut connection = Connection::open(&Arc::new(self.owner())).await.unwrap();
        if let Err(error) = connection.batch(script).await {
            panic!("{error}\nin: {script}");
        }
    }

    /// Runs one query as the superuser.
    pub async fn query(&self, sql: &str) -> Rows {
        let mut connection = Connection::open(&Arc::new(self.superuser())).await.unwrap();
        connection.pipeline(&[Statement::once(sql.to_owned())]).await.unwrap().remove(0)
    }

    /// The first value of one query as the superuser; an empty text for NULL or no row.
    pub async fn value(&self, sql: &str) -> String {
        self.query(sql).await.first().and_then(|row| row.text(0)).unwrap_or_default().to_owned()
    }
}
