//! What is told while it happens. Printing is the binary's.

use crate::diagnose::Trouble;
use crate::release::ReleaseStatus;
use mainstay_manifest::Phase;
use serde::Serialize;

/// Something that happened. Never holds a secret value.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A phase with something to do begins.
    PhaseBegan {
        /// The phase.
        phase: Phase,
        /// How many objects it has.
        objects: usize,
    },
    /// A phase is done: applied and, when waiting, ready.
    PhaseEnded {
        /// The phase.
        phase: Phase,
        /// How long it took.
        seconds: f64,
    },
    /// An object was applied, or removed, or left alone.
    Applied(Applied),
    /// A key of a Secret was made. The value is never told.
    SecretMade {
        /// Name of the Secret.
        secret: String,
        /// Names of the keys.
        keys: Vec<String>,
    },
    /// Something is not ready yet.
    Waiting {
        /// The object, `Deployment gateway`.
        object: String,
        /// `1/2 ready`.
        state: String,
    },
    /// Something became ready.
    Ready {
        /// The object.
        object: String,
    },
    /// A bad state that may still pass.
    Trouble(Trouble),
    /// A sentence worth knowing.
    Note {
        /// The sentence.
        text: String,
    },
    /// A release record was written.
    Released {
        /// Its number.
        release: u32,
        /// How it ended.
        status: ReleaseStatus,
    },
}

/// What happened to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The object, `Deployment gateway`.
    pub object: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// What happened.
    pub change: Change,
    /// Why, when that needs a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It was there and is different now.
    Changed,
    /// It was there and is the same.
    Unchanged,
    /// It was removed, because the project no longer has it.
    Pruned,
    /// The project no longer has it, and it was left, because it holds data.
    Kept,
}

/// Somebody who is told.
pub trait Observer: Send + Sync {
    /// Called for each event, in order of happening; must not block.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event) {}
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Pruned => "pruned",
            Self::Kept => "kept",
        })
    }
}
