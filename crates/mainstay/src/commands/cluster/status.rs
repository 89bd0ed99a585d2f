//! `mainstay status --cluster`.

use super::{place, reach, system};
use crate::cli::{Project, Target};
use crate::failure::Outcome;
use crate::terminal::say;
use mainstay_cluster::{Entry, Status};

pub(in crate::commands) async fn run(project: &Project, target: &Target, json: bool) -> Outcome {
    let system = system(project, target)?;
    let cluster = reach(target).await?;
    let (name, namespace) = (system.project.name.as_str(), system.namespace.as_str());
    let status = mainstay_cluster::status(&cluster, name, namespace).await?;
    let entries = mainstay_cluster::addresses(&cluster, name, namespace).await?;
    if json {
        let all = serde_json::json!({ "status": status, "entries": entries });
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    say(&place(&cluster, namespace));
    text(&status, &entries);
    Ok(())
}

fn text(status: &Status, entries: &[Entry]) {
    match &status.release {
        Some(release) => say(&format!("release      {} of {} by {}", release.number, release.time, release.who)),
        None => say("release      none is recorded"),
    }
    for workload in &status.workloads {
        let restarts = if workload.restarts > 0 { format!(", {} restarts", workload.restarts) } else { String::new() };
        say(&format!(
            "{:<12} {:<24} {}/{} {}{restarts}  {}",
            workload.kind,
            workload.name,
            workload.ready,
            workload.desired,
            workload.state,
            workload.images.join(", ")
        ));
    }
    for scaler in &status.autoscalers {
        let trouble = if scaler.trouble.is_empty() { String::new() } else { format!("  {}", scaler.trouble) };
        let range = format!("{} of {}–{}", scaler.current, scaler.min, scaler.max);
        say(&format!("{:<12} {:<24} {range} pods of {}{trouble}", "Autoscaler", scaler.name, scaler.target));
    }
    for volume in &status.volumes {
        say(&format!("{:<12} {:<24} {} {} {}", "Volume", volume.name, volume.phase, volume.size, volume.class));
    }
    for certificate in &status.certificates {
        say(&format!("{:<12} {:<24} {} days left", "Certificate", certificate.secret, certificate.days_left));
    }
    for entry in entries {
        let url = entry.url.as_deref().unwrap_or("no address yet");
        let note = if entry.note.is_empty() { String::new() } else { format!("  {}", entry.note) };
        say(&format!("{:<12} {:<24} {url}{note}", "Way in", entry.name));
    }
    for drift in &status.drift {
        say(&format!("drift        {} owns {} of {}", drift.manager, drift.fields.join(", "), drift.object));
    }
    for trouble in &status.troubles {
        say(&format!("trouble      {trouble}"));
    }
}
