//! `mainstay doctor`: what this machine has, what is missing, and what to do about it.

use crate::cli;
use crate::config::Config;
use crate::failure::Outcome;
use crate::project::Project;
use crate::terminal;
use mainstay_pg::Connection;
use mainstay_pg::managed::Binaries;
use std::net::TcpListener;
use std::sync::Arc;

pub(super) async fn run(arguments: &cli::Project) -> Outcome {
    let project = Project::open(arguments)?;
    let mut problems = 0_u32;
    let mut check = |result: Result<String, String>| match result {
        Ok(fine) => terminal::say(&format!("ok    {fine}")),
        Err(problem) => {
            problems += 1;
            terminal::say(&format!("FIX   {problem}"));
        }
    };
    check(project_file(&project));
    let config = match Config::load(&project, Vec::new()) {
        Ok(config) => config,
        Err(failure) => {
            terminal::say(&format!("FIX   configuration: {failure}"));
            return Err(failure);
        }
    };
    check(Ok("the configuration is fine".to_owned()));
    match crate::database::external(&config)? {
        Some(options) => check(external_database(&options).await),
        None => check(binaries(&config)),
    }
    let running = project.running();
    match &running {
        Some(run) => check(Ok(format!("the project runs as process {} at {}", run.pid, run.url))),
        None => check(port("public port", config.gateway.port, "choose another with --port or `[gateway] port`")),
    }
    check(data_folder(&project));
    check(memory());
    if problems > 0 {
        return Err(anyhow::anyhow!("{problems} thing(s) to fix").into());
    }
    Ok(())
}

fn project_file(project: &Project) -> Result<String, String> {
    match project.require_file() {
        Ok(()) => Ok(format!("project folder {}", project.dir.display())),
        Err(failure) => Err(failure.to_string()),
    }
}

fn binaries(config: &Config) -> Result<String, String> {
    Binaries::find(config.database.bin_dir.as_deref())
        .map(|found| format!("PostgreSQL {} in {}", found.major, found.folder.display()))
        .map_err(|e| e.to_string())
}

async fn external_database(options: &mainstay_pg::ConnectOptions) -> Result<String, String> {
    match Connection::open(&Arc::new(options.clone())).await {
        Ok(_) => Ok(format!("the database at {}:{} answers", options.host, options.port)),
        Err(error) => Err(format!("the database at {}:{}: {error}", options.host, options.port)),
    }
}

fn port(what: &str, port: u16, remedy: &str) -> Result<String, String> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(format!("{what} {port} is free")),
        Err(_) => Err(format!("{what} {port} is in use; {remedy}")),
    }
}

fn data_folder(project: &Project) -> Result<String, String> {
    project.make_data().map_err(|failure| failure.to_string())?;
    let secrets = project.data.join("secrets.json");
    if let Ok(meta) = std::fs::metadata(&secrets) {
        use std::os::unix::fs::PermissionsExt as _;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(format!("{} can be read by others; run `chmod 600 {0}`", secrets.display()));
        }
    }
    Ok(format!("data folder {} can be written", project.data.display()))
}

fn memory() -> Result<String, String> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let Some(mib) =
        available.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map(|kib| kib / 1024)
    else {
        return Ok("memory: not known on this system".to_owned());
    };
    if mib < 256 {
        Err(format!("only {mib} MiB of memory are free; Mainstay with PostgreSQL wants 256 MiB"))
    } else {
        Ok(format!("{mib} MiB of memory are free"))
    }
}
