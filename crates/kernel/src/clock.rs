//! Time as a parameter. Code takes a [`SharedClock`]; `clippy.toml` bans the ambient clocks.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex};

/// Something that knows what time it is.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current instant, UTC.
    fn now(&self) -> Timestamp;

    /// Whole seconds since the Unix epoch, as JWTs count them (RFC 7519 NumericDate).
    fn unix(&self) -> i64 {
        self.now().as_second()
    }
}

/// How a clock is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A clock that only moves when told to, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

// === impl SystemClock ===

impl SystemClock {
    /// The machine's clock, ready to be shared.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

// === impl ManualClock ===

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(start)))
    }

    /// Moves the clock forward by whole seconds (backward when negative).
    pub fn advance_seconds(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Ok(moved) = now.checked_add(SignedDuration::from_secs(seconds)) {
            *now = moved;
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
