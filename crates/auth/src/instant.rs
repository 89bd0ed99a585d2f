//! Instants on the wire: RFC 3339, UTC, as JavaScript clients read them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time that (de)serialises as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

// === impl Instant ===

impl Instant {
    /// This instant moved by whole seconds; at the end of time it stays there.
    pub(crate) fn plus(self, duration: std::time::Duration) -> Self {
        let moved = SignedDuration::try_from(duration).ok().and_then(|d| self.0.checked_add(d).ok());
        Self(moved.unwrap_or(Timestamp::MAX))
    }

    pub(crate) fn unix(self) -> i64 {
        self.0.as_second()
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        match &*text {
            // PostgreSQL's way to say "for ever", for example in banned_until
            "infinity" => Ok(Self(Timestamp::MAX)),
            "-infinity" => Ok(Self(Timestamp::MIN)),
            text => {
                text.parse().map(Self).map_err(|_| D::Error::custom(format!("{text:?} is not an RFC 3339 instant")))
            }
        }
    }
}
