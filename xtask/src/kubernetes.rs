//! What is rendered for Kubernetes, before schemas, policies and the programs that read it.

use crate::shell::{Step, finish, root, run, say};
use crate::system;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prepares the tools and runs `tests/kubernetes/check.py`; arguments choose steps (`schema`, `checkov`, …).
pub fn check(arguments: &[String]) -> Step {
    system::watchers()?;
    let tools = tools()?;
    run("cargo", &["build", "--locked", "--quiet", "-p", "mainstay"])?;
    let mut python = Command::new(tools.join("bin/python"));
    // flags are for other parts of `cargo xtask test`
    python.arg("tests/kubernetes/check.py").args(arguments.iter().filter(|argument| !argument.starts_with('-')));
    python.current_dir(root());
    python.env("MAINSTAY_BIN", root().join("target/debug/mainstay")).env("PYTHONDONTWRITEBYTECODE", "1");
    finish(python, "tests/kubernetes/check.py")
}

/// A virtual environment in `target/` with the packages of `tests/kubernetes/requirements.txt`.
///
/// checkov is large: packages are installed only when the list is newer than the stamp of the last time.
fn tools() -> Step<PathBuf> {
    system::python()?;
    let folder = root().join("target/kubernetes-tools");
    let list = root().join("tests/kubernetes/requirements.txt");
    let stamp = folder.join("installed");
    if is_newer(&stamp, &list) {
        return Ok(folder);
    }
    say("Python packages that check Kubernetes objects (half a minute, once)");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    finish(venv, "python3 -m venv")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&list);
    finish(pip, "pip install")?;
    std::fs::write(&stamp, "").map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(folder)
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    changed(file).zip(changed(than)).is_some_and(|(file, than)| file >= than)
}
