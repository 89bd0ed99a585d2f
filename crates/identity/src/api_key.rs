//! API keys: opaque `sb_publishable_…` and `sb_secret_…`, and the older keys that are JWTs.
//!
//! An API key says which *application* calls; a bearer token says which *person*. The key alone acts as `anon`
//! (publishable) or `service_role` (secret).

use crate::keys::{KeyError, random};
use crate::{SignError, Signer, Verifier};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_kernel::config::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `sb_publishable_…`: acts as `anon`.
    Publishable,
    /// `sb_secret_…`: acts as `service_role`.
    Secret,
    /// A JWT signed by us; its role says what it may do.
    Legacy,
}

/// A key that was recognised.
#[derive(Clone)]
pub struct ResolvedKey {
    /// Kind of key.
    pub kind: KeyKind,
    /// Role it acts as when the caller sends no token of their own.
    pub role: Box<str>,
    /// The token that stands for it towards the roles.
    pub token: Arc<str>,
    /// Short name without secrets, for limits and logs.
    pub id: Box<str>,
}

/// The project's API keys. Cheap to clone.
#[derive(Clone)]
pub struct ApiKeys(Arc<Inner>);

struct Inner {
    opaque: Vec<(SecretString, Arc<ResolvedKey>)>,
    verifier: Verifier,
}

impl ApiKeys {
    /// The keys of a project; the tokens that stand for them are signed here once.
    ///
    /// # Errors
    /// When signing fails.
    pub fn new(
        publishable: SecretString,
        secret: SecretString,
        signer: &Signer,
        verifier: Verifier,
    ) -> Result<Self, SignError> {
        let stand_in = |kind, role: &str, id: &str| -> Result<_, SignError> {
            let mut claims = json!({ "role": role, "iss": "mainstay" });
            // the roles check it as they do for any token
            if let Some(audience) = verifier.audience() {
                claims["aud"] = json!(audience);
            }
            let token = signer.sign(&claims)?;
            Ok(Arc::new(ResolvedKey { kind, role: role.into(), token: token.into(), id: id.into() }))
        };
        let opaque = vec![
            (publishable, stand_in(KeyKind::Publishable, "anon", "publishable")?),
            (secret, stand_in(KeyKind::Secret, "service_role", "secret")?),
        ];
        Ok(Self(Arc::new(Inner { opaque, verifier })))
    }

    /// What a presented key is; `None` when it is not ours. Opaque keys are compared in constant time.
    #[must_use]
    pub fn resolve(&self, presented: &str) -> Option<Arc<ResolvedKey>> {
        if presented.starts_with("sb_") {
            let same = |key: &SecretString| bool::from(key.expose_secret().as_bytes().ct_eq(presented.as_bytes()));
            // no early end: how long it takes must not tell which key was near
            return self.0.opaque.iter().filter(|(key, _)| same(key)).map(|(_, resolved)| resolved.clone()).next_back();
        }
        let caller = self.0.verifier.verify(presented).ok()?;
        let id = if matches!(&*caller.role, "anon" | "service_role") {
            format!("legacy-{}", caller.role)
        } else {
            "token".into()
        };
        Some(Arc::new(ResolvedKey {
            kind: KeyKind::Legacy,
            role: caller.role.clone(),
            token: presented.into(),
            id: id.into(),
        }))
    }

    /// An API key in the older JWT form, valid for ten years: `role` is `anon` or `service_role`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn legacy(signer: &Signer, role: &str, issued_at: i64) -> Result<String, SignError> {
        const TEN_YEARS: i64 = 10 * 365 * 24 * 3600;
        signer.sign_with_secret(
            &json!({ "iss": "mainstay", "role": role, "iat": issued_at, "exp": issued_at + TEN_YEARS }),
        )
    }
}

/// A fresh opaque key of the form `<prefix>_<22 characters>_<8 characters>`; the last part is a checksum of the rest, so
/// that a scanner can tell a real key from a lookalike.
///
/// # Errors
/// When the system has no randomness.
pub fn generate_api_key(kind: KeyKind) -> Result<String, KeyError> {
    let prefix = match kind {
        KeyKind::Publishable => "sb_publishable",
        KeyKind::Secret | KeyKind::Legacy => "sb_secret",
    };
    let body = URL_SAFE_NO_PAD.encode(random::<16>()?);
    let sum = URL_SAFE_NO_PAD.encode(&digest(&SHA256, format!("{prefix}_{body}").as_bytes()).as_ref()[..6]);
    Ok(format!("{prefix}_{body}_{sum}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, KeySet};
    use mainstay_kernel::clock::{Clock as _, SystemClock};

    #[test]
    fn keys_resolve_to_roles_whose_tokens_verify() {
        let keys =
            KeySet::new(Some("a secret that is long enough for HS256 tests"), Some(&KeySet::generate().unwrap()))
                .unwrap();
        let (signer, verifier) =
            (Signer::new(keys.clone()), Verifier::new(keys.clone(), &Config::default(), SystemClock::shared()));
        let publishable = generate_api_key(KeyKind::Publishable).unwrap();
        let secret = generate_api_key(KeyKind::Secret).unwrap();
        assert_eq!((publishable.len(), secret.len()), (15 + 22 + 1 + 8, 10 + 22 + 1 + 8));
        let api = ApiKeys::new(publishable.clone().into(), secret.clone().into(), &signer, verifier.clone()).unwrap();
        let legacy = ApiKeys::legacy(&signer, "anon", SystemClock.unix()).unwrap();
        for (key, role, kind) in [
            (publishable.as_str(), "anon", KeyKind::Publishable),
            (secret.as_str(), "service_role", KeyKind::Secret),
            (legacy.as_str(), "anon", KeyKind::Legacy),
        ] {
            let resolved = api.resolve(key).unwrap();
            assert_eq!((&*resolved.role, resolved.kind), (role, kind));
            assert_eq!(&*verifier.verify(&resolved.token).unwrap().role, role);
        }
        let config = Config { audience: Some("app".into()), ..Config::default() };
        let strict = Verifier::new(keys, &config, SystemClock::shared());
        let api_of_app = ApiKeys::new(publishable.into(), secret.clone().into(), &signer, strict.clone()).unwrap();
        assert!(strict.verify(&api_of_app.resolve(&secret).unwrap().token).is_ok(), "the audience is in the token");
        for wrong in ["", "sb_", "sb_secret_x", &secret[..secret.len() - 1], "a.b.c", &format!("{secret}x")] {
            assert!(api.resolve(wrong).is_none(), "{wrong}");
        }
    }
}
