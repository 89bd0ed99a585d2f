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
use crate::failure::Outcome;
use crate::kubernetes;
use crate::terminal;
use mainstay_cluster::{Cluster, Desired, connect};
use mainstay_deploy::System;
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::Flag;
use std::io::{BufRead as _, IsTerminal as _};

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
    Ok(connect(target.context.as_deref(), target.kubeconfig.as_deref(), SystemClock::shared()).await?)
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
