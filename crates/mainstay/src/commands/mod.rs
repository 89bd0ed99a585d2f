//! One file per command.

mod completions;
mod config;
mod doctor;
mod init;
mod keys;
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
        Command::Status { project, json } => status::run(&project, json).await,
        Command::Keys { project, json } => keys::run(&project, json),
        Command::User { action } => user::run(action).await,
        Command::Config { action } => config::run(action),
        Command::Render(arguments) => render::run(&arguments),
        Command::Roles => roles::run(),
        Command::Doctor { project } => doctor::run(&project).await,
        Command::Completions { shell } => completions::run(shell),
    }
}
