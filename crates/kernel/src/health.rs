//! Whether a role can do its work right now.

/// A role's answer to `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can serve.
    Ready,
    /// It cannot; the sentence says why and is safe to show.
    NotReady(String),
}

impl Readiness {
    /// True when the role can serve.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}
