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
    tell(&paint("·", "2"), line);
}

/// A step that is done.
pub(crate) fn done(line: &str) {
    tell(&paint("✓", "32"), line);
}

/// Something to look at that stops nothing.
pub(crate) fn warn(line: &str) {
    tell(&paint("!", "33"), line);
}

/// Why the command failed.
pub(crate) fn complain(line: &str) {
    tell(&paint("error:", "31;1"), line);
}

/// A reader that went away (`mainstay up 2>&1 | head`) must not end the process.
fn tell(mark: &str, line: &str) {
    let _ = writeln!(std::io::stderr(), "{mark} {line}");
}

fn paint(text: &str, colour: &str) -> String {
    let plain = !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    if plain { text.to_owned() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
}

/// A question; the answer is typed behind it.
pub(crate) fn ask(question: &str) {
    let mut out = std::io::stderr();
    let _ = write!(out, "{question}");
    let _ = out.flush();
}
