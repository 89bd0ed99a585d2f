//! `mainstay diff`.

use super::output::plan_text;
use super::{desired, place, reach, system, told};
use crate::cli::Diff;
use crate::failure::{Failure, Outcome};
use crate::terminal;
use mainstay_cluster::Options;

pub(in crate::commands) async fn run(arguments: &Diff) -> Outcome {
    compare(arguments).await.map_err(|failure| match failure {
        Failure::Failed(error) => Failure::Uncompared(error),
        other => other,
    })
}

async fn compare(arguments: &Diff) -> Outcome {
    let system = system(&arguments.project, &arguments.target)?;
    let cluster = reach(&arguments.target).await?;
    let plan =
        mainstay_cluster::plan(&cluster, &desired(&system), &Options::default()).await.map_err(|error| told(&error))?;
    if arguments.json {
        terminal::say(&serde_json::to_string_pretty(&plan)?);
    } else {
        terminal::progress(&place(&cluster, &system.namespace));
        terminal::say(plan_text(&plan).trim_end());
    }
    if plan.changes() { Err(Failure::Found) } else { Ok(()) }
}
