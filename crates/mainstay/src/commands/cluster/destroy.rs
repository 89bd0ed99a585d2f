//! `mainstay destroy`.

use super::output::Narrator;
use super::{confirmed, place, reach, system};
use crate::cli::Destroy;
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::{Change, Data};

pub(in crate::commands) async fn run(arguments: &Destroy) -> Outcome {
    let system = system(&arguments.project, &arguments.target)?;
    let cluster = reach(&arguments.target).await?;
    let name = system.project.name.as_str();
    terminal::progress(&format!("{name} at {}", place(&cluster, &system.namespace)));
    let data = if arguments.delete_data { Data::Delete } else { Data::Keep };
    if !agreed(arguments, name)? {
        terminal::warn("nothing was removed");
        return Ok(());
    }
    let narrator = Narrator::new(false);
    let patience = arguments.timeout.0;
    let done = mainstay_cluster::destroy(&cluster, name, &system.namespace, data, patience, &narrator).await?;
    let count = |change| done.iter().filter(|a| a.change == change).count();
    terminal::done(&format!("{} removed, {} kept", count(Change::Pruned), count(Change::Kept)));
    if !arguments.delete_data {
        terminal::say(
            "volumes, generated Secrets and the namespace are still there: the next `mainstay deploy` finds them",
        );
    }
    Ok(())
}

fn agreed(arguments: &Destroy, name: &str) -> Outcome<bool> {
    match &arguments.yes {
        Some(given) if arguments.delete_data && given != name => {
            Err(anyhow::anyhow!("with --delete-data the project must be named: --yes {name}").into())
        }
        Some(_) => Ok(true),
        None if arguments.delete_data => {
            terminal::warn("this removes the database with everything in it");
            confirmed(&format!("Type the name of the project ({name}) to remove it with its data:"), name)
        }
        None => confirmed("Remove everything but the data? [y/N]", ""),
    }
}
