//! Claims → token.

use crate::KeySet;
use jsonwebtoken::Header;
use serde::Serialize;

/// Signs with the key of the set that may.
#[derive(Debug, Clone)]
pub struct Signer(KeySet);

/// Claims that cannot be written as JSON.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SignError(#[source] jsonwebtoken::errors::Error);

impl Signer {
    /// A signer for a key set.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self(keys)
    }

    /// Signs claims as a JWT; the header carries the key's `kid` when it has one.
    ///
    /// # Errors
    /// When the claims cannot be serialised.
    pub fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SignError> {
        let keys = &self.0.0;
        let key = &keys.all[keys.signing];
        let mut header = Header::new(key.algorithm);
        header.kid.clone_from(&key.kid);
        match &key.encoding {
            Some(encoding) => jsonwebtoken::encode(&header, claims, encoding).map_err(SignError),
            None => Err(SignError(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into())),
        }
    }

    /// Signs with the shared secret, when the set has one: for API keys in the older JWT form.
    ///
    /// # Errors
    /// When the set has no shared secret, or the claims cannot be serialised.
    pub fn sign_with_secret<T: Serialize>(&self, claims: &T) -> Result<String, SignError> {
        let secret = self.0.0.all.iter().rev().find(|key| key.public.is_none() && key.kid.is_none());
        match secret.and_then(|key| key.encoding.as_ref()) {
            Some(encoding) => jsonwebtoken::encode(&Header::default(), claims, encoding).map_err(SignError),
            None => self.sign(claims),
        }
    }

    /// The public key document, see [`KeySet::jwks`].
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.0.jwks()
    }
}
