//! `Range: bytes=…` (RFC 9110, 14). One range is answered; several are answered with the whole, which is allowed.

/// What part of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// The range lies outside the file.
    Unsatisfiable,
}

/// Reads the header for a file of `size` bytes. What cannot be read is ignored, as the RFC says.
pub(crate) fn parse(header: &str, size: u64) -> Wanted {
    read(header, size).unwrap_or(Wanted::Whole)
}

fn read(header: &str, size: u64) -> Option<Wanted> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if last.contains(',') {
        return None;
    }
    if first.is_empty() {
        let count = number(last)?.min(size);
        return Some(if count == 0 { Wanted::Unsatisfiable } else { Wanted::Part(size - count, size - 1) });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(if first >= size { Wanted::Unsatisfiable } else { Wanted::Part(first, last.min(size - 1)) })
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_or_refused() {
        for (header, wanted) in [
            ("bytes=0-3", Wanted::Part(0, 3)),
            ("bytes=5-", Wanted::Part(5, 9)),
            ("bytes=-4", Wanted::Part(6, 9)),
            ("bytes=-99", Wanted::Part(0, 9)),
            ("bytes=8-99", Wanted::Part(8, 9)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=3-1", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes=", Wanted::Whole),
        ] {
            assert_eq!(parse(header, 10), wanted, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Wanted::Unsatisfiable);
    }
}
