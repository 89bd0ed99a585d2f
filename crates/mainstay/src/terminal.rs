//! What a person at the terminal reads. Progress goes to standard error, results to standard output.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use std::io::{IsTerminal as _, Write as _};

/// One line of result.
pub(crate) fn say(line: &str) {
    // a closed pipe (`mainstay keys | head -1`) is no failure
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line about long work.
pub(crate) fn progress(line: &str) {
    eprintln!("{} {line}", paint("·", "2"));
}

/// A step that is done.
pub(crate) fn done(line: &str) {
    eprintln!("{} {line}", paint("✓", "32"));
}

/// Something to look at that stops nothing.
pub(crate) fn warn(line: &str) {
    eprintln!("{} {line}", paint("!", "33"));
}

/// Why the command failed.
pub(crate) fn complain(line: &str) {
    eprintln!("{} {line}", paint("error:", "31;1"));
}

fn paint(text: &str, colour: &str) -> String {
    let plain = !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    if plain { text.to_owned() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
}
