//! `mainstay completions`.

use crate::cli::Arguments;
use crate::failure::Outcome;
use crate::terminal;
use clap::CommandFactory as _;

pub(super) fn run(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "mainstay", &mut script);
    terminal::say(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
