//! `mainstay rollback`.

use super::output::Narrator;
use super::{confirmed, deploy::explain, place, reach, stoppable, system};
use crate::cli::Rollback;
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::{Options, ReleaseStatus};

pub(in crate::commands) async fn run(arguments: &Rollback) -> Outcome {
    let system = system(&arguments.project, &arguments.target)?;
    let cluster = reach(&arguments.target).await?;
    let releases = mainstay_cluster::history(&cluster, &system.namespace).await?;
    if arguments.list {
        if arguments.json {
            terminal::say(&serde_json::to_string_pretty(&releases)?);
            return Ok(());
        }
        if releases.is_empty() {
            terminal::say("no release is recorded");
        }
        for release in &releases {
            let status = if release.status == ReleaseStatus::Deployed { "deployed" } else { "failed" };
            let note = release.note.lines().next().unwrap_or_default();
            terminal::say(
                format!(
                    "{:>4}  {status:<9} {}  {:<12} {}  {note}",
                    release.number, release.time, release.version, release.who
                )
                .trim_end(),
            );
        }
        return Ok(());
    }
    let to = arguments
        .to
        .map_or_else(|| "the last good release before the current one".to_owned(), |n| format!("release {n}"));
    if !arguments.json {
        terminal::progress(&format!("{} → {to}, at {}", system.project.name, place(&cluster, &system.namespace)));
    }
    if !arguments.yes && !confirmed("Go back? Migrations are not undone. [y/N]", "")? {
        terminal::warn("nothing was changed");
        return Ok(());
    }
    let options = Options { wait: !arguments.no_wait, ..Options::default() };
    let narrator = Narrator::new(arguments.json);
    let work = mainstay_cluster::rollback(&cluster, &system.namespace, arguments.to, &options, &narrator);
    let outcome = stoppable(&cluster, &system.namespace, &narrator, work).await?.map_err(explain)?;
    if arguments.json {
        terminal::say(&serde_json::to_string(&serde_json::json!({ "event": "done", "outcome": outcome }))?);
    } else {
        let release = outcome.release.map_or_else(|| "none".to_owned(), |n| n.to_string());
        terminal::done(&format!("done in {:.1} s; the current release is {release}", outcome.seconds));
    }
    Ok(())
}
