//! What a Secret must hold and where each value comes from. Never the values.

use serde::Serialize;

/// A Secret that the project needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretSpec {
    /// Name of the Secret.
    pub name: String,
    /// Its keys.
    pub keys: Vec<SecretKey>,
}

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretKey {
    /// Name of the key.
    pub name: String,
    /// Where its value comes from when the Secret on the cluster does not have it yet.
    pub source: Source,
}

/// Where the value of a key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Generated once: this many random bytes, as base64url text without padding.
    Random(usize),
    /// A value that is no secret (a database name) but belongs in the same Secret.
    Plain(String),
    /// Put together from other keys: `{secret/key}` is replaced by that key's value.
    /// Values made by [`Source::Random`] need no escaping in a URL.
    Template(String),
    /// Generated once: a publishable API key (`sb_publishable_…`).
    PublishableKey,
    /// Generated once: a secret API key (`sb_secret_…`).
    SecretApiKey,
    /// Generated once: a set of signing keys as JWK set, in the form of `identity.jwt_keys`.
    SigningKeys,
    /// Given by a person in this environment variable of the deploying process, or by `deploy --secret NAME`. When
    /// `required` is false an absent value leaves the key out.
    Given {
        /// Name of the environment variable.
        variable: String,
        /// Whether deploying stops without it.
        required: bool,
    },
    /// Generated once and renewed before it ends: a certificate for these DNS names; the keys `tls.crt` and `tls.key`
    /// share one specification.
    Certificate(Vec<String>),
}
