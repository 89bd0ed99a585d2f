//! Token → caller.
//!
//! The algorithm is a property of our key, never taken from the token's header. Verified tokens are kept in a bounded
//! cache keyed by the whole token; times are checked again on every use.

use crate::caller::{Caller, Known};
use crate::keys::Key;
use crate::{Config, KeySet};
use jsonwebtoken::{Validation, decode, decode_header};
use mainstay_kernel::clock::SharedClock;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Clock skew that is forgiven, in seconds (PostgREST's value).
const LEEWAY: i64 = 30;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: KeySet,
    audience: Option<String>,
    clock: SharedClock,
    cache: Cache<Box<str>, Arc<Caller>>,
}

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three base64url parts with JSON in them, or absurdly long.
    #[error("the token is not a JWT")]
    Malformed,
    /// The header names an algorithm that no key of ours has (`none` included).
    #[error("the token's algorithm is not accepted")]
    UnknownAlgorithm,
    /// The header names a key that is not ours.
    #[error("no key is known for the token's kid")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is invalid")]
    BadSignature,
    /// `exp` has passed.
    #[error("JWT expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("JWT not yet valid")]
    NotYetValid,
    /// `aud` is not the configured one.
    #[error("JWT not in audience")]
    WrongAudience,
    /// A claim has the wrong type.
    #[error("the token's claims cannot be read: {0}")]
    BadClaims(String),
}

impl Verifier {
    /// A verifier for a key set.
    #[must_use]
    pub fn new(keys: KeySet, config: &Config, clock: SharedClock) -> Self {
        let cache = Cache::new(config.token_cache.max(1));
        Self(Arc::new(Inner { keys, audience: config.audience.clone(), clock, cache }))
    }

    /// Verifies signature, times and audience. A token without `role` acts as `anon`, as in PostgREST.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str) -> Result<Arc<Caller>, TokenError> {
        if let Some(caller) = self.0.cache.get(token) {
            self.check_times(&caller)?;
            return Ok(caller);
        }
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let caller = Arc::new(self.read(token)?);
        self.check_times(&caller)?;
        self.0.cache.insert(token.into(), caller.clone());
        Ok(caller)
    }

    /// The audience that tokens must have.
    pub(crate) fn audience(&self) -> Option<&str> {
        self.0.audience.as_deref()
    }

    fn read(&self, token: &str) -> Result<Caller, TokenError> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            // an algorithm that the library does not know, `none` among them
            jsonwebtoken::errors::ErrorKind::Json(json) if json.to_string().contains("variant") => {
                TokenError::UnknownAlgorithm
            }
            _ => TokenError::Malformed,
        })?;
        let keys = &self.0.keys.0.all;
        if !keys.iter().any(|key| key.algorithm == header.alg) {
            return Err(TokenError::UnknownAlgorithm);
        }
        let named = header.kid.as_deref().filter(|kid| !kid.is_empty());
        let candidates = keys
            .iter()
            .filter(|key| key.algorithm == header.alg && named.is_none_or(|kid| key.kid.as_deref() == Some(kid)));
        let mut refusal = TokenError::UnknownKey;
        for key in candidates {
            match verify_with(key, token) {
                Ok(claims) => return self.caller(&claims),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn caller(&self, claims: &RawValue) -> Result<Caller, TokenError> {
        let known: Known = serde_json::from_str(claims.get()).map_err(|e| TokenError::BadClaims(without_place(&e)))?;
        if let Some(audience) = &self.0.audience
            && !known.aud.includes(audience)
        {
            return Err(TokenError::WrongAudience);
        }
        #[expect(clippy::cast_possible_truncation, reason = "seconds; a date beyond i64 saturates")]
        let seconds = |value: Option<f64>| value.map(|v| v as i64);
        let begins = [seconds(known.nbf), seconds(known.iat)].into_iter().flatten().max();
        Ok(Caller {
            role: known.role.unwrap_or_else(|| "anon".into()).into(),
            claims: claims.get().into(),
            subject: known.sub.and_then(|sub| sub.parse().ok()),
            session_id: known.session_id.and_then(|id| id.parse().ok()),
            expires_at: seconds(known.exp),
            not_before: begins,
            email: known.email.filter(|email| !email.is_empty()),
            aal: known.aal,
            is_anonymous: known.is_anonymous,
        })
    }

    fn check_times(&self, caller: &Caller) -> Result<(), TokenError> {
        let now = self.0.clock.unix();
        if caller.expires_at.is_some_and(|exp| now > exp.saturating_add(LEEWAY)) {
            return Err(TokenError::Expired);
        }
        if caller.not_before.is_some_and(|nbf| now < nbf.saturating_sub(LEEWAY)) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

fn verify_with(key: &Key, token: &str) -> Result<Box<RawValue>, TokenError> {
    let mut validation = Validation::new(key.algorithm);
    // times and audience are ours to check: by our clock, on every use
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<Box<RawValue>>(token, &key.decoding, &validation).map(|data| data.claims).map_err(|error| {
        match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::BadSignature,
            jsonwebtoken::errors::ErrorKind::Json(json) => TokenError::BadClaims(without_place(json)),
            _ => TokenError::Malformed,
        }
    })
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signer;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use mainstay_kernel::clock::{Clock as _, ManualClock};
    use serde_json::{Value, json};

    const SECRET: &str = "a secret that is long enough for HS256 tests";

    struct World {
        verifier: Verifier,
        signer: Signer,
        clock: Arc<ManualClock>,
        keys: KeySet,
    }

    fn world(config: &Config) -> World {
        let pair = KeySet::generate().unwrap();
        let keys = KeySet::new(Some(SECRET), Some(&pair)).unwrap();
        let clock = ManualClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        World {
            verifier: Verifier::new(keys.clone(), config, clock.clone()),
            signer: Signer::new(keys.clone()),
            clock,
            keys,
        }
    }

    fn claims(world: &World) -> Value {
        json!({ "role": "authenticated", "sub": "3f1c5b1e-0f5c-4b8e-9a53-0d9a3e3f1a11", "exp": world.clock.unix() + 60, "aud": "authenticated" })
    }

    fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(header), part(claims))
    }

    #[test]
    fn both_kinds_of_keys_verify() {
        let world = world(&Config::default());
        for token in
            [world.signer.sign(&claims(&world)).unwrap(), world.signer.sign_with_secret(&claims(&world)).unwrap()]
        {
            let caller = world.verifier.verify(&token).unwrap();
            assert_eq!(&*caller.role, "authenticated");
            assert!(caller.claims.contains("\"aud\":\"authenticated\""));
            assert!(
                Arc::ptr_eq(&caller, &world.verifier.verify(&token).unwrap()),
                "the second time comes from the cache"
            );
        }
    }

    #[test]
    fn time_is_checked_with_leeway_and_on_every_use() {
        let world = world(&Config::default());
        let token = world.signer.sign(&claims(&world)).unwrap();
        world.verifier.verify(&token).unwrap();
        world.clock.advance_seconds(60 + 30);
        world.verifier.verify(&token).unwrap();
        world.clock.advance_seconds(1);
        assert_eq!(world.verifier.verify(&token), Err(TokenError::Expired));
        let future = world.signer.sign(&json!({ "role": "anon", "nbf": world.clock.unix() + 31 })).unwrap();
        assert_eq!(world.verifier.verify(&future), Err(TokenError::NotYetValid));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let world = world(&Config::default());
        let good = claims(&world);
        let other = Signer::new(
            KeySet::new(Some("another secret that is long enough, too"), Some(&KeySet::generate().unwrap())).unwrap(),
        );
        let kid = world.keys.0.all[0].kid.clone().unwrap();
        let es = world.signer.sign(&good).unwrap();
        let tampered = {
            let mut parts: Vec<&str> = es.split('.').collect();
            let forged = URL_SAFE_NO_PAD.encode(json!({ "role": "service_role" }).to_string());
            parts[1] = &forged;
            parts.join(".")
        };
        // the public key used as an HMAC secret: the classic confusion of algorithms
        let public = world.keys.jwks()["keys"][0].to_string();
        let confused = Signer::new(KeySet::new(Some(&public), None).unwrap()).sign(&good).unwrap();
        for (name, token, expected) in [
            ("none", unsigned(&json!({"alg":"none"}), &good, ""), TokenError::UnknownAlgorithm),
            ("None", unsigned(&json!({"alg":"None"}), &good, ""), TokenError::UnknownAlgorithm),
            ("RS256", unsigned(&json!({"alg":"RS256"}), &good, "AAAA"), TokenError::UnknownAlgorithm),
            ("wrong secret", other.sign_with_secret(&good).unwrap(), TokenError::BadSignature),
            ("wrong pair", other.sign(&good).unwrap(), TokenError::UnknownKey),
            ("our kid with HS256", unsigned(&json!({"alg":"HS256","kid":kid}), &good, "AAAA"), TokenError::UnknownKey),
            ("our kid, no signature", unsigned(&json!({"alg":"ES256","kid":kid}), &good, ""), TokenError::BadSignature),
            ("tampered claims", tampered, TokenError::BadSignature),
            ("public key as secret", confused, TokenError::BadSignature),
            ("not a token", "a.b.c".into(), TokenError::Malformed),
            ("empty", String::new(), TokenError::Malformed),
            ("long", "x".repeat(20_000), TokenError::Malformed),
        ] {
            assert_eq!(world.verifier.verify(&token), Err(expected), "{name}");
        }
    }

    #[test]
    fn the_audience_is_checked_when_configured() {
        let world = world(&Config { audience: Some("app".into()), ..Config::default() });
        for (aud, accepted) in
            [(json!("app"), true), (json!(["x", "app"]), true), (json!("x"), false), (Value::Null, false)]
        {
            let token = world.signer.sign(&json!({ "role": "anon", "aud": aud })).unwrap();
            assert_eq!(world.verifier.verify(&token).is_ok(), accepted, "{aud}");
        }
    }

    #[test]
    fn the_jwks_shows_public_keys_only() {
        let world = world(&Config::default());
        let text = world.keys.jwks().to_string();
        assert!(text.contains("\"ES256\"") && !text.contains("\"d\"") && !text.contains("\"k\""));
        assert_eq!(KeySet::new(Some(SECRET), None).unwrap().jwks(), json!({ "keys": [] }));
        assert!(!format!("{:?}", world.keys).contains("\"d\""));
    }

    #[test]
    fn a_key_set_needs_exactly_one_signer() {
        let one = KeySet::generate().unwrap();
        let two = format!("{},{}", one.trim_end_matches(']'), KeySet::generate().unwrap().trim_start_matches('['));
        assert!(KeySet::new(None, Some(&two)).unwrap_err().to_string().contains("more than one"));
        assert!(KeySet::new(None, Some("[]")).unwrap_err().to_string().contains("no key has"));
        assert!(KeySet::new(None, None).is_err());
    }
}
