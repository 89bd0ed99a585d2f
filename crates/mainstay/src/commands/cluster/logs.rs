//! `mainstay logs`.

use super::{reach, system};
use crate::cli::{Logs, Project};
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::LogRequest;

pub(in crate::commands) async fn run(arguments: Logs) -> Outcome {
    let project = Project::from(arguments.project);
    let system = system(&project, &arguments.target)?;
    let cluster = reach(&arguments.target).await?;
    let request = LogRequest {
        component: arguments.component,
        container: None,
        follow: arguments.follow,
        since: arguments.since.map(|since| since.0),
        tail: Some(arguments.tail),
        previous: arguments.previous,
    };
    mainstay_cluster::logs(&cluster, &system.project.name, &system.namespace, &request, |line| {
        terminal::say(&format!("{} {}", line.pod, line.line));
        true
    })
    .await?;
    Ok(())
}
