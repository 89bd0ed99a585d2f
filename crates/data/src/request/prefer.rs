//! The `Prefer` header (RFC 7240; PostgREST: "Prefer Header").

use http::HeaderMap;

/// What the client would like. The first value of a kind wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Preferences {
    pub(crate) resolution: Option<Resolution>,
    pub(crate) representation: Option<Representation>,
    pub(crate) count: Option<Count>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) missing: Option<Missing>,
    pub(crate) handling: Option<Handling>,
    pub(crate) timezone: Option<String>,
    pub(crate) max_affected: Option<i64>,
    /// What we do not know, as written.
    pub(crate) unknown: Vec<String>,
}

/// Declares a preference: variants and their text.
macro_rules! preference {
    ($(#[$doc:meta])* $name:ident { $($text:literal => $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($variant),+ }
        impl $name {
            fn named(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

preference! {
    /// What an insert does about existing rows.
    Resolution { "resolution=merge-duplicates" => Merge, "resolution=ignore-duplicates" => Ignore, }
}
preference! {
    /// How much of the changed rows to return.
    Representation { "return=representation" => Full, "return=headers-only" => HeadersOnly, "return=minimal" => Minimal, }
}
preference! {
    /// How to count the rows.
    Count { "count=exact" => Exact, "count=planned" => Planned, "count=estimated" => Estimated, }
}
preference! {
    /// How the transaction ends.
    Transaction { "tx=commit" => Commit, "tx=rollback" => Rollback, }
}
preference! {
    /// What columns named but absent from the body become.
    Missing { "missing=default" => Default, "missing=null" => Null, }
}
preference! {
    /// What unknown preferences cause.
    Handling { "handling=strict" => Strict, "handling=lenient" => Lenient, }
}

/// Whether clients may choose the transaction's end (setting `tx_override`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TxOverride {
    Allowed,
    Refused,
}

impl Preferences {
    pub(crate) fn parse(headers: &HeaderMap, tx: TxOverride) -> Self {
        let mut found = Self::default();
        let values = headers.get_all("prefer");
        for text in values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
            found.add(text.trim(), tx);
        }
        found
    }

    fn add(&mut self, text: &str, tx: TxOverride) {
        if let Some(zone) = text.strip_prefix("timezone=") {
            self.timezone.get_or_insert_with(|| zone.to_owned());
        } else if let Some(rows) = text.strip_prefix("max-affected=") {
            self.max_affected = self.max_affected.or_else(|| rows.parse().ok());
        } else if let Some(value) = Resolution::named(text) {
            self.resolution.get_or_insert(value);
        } else if let Some(value) = Representation::named(text) {
            self.representation.get_or_insert(value);
        } else if let Some(value) = Count::named(text) {
            self.count.get_or_insert(value);
        } else if let Some(value) = Transaction::named(text) {
            if tx == TxOverride::Allowed {
                self.transaction.get_or_insert(value);
            }
        } else if let Some(value) = Missing::named(text) {
            self.missing.get_or_insert(value);
        } else if let Some(value) = Handling::named(text) {
            self.handling.get_or_insert(value);
        } else if !text.is_empty() {
            self.unknown.push(text.to_owned());
        }
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.handling == Some(Handling::Strict)
    }

    /// The row limit that is in force: it binds with `handling=strict` only.
    pub(crate) fn affected_limit(&self) -> Option<i64> {
        self.max_affected.filter(|_| self.is_strict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&'static str], tx: TxOverride) -> Preferences {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", http::HeaderValue::from_static(value));
        }
        Preferences::parse(&headers, tx)
    }

    #[test]
    fn values_come_from_all_headers_and_the_first_wins() {
        let prefs = parse(
            &[
                "count=exact,    tx=commit   ,return=representation",
                "return=minimal, handling=strict, anything, max-affected=5",
            ],
            TxOverride::Allowed,
        );
        assert_eq!(prefs.count, Some(Count::Exact));
        assert_eq!(prefs.representation, Some(Representation::Full));
        assert_eq!(prefs.transaction, Some(Transaction::Commit));
        assert_eq!(prefs.unknown, ["anything"]);
        assert_eq!(prefs.affected_limit(), Some(5));
    }

    #[test]
    fn the_transaction_end_is_ignored_unless_allowed() {
        assert_eq!(parse(&["tx=rollback"], TxOverride::Refused).transaction, None);
        assert!(parse(&["tx=rollback"], TxOverride::Refused).unknown.is_empty());
    }

    #[test]
    fn max_affected_binds_only_when_strict() {
        assert_eq!(parse(&["max-affected=5"], TxOverride::Refused).affected_limit(), None);
    }
}
