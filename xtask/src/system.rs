//! What the machine must have, installed from the distribution when it is missing.

use crate::shell::{Step, finish, has, root, run, say};
use std::path::Path;
use std::process::Command;

/// Everything the tests need.
pub fn setup(_: &[String]) -> Step {
    postgresql()?;
    node()?;
    chromium()?;
    python()?;
    watchers()?;
    network()?;
    test_packages()
}

/// PostgreSQL's server programs, 15 or newer.
pub fn postgresql() -> Step {
    if has("initdb") || server_folder_exists() {
        return Ok(());
    }
    say("PostgreSQL is missing; installing it from the distribution");
    // Debian's package would start a server of its own, which nobody here needs
    let settings = "/etc/postgresql-common/createcluster.conf";
    if !Path::new(settings).exists() {
        let script = format!("mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > {settings}");
        as_root("sh", &["-c", &script])?;
    }
    install(&["postgresql"])
}

fn server_folder_exists() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|entry| entry.path()).any(|folder| folder.join("bin/initdb").exists())
}

/// Node.js with npm: fetches the published client libraries and runs their tests.
pub fn node() -> Step {
    if has("node") && has("npm") {
        return Ok(());
    }
    say("Node.js is missing; installing it from the distribution");
    install(&["nodejs", "npm"])
}

/// A browser for the tests of pages.
pub fn chromium() -> Step {
    if has("chromium") {
        return Ok(());
    }
    say("Chromium is missing; installing it from the distribution");
    install(&["chromium", "fonts-liberation", "fonts-noto-color-emoji"])
}

/// Python with virtual environments: runs the Python client's test.
pub fn python() -> Step {
    let works = Command::new("python3").args(["-c", "import venv, ensurepip"]).status().is_ok_and(|s| s.success());
    if works {
        return Ok(());
    }
    say("Python's venv is missing; installing it from the distribution");
    install(&["python3", "python3-venv"])
}

/// promtool and amtool, which check alert rules and the configurations of Prometheus and Alertmanager.
///
/// They come in the packages of the servers. Nobody here needs a running server, and a port taken by one would disturb:
/// the units are masked, and start scripts are refused while the packages are set up.
pub fn watchers() -> Step {
    let missing: Vec<&str> = [("promtool", "prometheus"), ("amtool", "prometheus-alertmanager")]
        .into_iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    say("promtool or amtool is missing; installing them from the distribution, without their servers");
    let refusal = "/usr/sbin/policy-rc.d";
    let refuses_already = Path::new(refusal).exists();
    if has("apt-get") {
        for package in &missing {
            let unit = format!("/etc/systemd/system/{package}.service");
            let script = format!("test -e {unit} || (mkdir -p /etc/systemd/system && ln -sf /dev/null {unit})");
            as_root("sh", &["-c", &script])?;
        }
        if !refuses_already {
            let script = format!("printf '#!/bin/sh\\nexit 101\\n' > {refusal} && chmod 755 {refusal}");
            as_root("sh", &["-c", &script])?;
        }
    }
    let installed = install(&missing);
    if has("apt-get") && !refuses_already {
        as_root("rm", &["-f", refusal])?;
    }
    installed
}

/// Network namespaces and packet filters: a test enforces network policies for real.
pub fn network() -> Step {
    let there = |program: &str| has(program) || Path::new("/usr/sbin").join(program).is_file();
    if there("ip") && there("nft") {
        return Ok(());
    }
    say("iproute2 or nftables is missing; installing them from the distribution");
    install(&["iproute2", "nftables"])
}

/// A container engine, to run the rendered pods.
pub fn podman() -> Step {
    let there = |program: &str| has(program) || Path::new("/usr/sbin").join(program).is_file();
    if there("podman") && there("crun") && there("iptables") && there("ip") {
        return Ok(());
    }
    say("podman is missing; installing it from the distribution");
    install(&["podman", "crun", "netavark", "iptables", "iproute2"])
}

/// The npm packages of `tests/`.
pub fn test_packages() -> Step {
    let folder = root().join("tests");
    let stamp = folder.join("node_modules/.package-lock.json");
    let fresh = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    if fresh(&stamp).zip(fresh(&folder.join("package-lock.json"))).is_some_and(|(have, want)| have >= want) {
        return Ok(());
    }
    say("npm packages of the tests");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    finish(npm, "npm ci")
}

fn install(packages: &[&str]) -> Step {
    if !has("apt-get") {
        return Err(format!("install {} with your system's package manager, then try again", packages.join(" and ")));
    }
    as_root("apt-get", &["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    as_root("apt-get", &arguments)
}

fn as_root(program: &str, arguments: &[&str]) -> Step {
    let is_root = crate::shell::output("id", &["-u"])?.trim() == "0";
    if is_root {
        return run(program, arguments);
    }
    if !has("sudo") {
        return Err(format!("run as root, then try again: {program} {}", arguments.join(" ")));
    }
    let mut with_sudo = vec![program];
    with_sudo.extend(arguments);
    run("sudo", &with_sudo)
}
