//! One file per command.

mod cluster;
mod completions;
mod config;
mod doctor;
mod image;
mod init;
mod keys;
mod lint;
mod migrate;
mod render;
mod roles;
mod serve;
mod status;
mod up;
pub(crate) mod user;
mod wait;

use crate::cli::Command;
use crate::failure::Outcome;

/// Runs a command.
pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Init { dir } => init::run(&dir),
        Command::Up(arguments) => up::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Migrate { project, dry_run, wait } => migrate::run(&project, dry_run, wait.0).await,
        Command::Wait(arguments) => wait::run(arguments).await,
        Command::Status { project, cluster: true, target, json } => cluster::status::run(&project, &target, json).await,
        Command::Status { project, json, .. } => status::run(&project, json).await,
        Command::Keys { project, json } => keys::run(&project, json),
        Command::User { action } => user::run(action).await,
        Command::Config { action } => config::run(action),
        Command::Render(arguments) => render::run(&arguments),
        Command::Roles => roles::run(),
        Command::Doctor { project, cluster: true, target, json } => cluster::doctor::run(&project, &target, json).await,
        Command::Doctor { project, .. } => doctor::run(&project).await,
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Diff(arguments) => cluster::diff::run(&arguments).await,
        Command::Deploy(arguments) => cluster::deploy::run(&arguments).await,
        Command::Destroy(arguments) => cluster::destroy::run(&arguments).await,
        Command::Rollback(arguments) => cluster::rollback::run(&arguments).await,
        Command::Logs(arguments) => cluster::logs::run(arguments).await,
        Command::Open(arguments) => cluster::open::run(&arguments).await,
        Command::Image(arguments) => image::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
    }
}
