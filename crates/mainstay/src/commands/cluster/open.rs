//! `mainstay open`.

use super::{reach, system};
use crate::cli::{Open, Via};
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::Cluster;
use mainstay_deploy::System;
use tokio::net::TcpListener;

pub(in crate::commands) async fn run(arguments: &Open) -> Outcome {
    let system = system(&arguments.project, &arguments.target)?;
    let cluster = reach(&arguments.target).await?;
    if arguments.component.is_some() || arguments.via == Some(Via::PortForward) {
        return forward(arguments, &system, &cluster).await;
    }
    let entries = mainstay_cluster::addresses(&cluster, &system.project.name, &system.namespace).await?;
    let wanted = arguments.via.and_then(|via| match via {
        Via::PortForward => None,
        Via::Nodeport => Some(mainstay_cluster::Via::NodePort),
        Via::Ingress => Some(mainstay_cluster::Via::Ingress),
        Via::Loadbalancer => Some(mainstay_cluster::Via::LoadBalancer),
    });
    let entries: Vec<_> = entries.into_iter().filter(|entry| wanted.is_none_or(|via| entry.via == via)).collect();
    if entries.is_empty() && arguments.via.is_some() {
        return Err(anyhow::anyhow!("the project has no such way in; add it to `[expose] via` and deploy").into());
    }
    for entry in &entries {
        let note = if entry.note.is_empty() { String::new() } else { format!("  ({})", entry.note) };
        terminal::say(&format!("{}{note}", entry.url.as_deref().unwrap_or("no address yet")));
    }
    if entries.is_empty() {
        terminal::warn("the project has no way in from outside; leading a port of this machine to it instead");
        return forward(arguments, &system, &cluster).await;
    }
    Ok(())
}

/// Leads a port of this machine to a pod, until the command is ended.
async fn forward(arguments: &Open, system: &System, cluster: &Cluster) -> Outcome {
    let gateway = system.home_of("gateway").map_or("gateway", |component| component.name.as_str());
    let component = arguments.component.as_deref().unwrap_or(gateway);
    let port = match system.component(component) {
        Some(known) if known.port("http") == 0 => known.ports.first().map_or("http", |(name, _)| *name),
        _ => "http",
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await.map_err(|error| {
        anyhow::anyhow!("port {} of this machine cannot be used ({error}); choose another with --port", arguments.port)
    })?;
    let local = listener.local_addr()?.port();
    let scheme = if component == gateway && system.tls_at_gateway() { "https" } else { "http" };
    terminal::say(&format!("{scheme}://localhost:{local} leads to {component}; end with Ctrl-C"));
    let (project, namespace) = (system.project.name.as_str(), system.namespace.as_str());
    let forwarding = mainstay_cluster::forward(cluster, project, namespace, component, port, listener, |error| {
        terminal::warn(error)
    });
    tokio::select! {
        ended = forwarding => Ok(ended?),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
