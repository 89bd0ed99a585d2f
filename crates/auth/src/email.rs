//! E-mail addresses.

use crate::error::{Code, Failure};

/// An address as this room stores it: trimmed, lowercased, one `@`, 1–64 bytes before it, a host name
/// after it, at most 254 bytes in all (RFC 5321 section 4.5.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmailAddress(String);

// === impl EmailAddress ===

impl EmailAddress {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let address = text.trim().to_lowercase();
        if is_address(&address) { Ok(Self(address)) } else { Err(Code::EmailAddressInvalid.into()) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_address(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@,;:<>()[]\"\\".contains(c);
    address.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised() {
        assert_eq!(EmailAddress::parse("  Ada.L+x@Example.COM ").unwrap().as_str(), "ada.l+x@example.com");
        assert_eq!(EmailAddress::parse("jürgen@müller.example").unwrap().as_str(), "jürgen@müller.example");
        assert_eq!(EmailAddress::parse("root@localhost").unwrap().as_str(), "root@localhost");
        assert_eq!(EmailAddress::parse("o'brien@x.test").unwrap().as_str(), "o'brien@x.test");
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@x.test", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@x.test",
            "a@",
            "a b@x.test",
            "a@x..test",
            "a@-x.test",
            "a@@x.test",
            ".a@x.test",
            "a@x.test\n;",
            &long,
        ] {
            assert!(EmailAddress::parse(bad).is_err() || bad.trim() != bad, "{bad:?}");
        }
    }
}
