//! Values with units, written as people write them: `"60s"`, `"15m"`, `"10MB"`.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::fmt;
use std::time::Duration;

/// A span of time. Written as a whole number of seconds or with a unit: `ms`, `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Duration);

/// A number of bytes. Written as a whole number or with a unit: `kB`/`MB`/`GB` (powers of 1000),
/// `KiB`/`MiB`/`GiB` (powers of 1024).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

// === impl Seconds ===

impl Seconds {
    /// Whole seconds.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Reads `"1500ms"`, `"60s"`, `"15m"`, `"2h"`, `"7d"` or a bare number of seconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_unit(text)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        Some(Self(Duration::from_millis(number.checked_mul(millis)?)))
    }
}

impl fmt::Debug for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "\"{}s\"", millis / 1000) } else { write!(f, "\"{millis}ms\"") }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(n) => Ok(Self::new(n)),
            NumberOrText::Text(text) => Self::parse(&text).ok_or_else(|| {
                D::Error::custom(format!("{text:?} is not a duration; write for example \"60s\" or \"15m\""))
            }),
        }
    }
}

// === impl Size ===

impl Size {
    /// The number of bytes, as this machine counts.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads `"10MB"`, `"64MiB"` or a bare number of bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_unit(text)?;
        let factor: u64 = match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(factor).map(Self)
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n != 0 && n.is_multiple_of(1_000_000) => write!(f, "\"{}MB\"", n / 1_000_000),
            n if n != 0 && n.is_multiple_of(1_000) => write!(f, "\"{}kB\"", n / 1_000),
            n => write!(f, "{n}"),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(n) => Ok(Self(n)),
            NumberOrText::Text(text) => Self::parse(&text).ok_or_else(|| {
                D::Error::custom(format!("{text:?} is not a size; write for example \"10MB\" or \"64MiB\""))
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number or a text with a unit")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_printed() {
        for (text, millis) in [("60", 60_000), ("60s", 60_000), ("15m", 900_000), ("250ms", 250), ("1 h", 3_600_000)] {
            assert_eq!(Seconds::parse(text).unwrap().0.as_millis(), millis, "{text}");
        }
        for (text, bytes) in [("1", 1), ("10MB", 10_000_000), ("1KiB", 1024)] {
            assert_eq!(Size::parse(text).unwrap().0, bytes, "{text}");
        }
        for bad in ["", "s", "-1s", "1 fortnight", "99999999999999999999", "18446744073709551615d"] {
            assert!(Seconds::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?} {:?}", Seconds::new(90), Size(10_000_000)), "\"90s\" \"10MB\"");
    }
}
