//! The `mainstay` command: argv → config → build → run.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 42 a migration is wrong, 64 bad configuration, 143 stopped by a signal.

mod admin;
mod app;
mod cli;
mod commands;
mod config;
mod database;
mod failure;
mod kubernetes;
mod listen;
mod project;
mod reach;
mod reference;
mod roles;
mod secrets;
mod seed;
mod terminal;

use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mainstay_kernel::tls::install_provider();
    let arguments = cli::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::complain(&format!("the runtime could not be started: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(commands::run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                terminal::complain(&failure.to_string());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
