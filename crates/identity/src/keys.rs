//! The key set: one key signs, all verify.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// Why keys cannot be used. Never repeats key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(String);

/// An immutable set of keys. Cheap to clone; `Debug` shows key ids only.
#[derive(Clone)]
pub struct KeySet(pub(crate) Arc<Keys>);

pub(crate) struct Keys {
    pub(crate) all: Vec<Key>,
    /// Index of the key that signs.
    pub(crate) signing: usize,
}

pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
    /// Absent for keys that only verify.
    pub(crate) encoding: Option<EncodingKey>,
    /// The public JWK; `None` for shared secrets, which have no public part.
    pub(crate) public: Option<Value>,
}

/// A JWK as far as we use it (RFC 7517, RFC 7518 section 6).
#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    key_ops: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<String>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.all.iter().map(|key| (&key.kid, key.algorithm))).finish()
    }
}

impl KeySet {
    /// A set from a shared secret (HS256), a JSON array of private JWKs, or both. With both, the JWKs sign and the
    /// secret goes on verifying.
    ///
    /// # Errors
    /// When neither is given, a key cannot be read, or not exactly one JWK may sign.
    pub fn new(secret: Option<&str>, jwks: Option<&str>) -> Result<Self, KeyError> {
        let mut all = Vec::new();
        let mut signing = None;
        if let Some(jwks) = jwks {
            let jwks: Vec<Jwk> = serde_json::from_str(jwks).map_err(|e| {
                KeyError(format!("jwt_keys is not a JSON array of JWKs (line {}, column {})", e.line(), e.column()))
            })?;
            for jwk in jwks {
                if jwk.key_ops.iter().any(|op| op == "sign") && signing.replace(all.len()).is_some() {
                    return Err(KeyError("jwt_keys: more than one key has key_ops \"sign\"; exactly one must".into()));
                }
                all.push(read_key(&jwk)?);
            }
            if signing.is_none() {
                return Err(KeyError("jwt_keys: no key has key_ops \"sign\"; exactly one must".into()));
            }
        }
        if let Some(secret) = secret {
            all.push(shared_secret(None, secret.as_bytes()));
        }
        match signing.or_else(|| all.len().checked_sub(1)) {
            Some(signing) if all[signing].encoding.is_some() => Ok(Self(Arc::new(Keys { all, signing }))),
            Some(_) => Err(KeyError("jwt_keys: the key with key_ops \"sign\" has no private part".into())),
            None => Err(KeyError("no key: set JWT_SECRET or MAINSTAY_IDENTITY_JWT_KEYS".into())),
        }
    }

    /// A fresh ES256 pair as a JWK array for `jwt_keys`; its `kid` is the RFC 7638 thumbprint.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<String, KeyError> {
        let fault = |_| KeyError("no randomness".into());
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(fault)?;
        let secret = pair.private_key().as_be_bytes().map_err(fault)?;
        let (x, y) = coordinates(pair.public_key().as_ref());
        let thumbprint = json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y }).to_string();
        let kid = URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, thumbprint.as_bytes()));
        let jwk = Jwk {
            kty: "EC".into(),
            kid: Some(kid),
            alg: Some("ES256".into()),
            key_ops: vec!["sign".into(), "verify".into()],
            crv: Some("P-256".into()),
            x: Some(x),
            y: Some(y),
            d: Some(URL_SAFE_NO_PAD.encode(secret.as_ref())),
            k: None,
        };
        serde_json::to_string(&[jwk]).map_err(|e| KeyError(e.to_string()))
    }

    /// The JWKS document (RFC 7517, section 5): public keys of asymmetric pairs; shared secrets are not in it.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.0.all.iter().filter_map(|key| key.public.clone()).collect::<Vec<_>>() })
    }
}

fn read_key(jwk: &Jwk) -> Result<Key, KeyError> {
    let name = jwk.kid.clone().unwrap_or_else(|| "without kid".into());
    let decode = |field: &Option<String>, what: &str| {
        let text = field.as_ref().ok_or_else(|| KeyError(format!("key {name}: `{what}` is missing")))?;
        URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|_| KeyError(format!("key {name}: `{what}` is not base64url")))
    };
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("oct", _) => Ok(shared_secret(jwk.kid.clone(), &decode(&jwk.k, "k")?)),
        ("EC", Some("P-256")) => {
            let (x, y) = (decode(&jwk.x, "x")?, decode(&jwk.y, "y")?);
            let encoding = match &jwk.d {
                None => None,
                Some(_) => {
                    let point = [&[4_u8][..], &x, &y].concat();
                    let private = decode(&jwk.d, "d")?;
                    let pair = EcdsaKeyPair::from_private_key_and_public_key(
                        &ECDSA_P256_SHA256_FIXED_SIGNING,
                        &private,
                        &point,
                    )
                    .map_err(|_| KeyError(format!("key {name}: `d` does not belong to `x` and `y`")))?;
                    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError(format!("key {name} cannot be used")))?;
                    Some(EncodingKey::from_ec_der(pkcs8.as_ref()))
                }
            };
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            let decoding = DecodingKey::from_ec_components(&x, &y)
                .map_err(|_| KeyError(format!("key {name}: not a point of P-256")))?;
            let public = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "key_ops": ["verify"],
                "kid": jwk.kid, "x": x, "y": y });
            Ok(Key { kid: jwk.kid.clone(), algorithm: Algorithm::ES256, decoding, encoding, public: Some(public) })
        }
        _ => Err(KeyError(format!("key {name}: only kty \"EC\" with crv \"P-256\" and kty \"oct\" are supported"))),
    }
}

fn shared_secret(kid: Option<String>, secret: &[u8]) -> Key {
    Key {
        kid,
        algorithm: Algorithm::HS256,
        decoding: DecodingKey::from_secret(secret),
        encoding: Some(EncodingKey::from_secret(secret)),
        public: None,
    }
}

/// Coordinates of an uncompressed point, base64url.
fn coordinates(point: &[u8]) -> (String, String) {
    (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    use aws_lc_rs::rand::SecureRandom as _;
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError("no randomness".into()))?;
    Ok(bytes)
}
