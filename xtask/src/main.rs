//! The one list of commands of this repository. `cargo xtask` prints it; `.ci/run` calls `cargo xtask test`.
//!
//! No dependencies: this is the first thing a fresh machine compiles.

mod check;
mod kubernetes;
mod project;
mod shell;
mod system;

use shell::{Step, fail};
use std::process::ExitCode;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Step,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "up",
        about: "install what is missing, build, and run a project: up [DIR] [--port N] … (sample data included)",
        run: project::up,
    },
    Command {
        name: "test",
        about: "everything CI checks: format, lints, all tests, Kubernetes objects, clients, browser, generated pages",
        run: check::all,
    },
    Command {
        name: "setup",
        about: "install what tests need: PostgreSQL, Node.js, Chromium, promtool, npm packages",
        run: system::setup,
    },
    Command {
        name: "vendor",
        about: "fetch the front ends' published libraries from npm into web/vendor",
        run: project::vendor_all,
    },
    Command { name: "fmt", about: "format all Rust code", run: check::format },
    Command { name: "lint", about: "clippy on everything, warnings are errors", run: check::lint },
    Command { name: "rust", about: "the Rust tests only", run: check::rust },
    Command {
        name: "kubernetes",
        about: "rendered objects before schemas, checkov, promtool, amtool, kustomize and lint; kubernetes [STEP]",
        run: kubernetes::check,
    },
    Command { name: "client", about: "the published client libraries against a running project", run: check::client },
    Command {
        name: "browser",
        about: "headless Chromium through the budget-app; `--shots` renews the pictures in docs/",
        run: check::browser,
    },
    Command { name: "podman", about: "the rendered pods of the budget-app as containers (root)", run: check::podman },
    Command { name: "docs", about: "write the generated reference pages anew", run: check::write_docs },
    Command { name: "deny", about: "licences and bans of the dependency tree (needs cargo-deny)", run: check::deny },
    Command {
        name: "bench",
        about: "the data workloads beside pgbench, as ratios; bench [--seconds N] [--runs N]",
        run: check::bench,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("help", String::as_str);
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        println!("cargo xtask COMMAND\n");
        for command in COMMANDS {
            println!("  {:<10} {}", command.name, command.about);
        }
        return if matches!(name, "help" | "--help" | "-h") { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => fail(&problem),
    }
}
