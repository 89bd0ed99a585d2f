//! What the handlers of this room share.

use crate::config::Config;
use crate::events::Meters;
use crate::hasher::Hasher;
use crate::instant::Instant;
use crate::oauth::Providers;
use crate::rate::Limits;
use crate::redirect::Redirects;
use mainstay_identity::{Signer, Verifier};
use mainstay_kernel::clock::SharedClock;
use mainstay_pg::Pool;
use std::sync::Arc;
use std::time::Duration;

/// How the state is handed around.
pub(crate) type Shared = Arc<State>;

/// The room's state.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) verifier: Verifier,
    pub(crate) signer: Signer,
    pub(crate) clock: SharedClock,
    /// `<public url>/auth/v1`: the issuer of tokens and the base of links.
    pub(crate) issuer: String,
    pub(crate) hasher: Hasher,
    pub(crate) limits: Limits,
    pub(crate) redirects: Redirects,
    pub(crate) providers: Providers,
    pub(crate) meters: Meters,
}

// === impl State ===

impl State {
    pub(crate) fn now(&self) -> Instant {
        Instant(self.clock.now())
    }

    /// Longest life of a session, when there is a limit.
    pub(crate) fn timebox(&self) -> Option<Duration> {
        Some(self.config.session_timebox.0).filter(|limit| !limit.is_zero())
    }

    /// Longest pause between two refreshes, when there is a limit.
    pub(crate) fn inactivity(&self) -> Option<Duration> {
        Some(self.config.session_inactivity_timeout.0).filter(|limit| !limit.is_zero())
    }
}
