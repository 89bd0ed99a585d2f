//! Resource quantities: `250m`, `1.5`, `512Mi`, `2Gi`.

use std::fmt;
use std::str::FromStr;

/// A quantity in thousandths of its base unit: milli-cores for CPU, milli-bytes for memory.
///
/// Source: Kubernetes, "Resource quantities" (`resource.Quantity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(pub i128);

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity; write for example \"250m\", \"0.5\" or \"512Mi\"")]
pub struct QuantityError(pub String);

const MI: i128 = 1024 * 1024 * 1000;

impl Quantity {
    /// Thousandths of a core.
    #[must_use]
    pub const fn millicores(n: i128) -> Self {
        Self(n)
    }

    /// Whole mebibytes.
    #[must_use]
    pub const fn mebibytes(n: i128) -> Self {
        Self(n * MI)
    }

    /// As CPU: `1200m`, `2` for whole cores.
    #[must_use]
    pub fn cpu(self) -> String {
        if self.0 % 1000 == 0 { (self.0 / 1000).to_string() } else { format!("{}m", self.0) }
    }

    /// As CPU, always in milli-cores: `2000m`.
    #[must_use]
    pub fn cpu_milli(self) -> String {
        format!("{}m", self.0)
    }

    /// As memory in the largest binary unit that is exact: `2Gi`, `1216Mi`, `1000`.
    #[must_use]
    pub fn memory(self) -> String {
        for (factor, unit) in [(MI * 1024, "Gi"), (MI, "Mi"), (1024 * 1000, "Ki")] {
            if self.0 != 0 && self.0 % factor == 0 {
                return format!("{}{unit}", self.0 / factor);
            }
        }
        (self.0 / 1000).to_string()
    }

    /// As memory in mebibytes, rounded up: `1216Mi`.
    #[must_use]
    pub fn memory_mebi(self) -> String {
        format!("{}Mi", (self.0 + MI - 1) / MI)
    }

    /// This many times.
    #[must_use]
    pub fn times(self, n: u32) -> Self {
        Self(self.0 * i128::from(n))
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), std::ops::Add::add)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let refuse = || QuantityError(text.to_owned());
        let split =
            text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        // thousandths of the base unit per unit
        let factor: i128 = match unit {
            "m" => 1,
            "" => 1000,
            "k" => 1_000_000,
            "M" => 1_000_000_000,
            "G" => 1_000_000_000_000,
            "T" => 1_000_000_000_000_000,
            "P" => 1_000_000_000_000_000_000,
            "Ki" => 1000 << 10,
            "Mi" => 1000 << 20,
            "Gi" => 1000 << 30,
            "Ti" => 1000 << 40,
            "Pi" => 1000 << 50,
            "n" | "u" => 0,
            _ => return Err(refuse()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 || whole.len() > 19 {
            return Err(refuse());
        }
        let negative = whole.starts_with('-');
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| refuse())? };
        let digits: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| refuse())? };
        let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        if factor == 0 {
            // nano and micro: below what we count; anything but zero is rounded up to one thousandth
            return Ok(Self(i128::from(whole != 0 || digits != 0)));
        }
        let part = digits * factor;
        let part = part / scale + i128::from(part % scale != 0);
        Ok(Self(whole * factor + if negative { -part } else { part }))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        let read = |text: &str| text.parse::<Quantity>().map(|q| q.0);
        assert_eq!(read("250m"), Ok(250));
        assert_eq!(read("0.5"), Ok(500));
        assert_eq!(read("2"), Ok(2000));
        assert_eq!(read("1Ki"), Ok(1024 * 1000));
        assert_eq!(read("1.5Gi"), Ok(3 * (1000 << 30) / 2));
        assert_eq!(read("0.0001"), Ok(1));
        for wrong in ["", "m", "1 Gi", "12Q", "1e3x", "--1", ".", "99999999999999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_written_in_the_largest_exact_unit() {
        assert_eq!(Quantity::millicores(1200).cpu(), "1200m");
        assert_eq!(Quantity::millicores(2000).cpu(), "2");
        assert_eq!(Quantity::mebibytes(1216).memory(), "1216Mi");
        assert_eq!(Quantity::mebibytes(2048).memory(), "2Gi");
        assert_eq!(Quantity::mebibytes(2432).memory_mebi(), "2432Mi");
    }
}
