//! Secrets of a project on one machine: generated once into `.mainstay/secrets.json` (mode 0600), then kept.

use crate::config::Config;
use crate::failure::Outcome;
use crate::project::{Project, write_new};
use anyhow::Context as _;
use mainstay_identity::{ApiKeys, Config as IdentityConfig, KeyKind, KeySet, Signer, generate_api_key};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::config::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// Everything that must survive restarts and must not stand in the project folder.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) jwt_secret: String,
    pub(crate) jwt_keys: String,
    pub(crate) publishable_key: String,
    pub(crate) secret_key: String,
    pub(crate) anon_key: String,
    pub(crate) service_key: String,
    pub(crate) database_superuser_password: String,
    pub(crate) database_owner_password: String,
    pub(crate) database_authenticator_password: String,
    pub(crate) database_auth_password: String,
}

impl Secrets {
    /// Reads the project's secrets; makes them on first use.
    pub(crate) fn load_or_make(project: &Project, clock: &SharedClock) -> Outcome<Self> {
        if let Some(secrets) = Self::load(project)? {
            return Ok(secrets);
        }
        project.make_data()?;
        let secrets = Self::generate(clock)?;
        let text = serde_json::to_vec_pretty(&secrets)?;
        if write_new(&project.data.join("secrets.json"), &text, 0o600)? {
            return Ok(secrets);
        }
        // another command made them at the same time: there is only one truth
        Ok(Self::load(project)?.context("secrets.json")?)
    }

    /// Like [`Secrets::load_or_make`]; but when the configuration has every login of the database, nothing is generated
    /// that would have to be kept, and no folder has to be writable.
    pub(crate) fn for_database(project: &Project, config: &Config, clock: &SharedClock) -> Outcome<Self> {
        crate::database::require_owner(config)?;
        let database = &config.database;
        if database.url.is_none() {
            return Self::load_or_make(project, clock);
        }
        if database.data_url.is_some() && database.auth_url.is_some() {
            return Self::ephemeral(clock);
        }
        Self::load_or_make(project, clock).map_err(|failure| {
            failure.during(
                "the passwords of the logins `authenticator` and `supabase_auth_admin` cannot be kept; give both as \
                 MAINSTAY_DATABASE_DATA_URL and MAINSTAY_DATABASE_AUTH_URL, or name a writable folder with --data-dir",
            )
        })
    }

    /// Reads the project's secrets, when there are any.
    pub(crate) fn load(project: &Project) -> Outcome<Option<Self>> {
        let path = project.data.join("secrets.json");
        match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow::Error::new(error).context(path.display().to_string()).into()),
            Ok(bytes) => {
                // the error's text may quote the file, which is secret: say only where it stands
                let secrets = serde_json::from_slice(&bytes).map_err(|e| {
                    anyhow::anyhow!(
                        "{} is damaged (line {}); restore it from a backup, or move it away to get new keys",
                        path.display(),
                        e.line()
                    )
                })?;
                Ok(Some(secrets))
            }
        }
    }

    /// Secrets that nobody keeps, for a process that gets the real ones from its environment.
    pub(crate) fn ephemeral(clock: &SharedClock) -> Outcome<Self> {
        Self::generate(clock)
    }

    fn generate(clock: &SharedClock) -> Outcome<Self> {
        let jwt_secret = password()?;
        let jwt_keys = KeySet::generate()?;
        let signer = Signer::new(KeySet::new(Some(&jwt_secret), Some(&jwt_keys))?);
        Ok(Self {
            publishable_key: generate_api_key(KeyKind::Publishable)?,
            secret_key: generate_api_key(KeyKind::Secret)?,
            anon_key: ApiKeys::legacy(&signer, "anon", clock.unix())?,
            service_key: ApiKeys::legacy(&signer, "service_role", clock.unix())?,
            jwt_secret,
            jwt_keys,
            database_superuser_password: password()?,
            database_owner_password: password()?,
            database_authenticator_password: password()?,
            database_auth_password: password()?,
        })
    }

    /// Fills what the configuration leaves open with the generated values. A configured shared secret without
    /// configured key pairs stands alone: then it also signs.
    pub(crate) fn complete(&self, config: &mut IdentityConfig) {
        let secret = |text: &String| Some(SecretString::from(text.clone()));
        if config.jwt_secret.is_none() && config.jwt_keys.is_none() {
            config.jwt_secret = secret(&self.jwt_secret);
            config.jwt_keys = secret(&self.jwt_keys);
        }
        if config.publishable_key.is_none() {
            config.publishable_key = secret(&self.publishable_key);
        }
        if config.secret_key.is_none() {
            config.secret_key = secret(&self.secret_key);
        }
    }
}

/// The key set that a configuration describes.
pub(crate) fn key_set(config: &IdentityConfig) -> Outcome<KeySet> {
    let expose = |secret: &Option<SecretString>| secret.as_ref().map(|s| s.expose_secret().to_owned());
    let keys = KeySet::new(expose(&config.jwt_secret).as_deref(), expose(&config.jwt_keys).as_deref());
    Ok(keys.context("[identity]")?)
}

/// 32 random bytes as text, through the generator of API keys (16 bytes each).
fn password() -> Outcome<String> {
    let part = || -> Outcome<String> {
        let key = generate_api_key(KeyKind::Secret)?;
        Ok(key.split('_').skip(2).collect::<Vec<_>>().join("_"))
    };
    Ok(format!("{}{}", part()?, part()?))
}
