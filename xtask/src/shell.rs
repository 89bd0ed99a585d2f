//! Running programs, with the command shown and its failure explained.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A step of work: nothing, or a sentence about what went wrong.
pub type Step<T = ()> = Result<T, String>;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_owned()
}

/// Says what is being done.
pub fn say(text: &str) {
    eprintln!("\n▸ {text}");
}

/// Ends with a sentence.
pub fn fail(problem: &str) -> ExitCode {
    eprintln!("\nxtask: {problem}");
    ExitCode::FAILURE
}

/// A program to be run in the repository's root.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a program and shows what it prints.
pub fn run(program: &str, arguments: &[&str]) -> Step {
    finish(command(program, arguments), &format!("{program} {}", arguments.join(" ")))
}

/// Runs a prepared command; `shown` names it in the failure.
pub fn finish(mut command: Command, shown: &str) -> Step {
    let status = command.status().map_err(|e| format!("`{shown}` could not be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

/// What a program prints on standard output.
pub fn output(program: &str, arguments: &[&str]) -> Step<String> {
    let output = command(program, arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("`{program}` could not be started: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`{program} {}` failed ({})", arguments.join(" "), output.status))
    }
}

/// True when a program is in PATH.
pub fn has(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
