#![doc = include_str!("../README.md")]

mod account;
mod accounts;
mod caller;
mod client;
mod config;
mod email;
mod error;
mod events;
mod glob;
mod hasher;
mod instant;
mod jobs;
mod oauth;
mod one_time;
mod password;
mod pkce;
mod rate;
mod redirect;
mod refresh;
mod routes;
mod secret;
mod session;
mod state;
mod token;
mod user;

pub use accounts::{AccountError, NewUser};
pub use config::{Config, Provider};
pub use error::ERRORS;
pub use instant::Instant;
pub use user::{Identity, User};

use mainstay_identity::{Signer, Verifier};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::HttpClient;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::Registry;
use mainstay_pg::{Pool, Statement};
use std::sync::Arc;
use std::time::Duration;

/// The migrations of schema `auth`, (name, SQL), in order. Run by the owner of the database before the room starts.
pub const MIGRATIONS: &[(&str, &str)] = &[("0001_init", include_str!("../migrations/0001_init.sql"))];

/// What the room is given.
pub struct Deps {
    /// Connections of a role with rights on schema `auth` only.
    pub pool: Pool,
    /// Verifies bearer tokens.
    pub verifier: Verifier,
    /// Signs access tokens.
    pub signer: Signer,
    /// The time.
    pub clock: SharedClock,
    /// For identity providers. Must not follow redirects.
    pub http: HttpClient,
    /// Where metrics are registered.
    pub registry: Registry,
    /// The address clients use, without path: `https://api.example.com`.
    pub public_url: String,
}

/// Why the room cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A pattern of `auth.uri_allow_list` cannot be read.
    #[error("auth.uri_allow_list: {0}")]
    AllowList(String),
    /// A provider cannot be used.
    #[error("auth.external.{id}: {problem}")]
    Provider {
        /// Its id.
        id: String,
        /// What is wrong.
        problem: String,
    },
    /// The password hasher cannot be used.
    #[error("auth.password_hash_*: {0}")]
    Hasher(String),
}

/// The auth role.
#[derive(Clone)]
pub struct Room {
    state: state::Shared,
}

/// Builds the room. Nothing is started and nothing is asked over the network yet.
///
/// # Errors
/// See [`BuildError`].
pub fn build(config: &Config, deps: Deps) -> Result<Room, BuildError> {
    let issuer = format!("{}/auth/v1", deps.public_url.trim_end_matches('/'));
    let redirects = redirect::Redirects::new(&config.site_url, &config.uri_allow_list)
        .map_err(|error| BuildError::AllowList(error.to_string()))?;
    let providers = oauth::Providers::new(config, &issuer, &deps.http)
        .map_err(|(id, problem)| BuildError::Provider { id, problem })?;
    let hasher = hasher::Hasher::new(config, &deps.registry).map_err(|error| BuildError::Hasher(error.to_string()))?;
    let limits = rate::Limits::new(config, &deps.clock);
    Ok(Room {
        state: Arc::new(state::State {
            config: config.clone(),
            pool: deps.pool,
            verifier: deps.verifier,
            signer: deps.signer,
            clock: deps.clock,
            issuer,
            hasher,
            limits,
            redirects,
            providers,
            meters: events::Meters::new(&deps.registry),
        }),
    })
}

impl Room {
    /// The routes, with `/auth/v1` stripped from paths.
    pub fn router(&self) -> axum::Router {
        routes::router(self.state.clone())
    }

    /// Whether accounts can be read.
    pub async fn ready(&self) -> Readiness {
        let probe = [Statement::prepared("select 1 from auth.users limit 1")];
        match tokio::time::timeout(Duration::from_secs(2), self.state.pool.run(&probe)).await {
            Ok(Ok(_)) => Readiness::Ready,
            Ok(Err(error)) => {
                tracing::debug!("auth is not ready: {error}");
                Readiness::NotReady("auth cannot read its tables".to_owned())
            }
            Err(_) => Readiness::NotReady("auth's database does not answer".to_owned()),
        }
    }

    /// Starts background work: expired state is removed every minute.
    pub fn run(&self, lifecycle: &Lifecycle) {
        lifecycle.spawn("auth clean-up", jobs::run(self.state.clone(), lifecycle.clone()));
    }

    /// Removes expired state now. What [`Room::run`] does every minute.
    ///
    /// # Errors
    /// [`AccountError::Failed`] when the database does not.
    pub async fn clean_up(&self) -> Result<(), AccountError> {
        jobs::clean(&self.state).await.map_err(|error| AccountError::Failed(Box::new(error)))
    }
}
