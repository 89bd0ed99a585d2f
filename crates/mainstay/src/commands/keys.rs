//! `mainstay keys`.

use crate::cli;
use crate::config::Config;
use crate::failure::Outcome;
use crate::project::Project;
use crate::secrets::{Secrets, key_set};
use crate::terminal;
use mainstay_identity::{ApiKeys, Signer};
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::ExposeSecret as _;
use serde_json::json;

pub(super) fn run(arguments: &cli::Project, as_json: bool) -> Outcome {
    let project = Project::open(arguments)?;
    project.require_file()?;
    let config = Config::load(&project, Vec::new())?;
    let clock = SystemClock::shared();
    let secrets = Secrets::load_or_make(&project, &clock)?;
    let mut identity = config.identity.clone();
    secrets.complete(&mut identity);
    // with a configured secret, the stored JWT keys would not verify: sign them anew
    let (anon, service) = if config.identity.jwt_secret.is_some() || config.identity.jwt_keys.is_some() {
        let signer = Signer::new(key_set(&identity)?);
        (ApiKeys::legacy(&signer, "anon", clock.unix())?, ApiKeys::legacy(&signer, "service_role", clock.unix())?)
    } else {
        (secrets.anon_key.clone(), secrets.service_key.clone())
    };
    let url = project.running().map_or_else(|| crate::app::public_url(&config, config.gateway.port), |run| run.url);
    let database_url = database_url(&project, &config, &secrets)?;
    let expose = |key: &Option<mainstay_kernel::config::SecretString>| {
        key.as_ref().map(|k| k.expose_secret().to_owned()).unwrap_or_default()
    };
    let (publishable, secret) = (expose(&identity.publishable_key), expose(&identity.secret_key));
    if as_json {
        let keys = json!({
            "url": url, "anon_key": anon, "service_key": service,
            "publishable_key": publishable, "secret_key": secret, "database_url": database_url,
        });
        terminal::say(&serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    for (name, value, about) in [
        ("url", &url, "where clients connect"),
        ("publishable_key", &publishable, "for browsers and apps; acts as anon until someone signs in"),
        ("secret_key", &secret, "for your own servers only; passes row-level security"),
        ("anon_key", &anon, "older form of the publishable key"),
        ("service_key", &service, "older form of the secret key"),
        ("database_url", &database_url, "the database, as the project's owner"),
    ] {
        terminal::say(&format!("{name:<16} {value}\n{:<16} ({about})", ""));
    }
    Ok(())
}

fn database_url(project: &Project, config: &Config, secrets: &Secrets) -> Outcome<String> {
    if let Some(options) = crate::database::external(config)? {
        return Ok(options.url().expose_secret().to_owned());
    }
    let port = project.running().and_then(|run| run.database_port).unwrap_or(config.database.port);
    Ok(format!("postgresql://postgres:{}@127.0.0.1:{port}/postgres?sslmode=disable", secrets.database_owner_password))
}
