//! Everything that is checked, in the order CI checks it.

use crate::shell::{Step, command, finish, has, output, root, run, say};
use crate::{kubernetes, project, system};
use std::process::Command;
use std::time::Instant;

/// One named part of `cargo xtask test`.
struct Part {
    name: &'static str,
    run: fn(&[String]) -> Step,
}

const PARTS: &[Part] = &[
    Part { name: "format", run: check_format },
    Part { name: "setup", run: system::setup },
    Part { name: "lint", run: lint },
    Part { name: "rust", run: rust },
    Part { name: "generated pages", run: check_docs },
    Part { name: "kubernetes", run: kubernetes::check },
    Part { name: "client", run: client },
    Part { name: "browser", run: browser },
    Part { name: "podman", run: podman },
];

/// Runs all parts; goes on after a failure so that one run tells everything.
pub fn all(arguments: &[String]) -> Step {
    let mut failed = Vec::new();
    let mut summary = String::new();
    for part in PARTS {
        say(part.name);
        let began = Instant::now();
        let result = (part.run)(arguments);
        let mark = if result.is_ok() { "ok" } else { "FAILED" };
        summary.push_str(&format!("  {mark:<7} {:<16} {:>5.0} s\n", part.name, began.elapsed().as_secs_f64()));
        if let Err(problem) = result {
            eprintln!("{problem}");
            failed.push(part.name);
        }
    }
    stop_test_server();
    println!("\n{summary}\n{} passed, {} failed", PARTS.len() - failed.len(), failed.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

pub fn format(_: &[String]) -> Step {
    run("cargo", &["fmt", "--all"])
}

fn check_format(_: &[String]) -> Step {
    run("cargo", &["fmt", "--all", "--check"])
}

pub fn lint(_: &[String]) -> Step {
    run("cargo", &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
}

pub fn rust(_: &[String]) -> Step {
    system::postgresql()?;
    run("cargo", &["test", "--workspace", "--locked", "--quiet", "--no-fail-fast"])
}

pub fn deny(_: &[String]) -> Step {
    if !has("cargo-deny") {
        return Err("cargo-deny is missing; install it with `cargo install cargo-deny --locked`".to_owned());
    }
    run("cargo", &["deny", "check", "bans", "licenses", "sources"])
}

/// The published client libraries against a project of our own.
pub fn client(arguments: &[String]) -> Step {
    node_tests("client", arguments)
}

/// The pages, in a real browser.
pub fn browser(arguments: &[String]) -> Step {
    project::vendor_all(&[])?;
    node_tests("browser", arguments)
}

/// The rendered pods as containers of this machine.
pub fn podman(arguments: &[String]) -> Step {
    system::podman()?;
    run("cargo", &["build", "--locked", "--quiet", "-p", "mainstay"])?;
    node_tests("podman", arguments)
}

fn node_tests(folder: &str, arguments: &[String]) -> Step {
    system::setup(&[])?;
    run("cargo", &["build", "--locked", "--quiet", "-p", "mainstay"])?;
    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1"]).args(test_files(folder)?);
    node.current_dir(root().join("tests"));
    node.env("MAINSTAY_BIN", root().join("target/debug/mainstay"));
    if arguments.iter().any(|argument| argument == "--shots") {
        node.env("SHOTS", root().join("docs/images"));
    }
    finish(node, &format!("node --test {folder}/"))
}

/// By name: Node 20 and 22 do not agree on what a folder means.
fn test_files(folder: &str) -> Step<Vec<String>> {
    let entries = std::fs::read_dir(root().join("tests").join(folder)).map_err(|e| format!("tests/{folder}: {e}"))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<_> =
        names.filter(|name| name.ends_with(".test.mjs")).map(|name| format!("{folder}/{name}")).collect();
    files.sort();
    Ok(files)
}

/// Pages generated from the code: (file, arguments of `mainstay`).
const PAGES: &[(&str, &[&str])] = &[
    ("docs/reference/configuration.md", &["config", "reference"]),
    ("docs/reference/errors.md", &["config", "errors"]),
    ("docs/reference/lint.md", &["lint", "--checks"]),
    ("docs/kubernetes/alerts.md", &["config", "alerts"]),
    ("docs/images/budget-app-cluster.svg", &["render", "systems/budget-app", "--picture", "svg"]),
];

pub fn write_docs(_: &[String]) -> Step {
    for (file, arguments) in PAGES {
        let path = root().join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(|e| e.to_string())?;
        std::fs::write(&path, generate(arguments)?).map_err(|e| format!("{file}: {e}"))?;
    }
    Ok(())
}

fn check_docs(_: &[String]) -> Step {
    for (file, arguments) in PAGES {
        if std::fs::read_to_string(root().join(file)).unwrap_or_default() != generate(arguments)? {
            return Err(format!("{file} is stale; run `cargo xtask docs` and commit it"));
        }
    }
    Ok(())
}

fn generate(arguments: &[&str]) -> Step<String> {
    let mut all = vec!["run", "--locked", "--quiet", "-p", "mainstay", "--"];
    all.extend(arguments);
    output("cargo", &all)
}

pub fn bench(arguments: &[String]) -> Step {
    system::postgresql()?;
    run("cargo", &["build", "--release", "--locked", "-p", "mainstay"])?;
    let mut bench = command("python3", &["bench/run.py"]);
    bench.args(arguments);
    finish(bench, "bench/run.py")
}

/// The Rust tests share one server, which outlives them; see crates/testkit.
fn stop_test_server() {
    let pid_file = root().join("target/testkit/postgres/data/postmaster.pid");
    let pid = std::fs::read_to_string(pid_file).ok().and_then(|text| text.lines().next().map(str::to_owned));
    if let Some(pid) = pid {
        let _ = Command::new("kill").args(["-INT", pid.trim()]).status();
    }
}
