//! Commands that talk to a Kubernetes cluster.

pub(super) mod deploy;
pub(super) mod destroy;
pub(super) mod diff;
pub(super) mod doctor;
pub(super) mod logs;
pub(super) mod open;
mod output;
pub(super) mod rollback;
pub(super) mod status;

use crate::cli::{Project, Target};
use crate::failure::{Failure, Outcome};
use crate::kubernetes;
use crate::terminal;
use mainstay_cluster::{Cluster, Desired, Error, connect};
use mainstay_deploy::System;
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::Flag;
use output::Narrator;
use std::io::{BufRead as _, IsTerminal as _};
use tokio::signal::unix::{SignalKind, signal};

/// The settings that `--namespace` and `--image` stand for.
pub(super) fn flags(target: &Target) -> Vec<Flag> {
    let flag = |flag, key, value: &Option<String>| {
        value.as_ref().map(|value| Flag { flag, section: "kubernetes", key, value: value.clone().into() })
    };
    [flag("--namespace", "namespace", &target.namespace), flag("--image", "image", &target.image)]
        .into_iter()
        .flatten()
        .collect()
}

/// The project as a cluster should have it.
fn system(project: &Project, target: &Target) -> Outcome<System> {
    kubernetes::system(project, flags(target))
}

/// What a system wants of a cluster.
fn desired(system: &System) -> Desired {
    Desired {
        project: system.project.name.clone(),
        namespace: system.namespace.clone(),
        version: system.project.version.clone(),
        objects: mainstay_deploy::objects(system),
        secrets: mainstay_deploy::secrets(system),
        migrations: system.project.migrations.iter().map(|(name, _)| name.clone()).collect(),
    }
}

async fn reach(target: &Target) -> Outcome<Cluster> {
    let connected = connect(target.context.as_deref(), target.kubeconfig.as_deref(), SystemClock::shared()).await;
    connected.map_err(|error| told(&error))
}

/// Does work that holds the deployment's lock, until Ctrl-C or SIGTERM. Left as it is, the lock would keep the next
/// deployment waiting until it runs out.
async fn stoppable<T>(
    cluster: &Cluster,
    namespace: &str,
    narrator: &Narrator,
    work: impl Future<Output = T>,
) -> Outcome<T> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        ended = work => return Ok(ended),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    if narrator.has_begun() {
        mainstay_cluster::break_lock(cluster, namespace).await?;
    }
    terminal::warn("what was applied until now stays; deploy again to go on");
    Err(Failure::Stopped)
}

/// An error with its code and what to do about it. Several errors that say the same are said once.
fn told(error: &Error) -> Failure {
    let one = |error: &Error| {
        // the code goes behind the sentence, and not behind the log or the fields that follow it
        let text = error.to_string();
        let (sentence, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
        let told = format!("{} ({}){rest}", sentence.trim_end_matches(':'), error.code());
        match (error, error.remedy()) {
            // it brings a hint of its own
            (Error::Failed(_), _) | (_, "") => told,
            (_, remedy) => format!("{told}\n  → {remedy}"),
        }
    };
    let Error::Several(all) = error else { return Failure::Failed(anyhow::anyhow!(one(error))) };
    let mut lines: Vec<String> = Vec::new();
    for line in all.iter().map(one) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Failure::Failed(anyhow::anyhow!(lines.join("\n")))
}

/// Where changes go, in a line: it is the one thing that is easily wrong.
fn place(cluster: &Cluster, namespace: &str) -> String {
    let origin = cluster.origin();
    let context = if origin.context.is_empty() { "this pod's own cluster" } else { &origin.context };
    format!("context {context} ({}), namespace {namespace}", origin.server)
}

/// Asks at the terminal. Without one there is nobody to ask, and nothing is done.
fn confirmed(question: &str, expected: &str) -> Outcome<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(anyhow::anyhow!("nobody can be asked here; say --yes to go on without asking").into());
    }
    terminal::ask(&format!("{question} "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(if expected.is_empty() { matches!(answer, "y" | "Y" | "yes") } else { answer == expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_and_every_error_has_its_code() {
        let same = || Error::Unauthorised("no".to_owned());
        let text = told(&Error::Several(vec![same(), same(), Error::NotFound("Nothing.".to_owned())])).to_string();
        assert_eq!((text.matches("MC004").count(), text.matches("MC070").count()), (1, 1), "{text}");
        assert!(!text.contains("MC090"), "{text}");
    }
}
