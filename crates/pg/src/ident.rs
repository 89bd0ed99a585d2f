//! Identifiers in SQL text.

use std::fmt;

/// An SQL identifier that prints itself double-quoted and escaped; the only way a name enters SQL text.
///
/// ```
/// use mainstay_pg::Ident;
/// assert_eq!(Ident::new("users").to_string(), "\"users\"");
/// assert_eq!(Ident::new("a\"; drop table b").to_string(), "\"a\"\"; drop table b\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Box<str>);

impl Ident {
    /// Takes any text. A NUL byte, which no identifier can hold, is dropped.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(if name.contains('\0') { name.replace('\0', "").into() } else { name.into() })
    }

    /// The name without quotes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut parts = self.0.split('"');
        f.write_str(parts.next().unwrap_or_default())?;
        for part in parts {
            f.write_str("\"\"")?;
            f.write_str(part)?;
        }
        f.write_str("\"")
    }
}
