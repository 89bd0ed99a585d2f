//! Secret values: made once, never overwritten, never shown. Values live in a [`Vault`] that does not print them.

use crate::api::{Patch, text};
use crate::desired::{CertificateMaker, Given};
use crate::discovery::Resource;
use crate::{Cluster, Error};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mainstay_identity::{KeyKind, KeySet, generate_api_key};
use mainstay_manifest::{SecretKey, SecretSpec, Source};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Field manager of generated values. Apart from `mainstay`, so that applying a Secret without data never removes them.
const MANAGER: &str = "mainstay-secrets";
/// A certificate is renewed this long before it ends.
const RENEW_SECONDS: i64 = 30 * 24 * 3600;

/// Every secret value that this process has seen: (Secret, key) → value.
#[derive(Default)]
pub(crate) struct Vault {
    values: BTreeMap<(String, String), SecretString>,
    versions: BTreeMap<String, String>,
    /// Values that are no secret (a database name, a user) though they lie in one: replacing them would garble messages.
    plain: BTreeSet<(String, String)>,
}

pub(crate) fn resource() -> Resource {
    Resource::core("", "v1", "Secret", "secrets")
}

/// Random bytes as base64url text without padding.
pub(crate) fn random_text(bytes: usize) -> Result<String, Error> {
    let mut buffer = vec![0_u8; bytes.clamp(4, 1024)];
    SystemRandom::new().fill(&mut buffer).map_err(|_| Error::Generate("no randomness".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(&buffer))
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Vault {
    /// An empty vault that knows which keys of these Secrets are no secrets.
    pub(crate) fn knowing(specs: &[SecretSpec]) -> Self {
        let plain = specs
            .iter()
            .flat_map(|spec| spec.keys.iter().map(move |key| (spec, key)))
            .filter(|(_, key)| matches!(key.source, Source::Plain(_)))
            .map(|(spec, key)| (spec.name.clone(), key.name.clone()))
            .collect();
        Self { plain, ..Self::default() }
    }

    /// Takes the values out of a live Secret; the object keeps none.
    pub(crate) fn take_in(&mut self, secret: &mut Value) {
        let name = text(secret, "/metadata/name").to_owned();
        self.versions.insert(name.clone(), text(secret, "/metadata/resourceVersion").to_owned());
        if let Some(Value::Object(data)) = secret.get("data") {
            for (key, value) in data {
                let bytes = value.as_str().and_then(|v| STANDARD.decode(v).ok()).unwrap_or_default();
                // a key that is there and empty waits for its value
                if bytes.is_empty() {
                    continue;
                }
                let value = SecretString::from(String::from_utf8_lossy(&bytes).into_owned());
                self.values.insert((name.clone(), key.clone()), value);
            }
        }
        crate::compare::hide(secret);
    }

    fn has(&self, secret: &str, key: &str) -> bool {
        self.values.contains_key(&(secret.to_owned(), key.to_owned()))
    }

    fn get(&self, secret: &str, key: &str) -> Option<&SecretString> {
        self.values.get(&(secret.to_owned(), key.to_owned()))
    }

    fn put(&mut self, secret: &str, key: &str, value: SecretString) {
        self.values.insert((secret.to_owned(), key.to_owned()), value);
    }

    /// Replaces every known value in a text that may be shown, such as a pod's log.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        let secret = self.values.iter().filter(|(key, _)| !self.plain.contains(*key)).map(|(_, value)| value);
        for value in secret.map(|v| v.expose_secret().trim()).filter(|v| v.len() >= 8) {
            if clean.contains(value) {
                clean = clean.replace(value, "[secret]");
            }
        }
        clean
    }
}

/// What is needed to make values.
pub(crate) struct Maker<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: &'a str,
    pub(crate) given: &'a Given,
    pub(crate) certificates: Option<&'a CertificateMaker>,
}

/// Values that a person must give and did not, for Secrets that do not have them yet. `live` are the keys by Secret.
pub(crate) fn not_given(specs: &[&SecretSpec], vault: &Vault, given: &Given) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for spec in specs {
        for key in &spec.keys {
            if let Source::Given { variable, required: true } = &key.source
                && !vault.has(&spec.name, &key.name)
                && !given.contains_key(variable)
                && !missing.contains(variable)
            {
                missing.push(variable.clone());
            }
        }
    }
    missing
}

impl Maker<'_> {
    /// Makes what the Secrets lack and writes it. Returns the names of the keys that were made.
    pub(crate) async fn fill(
        &self,
        specs: &[&SecretSpec],
        vault: &mut Vault,
    ) -> Result<Vec<(String, Vec<String>)>, Error> {
        let missing = not_given(specs, vault, self.given);
        if !missing.is_empty() {
            return Err(Error::SecretNotGiven(missing));
        }
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut note = |spec: &SecretSpec, key: &str| made.entry(spec.name.clone()).or_default().push(key.to_owned());
        for spec in specs {
            for key in spec.keys.iter().filter(|k| !matches!(k.source, Source::Template(_))) {
                if self.due(spec, key, vault) {
                    for name in self.make(spec, key, vault)? {
                        note(spec, &name);
                    }
                }
            }
        }
        // Templates may refer to each other: as many rounds as there are templates.
        let mut open: Vec<(&SecretSpec, &SecretKey, &str)> = specs
            .iter()
            .flat_map(|spec| spec.keys.iter().map(move |key| (*spec, key)))
            .filter(|(spec, key)| !vault.has(&spec.name, &key.name))
            .filter_map(|(spec, key)| match &key.source {
                Source::Template(template) => Some((spec, key, template.as_str())),
                _ => None,
            })
            .collect();
        while !open.is_empty() {
            let before = open.len();
            let mut unknown = None;
            open.retain(|(spec, key, template)| match expand(template, vault) {
                Ok(value) => {
                    vault.put(&spec.name, &key.name, value);
                    note(spec, &key.name);
                    false
                }
                Err(reference) => {
                    unknown = Some((format!("{}/{}", spec.name, key.name), reference));
                    true
                }
            });
            if let Some((key, reference)) = unknown.filter(|_| open.len() == before) {
                return Err(Error::SecretReference { key, reference });
            }
        }
        for (secret, keys) in &made {
            self.write(secret, keys, vault).await?;
        }
        Ok(made.into_iter().collect())
    }

    /// Writes keys of one Secret. The resourceVersion makes sure that nobody's value is overwritten.
    pub(crate) async fn write(&self, secret: &str, keys: &[String], vault: &Vault) -> Result<(), Error> {
        let data: Map<String, Value> = keys
            .iter()
            .filter_map(|key| Some((key.clone(), STANDARD.encode(vault.get(secret, key)?.expose_secret()).into())))
            .collect();
        let version = vault.versions.get(secret).cloned().unwrap_or_default();
        let body = json!({"metadata": {"resourceVersion": version}, "data": data});
        let path = resource().path(Some(self.namespace), Some(secret));
        self.cluster
            .api
            .patch(&path, &body, Patch::Merge { manager: MANAGER })
            .await
            .map_err(|fault| fault.explain("patch", "Secret", Some(self.namespace), secret))?;
        Ok(())
    }

    fn due(&self, spec: &SecretSpec, key: &SecretKey, vault: &Vault) -> bool {
        match (&key.source, vault.get(&spec.name, &key.name)) {
            (Source::Certificate(_), Some(value)) if key.name.ends_with(".crt") && self.certificates.is_some() => {
                let ends = crate::certificate::not_after(value.expose_secret());
                ends.is_some_and(|ends| ends - self.cluster.clock.unix() < RENEW_SECONDS)
            }
            (_, existing) => existing.is_none(),
        }
    }

    /// Makes the value of one key and returns the names of the keys that were made with it.
    pub(crate) fn make(&self, spec: &SecretSpec, key: &SecretKey, vault: &mut Vault) -> Result<Vec<String>, Error> {
        let value: SecretString = match &key.source {
            Source::Random(bytes) => random_text(*bytes)?.into(),
            Source::Plain(text) => text.clone().into(),
            Source::Template(template) => expand(template, vault).map_err(|reference| Error::SecretReference {
                key: format!("{}/{}", spec.name, key.name),
                reference,
            })?,
            Source::PublishableKey => api_key(KeyKind::Publishable)?,
            Source::SecretApiKey => api_key(KeyKind::Secret)?,
            Source::SigningKeys => KeySet::generate().map_err(|e| Error::Generate(e.to_string()))?.into(),
            Source::Given { variable, .. } => match self.given.get(variable) {
                Some(value) => value.clone(),
                None => return Ok(Vec::new()),
            },
            Source::Certificate(names) => return self.certify(spec, names, vault),
        };
        vault.put(&spec.name, &key.name, value);
        Ok(vec![key.name.clone()])
    }

    /// Makes generated values anew, and what follows from them.
    pub(crate) async fn rotate(
        &self,
        specs: &[SecretSpec],
        names: &[String],
        vault: &mut Vault,
    ) -> Result<Vec<(String, Vec<String>)>, Error> {
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in names {
            let (secret, key) = name.split_once('/').map_or((name.as_str(), None), |(s, k)| (s, Some(k)));
            let found = specs.iter().filter(|s| s.name == secret).flat_map(|s| s.keys.iter().map(move |k| (s, k)));
            let before = made.len();
            for (spec, k) in found.filter(|(_, k)| is_generated(&k.source) && key.is_none_or(|wanted| wanted == k.name))
            {
                let old = vault.get(&spec.name, &k.name).cloned();
                let mut keys = self.make(spec, k, vault)?;
                if let (Source::SigningKeys, Some(old)) = (&k.source, old)
                    && let Some(new) = vault.get(&spec.name, &k.name)
                {
                    let joined = joined_keys(new.expose_secret(), old.expose_secret())?;
                    vault.put(&spec.name, &k.name, joined);
                }
                made.entry(spec.name.clone()).or_default().append(&mut keys);
            }
            if made.len() == before && !made.contains_key(secret) {
                return Err(Error::NothingToRotate(name.clone()));
            }
        }
        // templates that use what was made, and templates that use those
        for _ in 0..3 {
            for (spec, key) in specs.iter().flat_map(|s| s.keys.iter().map(move |k| (s, k))) {
                let Source::Template(template) = &key.source else { continue };
                let uses = made.iter().any(|(s, keys)| keys.iter().any(|k| template.contains(&format!("{{{s}/{k}}}"))));
                let known = made.get(&spec.name).is_some_and(|keys| keys.contains(&key.name));
                if uses && !known {
                    self.make(spec, key, vault)?;
                    made.entry(spec.name.clone()).or_default().push(key.name.clone());
                }
            }
        }
        for keys in made.values_mut() {
            keys.sort();
            keys.dedup();
        }
        for (secret, keys) in &made {
            self.write(secret, keys, vault).await?;
        }
        Ok(made.into_iter().collect())
    }

    fn certify(&self, spec: &SecretSpec, names: &[String], vault: &mut Vault) -> Result<Vec<String>, Error> {
        let Some(make) = self.certificates else {
            return Err(Error::Generate(format!("{} needs a certificate and nothing here makes one", spec.name)));
        };
        let pair = make(names, vault.get(&spec.name, "tls.key")).map_err(Error::Generate)?;
        vault.put(&spec.name, "tls.crt", pair.certificate.into());
        vault.put(&spec.name, "tls.key", pair.key);
        Ok(vec!["tls.crt".into(), "tls.key".into()])
    }
}

fn is_generated(source: &Source) -> bool {
    !matches!(source, Source::Plain(_) | Source::Template(_) | Source::Given { .. })
}

/// Keys that a Secret which exists already lacks.
pub(crate) fn missing(spec: &SecretSpec, live: &Value) -> Vec<String> {
    let needed = |key: &&SecretKey| !matches!(key.source, Source::Given { required: false, .. });
    let has = |key: &&SecretKey| live.get("data").and_then(|d| d.get(&key.name)).is_some();
    spec.keys.iter().filter(needed).filter(|k| !has(k)).map(|k| k.name.clone()).collect()
}

fn api_key(kind: KeyKind) -> Result<SecretString, Error> {
    Ok(generate_api_key(kind).map_err(|e| Error::Generate(e.to_string()))?.into())
}

/// Replaces `{secret/key}`. Braces around anything without a slash stay, so that JSON can be a template. The error is the
/// reference that is not known.
fn expand(template: &str, vault: &Vault) -> Result<SecretString, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let reference = rest.find('}').map(|close| &rest[1..close]);
        match reference.and_then(|r| r.split_once('/')) {
            Some((secret, key)) if !secret.contains(['{', '"', ' ']) => {
                let value = vault.get(secret, key).ok_or_else(|| format!("{secret}/{key}"))?;
                out.push_str(value.expose_secret());
                rest = &rest[secret.len() + key.len() + 3..];
            }
            _ => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out.into())
}

/// A new set of signing keys in which the old ones go on verifying.
pub(crate) fn joined_keys(new: &str, old: &str) -> Result<SecretString, Error> {
    let read = |text: &str| {
        serde_json::from_str::<Vec<Value>>(text)
            .map_err(|_| Error::Generate("the signing keys are no JWK array".into()))
    };
    let mut all = read(new)?;
    for mut key in read(old)? {
        // one key signs; more than the newest few need not be kept
        key["key_ops"] = json!(["verify"]);
        all.push(key);
    }
    all.truncate(4);
    Ok(Value::Array(all).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(values: &[(&str, &str, &str)]) -> Vault {
        let mut vault = Vault::default();
        for (secret, key, value) in values {
            vault.put(secret, key, (*value).into());
        }
        vault
    }

    #[test]
    fn templates_take_values_of_other_keys() {
        let vault = vault(&[("db", "USER", "ann"), ("db", "PASSWORD", "s3cr3t-value")]);
        let value = expand("postgres://{db/USER}:{db/PASSWORD}@h/{x} {\"a\": 1}", &vault).unwrap();
        assert_eq!(value.expose_secret(), "postgres://ann:s3cr3t-value@h/{x} {\"a\": 1}");
        assert_eq!(expand("{db/NONE}", &vault).unwrap_err(), "db/NONE");
        for hostile in ["{", "{a/", "{a/b", "}{", "{{db/USER}}"] {
            let _ = expand(hostile, &vault);
        }
    }

    #[test]
    fn a_vault_prints_names_only_and_redacts_its_values() {
        let vault = vault(&[("db", "PASSWORD", "s3cr3t-value")]);
        assert!(!format!("{vault:?}").contains("s3cr3t"));
        assert_eq!(vault.redact("login with s3cr3t-value failed"), "login with [secret] failed");
    }

    #[test]
    fn what_is_no_secret_is_not_redacted() {
        let key = |name: &str, source| SecretKey { name: name.into(), source };
        let spec = SecretSpec {
            name: "db".into(),
            keys: vec![key("USER", Source::Plain("postgres".into())), key("PASSWORD", Source::Random(24))],
        };
        let mut vault = Vault::knowing(&[spec]);
        vault.put("db", "USER", SecretString::from("postgres".to_owned()));
        vault.put("db", "PASSWORD", SecretString::from("s3cr3t-value".to_owned()));
        assert_eq!(vault.redact("StatefulSet postgres: s3cr3t-value"), "StatefulSet postgres: [secret]");
    }

    #[test]
    fn rotated_signing_keys_keep_verifying() {
        let (old, new) = (KeySet::generate().unwrap(), KeySet::generate().unwrap());
        let joined = joined_keys(&new, &old).unwrap();
        let set = KeySet::new(None, Some(joined.expose_secret())).unwrap();
        assert_eq!(set.jwks()["keys"].as_array().map(Vec::len), Some(2));
    }
}
