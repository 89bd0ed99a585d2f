//! `mainstay deploy`.

use super::output::{Narrator, plan_text};
use super::{confirmed, desired, place, reach, stoppable, system, told};
use crate::cli::Deploy;
use crate::failure::{Failure, Outcome};
use crate::roles;
use crate::terminal;
use anyhow::Context as _;
use mainstay_cluster::{CertificateMaker, CertifiedKey, Change, Cluster, Desired, Options};
use mainstay_deploy::System;
use mainstay_kernel::clock::{Clock as _, SystemClock};
use mainstay_kernel::config::{ConfigError, ExposeSecret as _, SecretString};
use mainstay_manifest::Source;
use std::path::Path;
use std::sync::Arc;

/// Days that a certificate of our own making lasts. `deploy` renews it thirty days before.
const CERTIFICATE_DAYS: i64 = 397;

pub(in crate::commands) async fn run(arguments: &Deploy) -> Outcome {
    let mut told = false;
    let ended = go(arguments, &mut told).await;
    if let (Err(failure), true, false) = (&ended, arguments.json, told) {
        // whoever reads the lines finds the end in the last one, whatever it is
        terminal::say(&serde_json::json!({ "event": "failed", "message": failure.to_string() }).to_string());
    }
    ended
}

async fn go(arguments: &Deploy, told: &mut bool) -> Outcome {
    let system = system(&arguments.project, &arguments.target)?;
    refuse_missing_roles(&system)?;
    let desired = desired(&system);
    let mut options = options(arguments, &desired)?;
    let cluster = reach(&arguments.target).await?;
    if !arguments.any_version {
        mainstay_cluster::require_version(&cluster).await?;
    }
    if !arguments.json {
        terminal::progress(&format!("{} → {}", system.project.name, place(&cluster, &system.namespace)));
    }
    let asks = !arguments.yes || arguments.dry_run;
    if asks && !approved(arguments, &cluster, &system, &desired, &options).await? {
        return Ok(());
    }
    let narrator = Narrator::new(arguments.json);
    let mut rotated = Vec::new();
    if !arguments.rotate.is_empty() {
        let wanted = rotation(&system, &desired, &arguments.rotate)?;
        rotated = mainstay_cluster::rotate(&cluster, &desired, &wanted, &options, &narrator).await?;
        if rotated.iter().any(|(secret, _)| *secret == system.init_secret()) {
            // the Job sets the passwords of the logins: it has to run again before the pods use the new ones
            let job = system.project.database.init_name.clone();
            mainstay_cluster::remove_jobs(&cluster, &system.namespace, &[job]).await?;
            options.rerun_jobs = true;
        }
    }
    let work = mainstay_cluster::deploy(&cluster, &desired, &options, &narrator);
    match stoppable(&cluster, &system.namespace, &narrator, work).await? {
        Ok(outcome) => {
            let names: Vec<_> = rotated.iter().map(|(secret, _)| secret.as_str()).collect();
            restart_readers(&cluster, &system, &desired, &names).await?;
            if arguments.json {
                terminal::say(&serde_json::to_string(&serde_json::json!({ "event": "done", "outcome": outcome }))?);
                return Ok(());
            }
            outcome.notes.iter().for_each(|note| terminal::warn(note));
            let count = |change| outcome.changes.iter().filter(|a| a.change == change).count();
            terminal::done(&format!(
                "{} created, {} changed, {} removed, {} unchanged in {:.1} s ({} requests)",
                count(Change::Created),
                count(Change::Changed),
                count(Change::Pruned),
                count(Change::Unchanged),
                outcome.seconds,
                outcome.requests
            ));
            if arguments.no_wait {
                terminal::warn("not waited for; `mainstay status --cluster` shows how it goes");
            } else {
                terminal::say(&format!("`mainstay open {}` shows the way in", arguments.project.dir.display()));
            }
            Ok(())
        }
        Err(failure) => {
            if arguments.json {
                let error = &failure.error;
                let end = serde_json::json!({
                    "event": "failed", "code": error.code(), "message": error.to_string(), "remedy": error.remedy(),
                    "rolled_back_to": failure.rolled_back_to,
                });
                terminal::say(&end.to_string());
                *told = true;
            }
            Err(explain(failure))
        }
    }
}

/// What went wrong, and what became of the cluster.
pub(super) fn explain(failure: mainstay_cluster::Failure) -> Failure {
    let after = match (&failure.rolled_back_to, &failure.rollback) {
        (Some(number), _) => format!("\n  The cluster is back at release {number}."),
        (None, Some(error)) => format!("\n  Going back failed as well: {error}"),
        (None, None) => String::new(),
    };
    Failure::Failed(anyhow::anyhow!("{}{after}", told(&failure.error)))
}

/// Roles that are planned and not built yet can be rendered, and would not start.
fn refuse_missing_roles(system: &System) -> Outcome {
    let missing: Vec<_> = system
        .workloads()
        .flat_map(|component| component.roles())
        .filter(|role| !roles::ROLES.iter().any(|known| known.name == role.name))
        .map(|role| role.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let problem = format!(
        "this version of mainstay has no role {}; its pods would not start. Leave it out (`mainstay roles` lists what there is)",
        missing.join(", ")
    );
    Err(ConfigError::new("`kubernetes.roles`", problem).into())
}

/// Shows the preflight and the plan, and asks.
async fn approved(
    arguments: &Deploy,
    cluster: &Cluster,
    system: &System,
    desired: &Desired,
    options: &Options,
) -> Outcome<bool> {
    let found = super::doctor::examine(cluster, system, desired).await?;
    let plan = mainstay_cluster::plan(cluster, desired, options).await.map_err(|error| told(&error))?;
    if arguments.json {
        terminal::say(&serde_json::to_string(
            &serde_json::json!({ "event": "plan", "preflight": found, "plan": plan }),
        )?);
    } else {
        for finding in found.findings.iter().filter(|f| f.severity >= mainstay_cluster::Severity::Warning) {
            terminal::warn(&super::doctor::line(finding));
        }
        terminal::say(plan_text(&plan).trim_end());
    }
    if found.is_blocked() {
        return Err(anyhow::anyhow!(
            "the cluster cannot take the project yet; `mainstay doctor --cluster` says what to do"
        )
        .into());
    }
    if arguments.dry_run || (!plan.changes() && arguments.rotate.is_empty()) {
        if !arguments.json {
            terminal::done(if arguments.dry_run { "nothing was changed" } else { "nothing to change" });
        }
        return Ok(false);
    }
    if confirmed("Deploy this? [y/N]", "")? {
        return Ok(true);
    }
    terminal::warn("nothing was changed");
    Ok(false)
}

fn options(arguments: &Deploy, desired: &Desired) -> Outcome<Options> {
    // only the variables that some Secret asks for are read
    let given = desired
        .secrets
        .iter()
        .flat_map(|spec| &spec.keys)
        .filter_map(|key| match &key.source {
            Source::Given { variable, .. } => Some(variable.clone()),
            _ => None,
        })
        .filter_map(|name| {
            Some((name.clone(), SecretString::from(std::env::var(&name).ok().filter(|v| !v.is_empty())?)))
        })
        .collect();
    Ok(Options {
        wait: !arguments.no_wait,
        deadline: arguments.timeout.0,
        adopt_namespace: arguments.adopt_namespace,
        take_ownership: arguments.take_ownership.clone(),
        prune: !arguments.no_prune,
        atomic: arguments.atomic,
        given,
        certificates: Some(certificates(arguments.tls_cert.as_deref(), arguments.tls_key.as_deref())?),
        ..Options::default()
    })
}

/// Makes certificates, or hands out the given one.
fn certificates(certificate: Option<&Path>, key: Option<&Path>) -> Outcome<CertificateMaker> {
    if let (Some(certificate), Some(key)) = (certificate, key) {
        // a pair that does not fit is found here and not by the Ingress
        mainstay_kernel::tls::from_files(certificate, key)?;
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        let (certificate, key) = (read(certificate)?, SecretString::from(read(key)?));
        return Ok(Arc::new(move |_: &[String], _: Option<&SecretString>| {
            Ok(CertifiedKey { certificate: certificate.clone(), key: key.clone() })
        }));
    }
    Ok(Arc::new(|names: &[String], key: Option<&SecretString>| {
        let now = SystemClock.unix();
        let made = mainstay_kernel::tls::self_signed_pem(names, key.map(|k| k.expose_secret()), now, CERTIFICATE_DAYS)
            .map_err(|error| error.to_string())?;
        Ok(CertifiedKey { certificate: made.certificate, key: made.key })
    }))
}

/// What is to be made anew: whole Secrets as their keys. The password of PostgreSQL's owner is left out, and refused when it
/// is asked for by name: the image takes it when it makes the database, and never again.
fn rotation(system: &System, desired: &Desired, wanted: &[String]) -> Outcome<Vec<String>> {
    const OWNER: &str = "POSTGRES_PASSWORD";
    let database = system.project.database.secret_name.as_str();
    let mut all = Vec::new();
    for name in wanted {
        if *name == format!("{database}/{OWNER}") {
            let problem = anyhow::anyhow!(
                "{name} cannot be rotated here: PostgreSQL takes it only when it makes the database. Change it in the \
                 database first (alter role … password), then in the Secret"
            );
            return Err(problem.into());
        }
        if name != database {
            all.push(name.clone());
            continue;
        }
        let keys = desired.secrets.iter().filter(|spec| spec.name == database).flat_map(|spec| &spec.keys);
        let made = keys.filter(|key| matches!(key.source, Source::Random(_)) && key.name != OWNER);
        all.extend(made.map(|key| format!("{database}/{}", key.name)));
    }
    Ok(all)
}

/// Restarts what reads the rotated Secrets.
async fn restart_readers(cluster: &Cluster, system: &System, desired: &Desired, secrets: &[&str]) -> Outcome {
    if secrets.is_empty() {
        return Ok(());
    }
    let readers: Vec<_> = desired
        .objects
        .iter()
        // the server itself has no use for a changed login: it would only be away for a moment
        .filter(|object| object.kind() == "Deployment")
        .filter(|object| {
            let volumes = object.value.pointer("/spec/template/spec/volumes").and_then(|v| v.as_array());
            volumes.into_iter().flatten().any(|volume| {
                volume
                    .pointer("/secret/secretName")
                    .and_then(|n| n.as_str())
                    .is_some_and(|name| secrets.contains(&name))
            })
        })
        .map(|object| (object.kind().to_owned(), object.name().to_owned()))
        .collect();
    mainstay_cluster::restart(cluster, &system.namespace, &readers).await?;
    Ok(())
}
