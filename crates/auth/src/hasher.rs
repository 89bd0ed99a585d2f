//! Password hashing: argon2id on a bounded number of blocking threads.
//!
//! One hash takes tens of milliseconds and megabytes of memory. Unbounded, a burst of sign-ins would starve everything
//! else in the process and then run it out of memory; so at most one hash per core runs, a bounded number waits, and
//! the rest is told to come back.

use crate::config::Config;
use crate::error::{Code, Failure};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use mainstay_kernel::metrics::{Counter, Gauge, Registry};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    /// A hash of nothing anybody knows, made with the current parameters.
    dummy: String,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    queue: Gauge,
    dummies: Counter,
}

/// What a password turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with other parameters than today's: store it anew.
    RightButStale,
}

/// The hasher could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HasherError {
    #[error("argon2 refuses the parameters: {0}")]
    Parameters(argon2::Error),
    #[error("argon2 failed: {0}")]
    Hashing(argon2::password_hash::Error),
}

/// True when a stored hash is one that this room can verify.
pub(crate) fn is_readable(hash: &str) -> bool {
    hash.starts_with("$argon2")
        && PasswordHash::new(hash).is_ok_and(|hash| Params::try_from(&hash).is_ok_and(|p| p.m_cost() <= MAX_MEMORY_KIB))
}

/// Foreign hashes may ask for any amount of memory; more than this is not verified.
const MAX_MEMORY_KIB: u32 = 1 << 20;

// === impl Hasher ===

impl Hasher {
    pub(crate) fn new(config: &Config, registry: &Registry) -> Result<Self, HasherError> {
        let params = Params::new(config.password_hash_memory_kib, config.password_hash_passes, 1, None)
            .map_err(HasherError::Parameters)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy: PasswordHash = argon2.hash_password(b"nobody's password").map_err(HasherError::Hashing)?;
        let parallel = match config.password_hash_parallel {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            n => n,
        };
        Ok(Self(Arc::new(Inner {
            argon2,
            dummy: dummy.to_string(),
            running: Arc::new(Semaphore::new(parallel)),
            waiting: Arc::new(Semaphore::new(parallel + config.password_hash_queue)),
            queue: registry.gauge("mainstay_auth_password_queue", "Password hashes running or waiting.", &[]),
            dummies: registry.counter(
                "mainstay_auth_password_dummy_verifications_total",
                "Verifications run only so that an unknown account takes as long as a known one.",
                &[],
            ),
        })))
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String, Failure> {
        let (inner, password) = (self.0.clone(), password.clone());
        self.run(move || {
            inner.argon2.hash_password(password.expose_secret().as_bytes()).map(|hash: PasswordHash| hash.to_string())
        })
        .await?
        .map_err(|error| Failure::internal(error.to_string()))
    }

    /// Verifies against a stored PHC string. Without one, does the same work and answers `Wrong`, so that time tells
    /// nobody whether an account exists or has a password.
    pub(crate) async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<Verdict, Failure> {
        let readable = stored.filter(|hash| is_readable(hash));
        if readable.is_none() {
            self.0.dummies.inc();
        }
        let hash = readable.unwrap_or(&self.0.dummy).to_owned();
        let (inner, password, known) = (self.0.clone(), password.clone(), readable.is_some());
        let verdict = self.run(move || inner.judge(&password, &hash)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let Ok(place) = self.0.waiting.clone().try_acquire_owned() else {
            return Err(Failure::new(Code::OverRequestRateLimit, "Too many sign-ins at once").retry_after(2));
        };
        self.0.queue.add(1.0);
        let _leaves = Leaves(self.0.queue.clone());
        let turn = self.0.running.clone().acquire_owned().await.map_err(Failure::internal)?;
        // The permits go with the work, not with the request: a client that hangs up does not free the core.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        });
        done.await.map_err(Failure::internal)
    }
}

impl Inner {
    fn judge(&self, password: &SecretString, stored: &str) -> Verdict {
        let Ok(hash) = PasswordHash::new(stored) else { return Verdict::Wrong };
        if self.argon2.verify_password(password.expose_secret().as_bytes(), &hash).is_err() {
            return Verdict::Wrong;
        }
        let current = Params::try_from(&hash).is_ok_and(|p| {
            let ours = self.argon2.params();
            (p.m_cost(), p.t_cost(), p.p_cost()) == (ours.m_cost(), ours.t_cost(), ours.p_cost())
        });
        if current && hash.algorithm.as_str() == "argon2id" { Verdict::Right } else { Verdict::RightButStale }
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

struct Leaves(Gauge);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(memory: u32, queue: usize) -> Hasher {
        let config = Config {
            password_hash_memory_kib: memory,
            password_hash_passes: 1,
            password_hash_parallel: 1,
            password_hash_queue: queue,
            ..Config::default()
        };
        Hasher::new(&config, &Registry::new()).unwrap()
    }

    #[tokio::test]
    async fn hashes_verify_and_go_stale_with_the_parameters() {
        let (old, new) = (hasher(16, 4), hasher(32, 4));
        let (right, wrong) = (SecretString::from("correct horse"), SecretString::from("correct house"));
        let hash = old.hash(&right).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{hash}");
        assert_eq!(old.verify(&right, Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(old.verify(&wrong, Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(new.verify(&right, Some(&hash)).await.unwrap(), Verdict::RightButStale);
    }

    #[tokio::test]
    async fn without_a_hash_the_same_work_is_done() {
        let hasher = hasher(16, 4);
        let password = SecretString::from("nobody's password");
        for stored in [None, Some(""), Some("$2a$10$abcdefghijklmnopqrstuv"), Some("plain")] {
            assert_eq!(hasher.verify(&password, stored).await.unwrap(), Verdict::Wrong);
        }
        assert_eq!(hasher.0.dummies.get(), 4);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_turns_away() {
        let hasher = hasher(64 * 1024, 0);
        let busy = {
            let _first = hasher.0.waiting.clone().try_acquire_owned().unwrap();
            hasher.hash(&SecretString::from("x")).await
        };
        assert_eq!(busy.unwrap_err().which(), Code::OverRequestRateLimit);
        assert!(hasher.hash(&SecretString::from("x")).await.is_ok());
        assert_eq!(hasher.0.queue.get(), 0.0);
    }
}
