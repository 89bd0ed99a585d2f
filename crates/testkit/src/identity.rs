//! Keys and callers for tests.

use mainstay_identity::{ApiKeys, Config, KeyKind, KeySet, Signer, Verifier, generate_api_key};
use mainstay_kernel::clock::SharedClock;
use serde_json::{Value, json};
use uuid::Uuid;

/// The shared secret of test key sets.
const SECRET: &str = "a-test-secret-of-sufficient-length-0123456789";

/// A project's keys, made for one test.
#[derive(Clone)]
pub struct Identity {
    /// The key set: an ES256 pair that signs and a shared secret.
    pub keys: KeySet,
    /// Signs.
    pub signer: Signer,
    /// Verifies.
    pub verifier: Verifier,
    /// API keys.
    pub api_keys: ApiKeys,
    /// `sb_publishable_…`.
    pub publishable: String,
    /// `sb_secret_…`.
    pub secret: String,
    clock: SharedClock,
}

impl Identity {
    /// Fresh keys that tell the time by `clock`.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let keys = KeySet::new(Some(SECRET), Some(&KeySet::generate().unwrap())).unwrap();
        let signer = Signer::new(keys.clone());
        let verifier = Verifier::new(keys.clone(), &Config::default(), clock.clone());
        let publishable = generate_api_key(KeyKind::Publishable).unwrap();
        let secret = generate_api_key(KeyKind::Secret).unwrap();
        let api_keys =
            ApiKeys::new(publishable.clone().into(), secret.clone().into(), &signer, verifier.clone()).unwrap();
        Self { keys, signer, verifier, api_keys, publishable, secret, clock }
    }

    /// A token with any claims.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.signer.sign(claims).unwrap()
    }

    /// A token of a signed-in user, valid for an hour.
    #[must_use]
    pub fn user(&self, id: Uuid) -> String {
        let now = self.clock.unix();
        self.token(
            &json!({ "sub": id, "role": "authenticated", "aud": "authenticated", "iat": now, "exp": now + 3600 }),
        )
    }

    /// A token of the service role.
    #[must_use]
    pub fn service(&self) -> String {
        self.token(&json!({ "role": "service_role" }))
    }
}
