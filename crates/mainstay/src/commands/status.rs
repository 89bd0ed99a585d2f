//! `mainstay status`.

use crate::cli;
use crate::failure::Outcome;
use crate::project::Project;
use crate::terminal;
use bytes::Bytes;
use mainstay_kernel::http::HttpClient;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) async fn run(arguments: &cli::Project, as_json: bool) -> Outcome {
    let project = Project::open(arguments)?;
    project.require_file()?;
    let Some(run) = project.running() else {
        if as_json {
            terminal::say(&json!({ "running": false }).to_string());
        } else {
            terminal::say(&format!("not running; start it with `mainstay up {}`", arguments.dir.display()));
        }
        return Ok(());
    };
    let ready = readiness(&format!("{}/readyz", run.admin_url)).await;
    if as_json {
        let status = json!({
            "running": true, "pid": run.pid, "url": run.url, "admin_url": run.admin_url,
            "database_port": run.database_port, "ready": ready["ready"], "roles": ready["roles"],
        });
        terminal::say(&serde_json::to_string_pretty(&status)?);
        return Ok(());
    }
    terminal::say(&format!("running      process {}", run.pid));
    terminal::say(&format!("url          {}", run.url));
    terminal::say(&format!("admin        {} (/metrics, /livez, /readyz)", run.admin_url));
    if let Some(port) = run.database_port {
        terminal::say(&format!("postgresql   127.0.0.1:{port}"));
    }
    terminal::say(&format!("ready        {}", if ready["ready"] == true { "yes" } else { "no" }));
    for (role, state) in ready["roles"].as_object().into_iter().flatten() {
        terminal::say(&format!("  {role:<10} {}", state.as_str().unwrap_or_default()));
    }
    Ok(())
}

async fn readiness(url: &str) -> Value {
    let request = http::Request::get(url).body(Bytes::new());
    let Ok(request) = request else { return Value::Null };
    let answer = HttpClient::new(Duration::from_secs(3), 1 << 20).send(request).await;
    answer.ok().and_then(|answer| serde_json::from_slice(answer.body()).ok()).unwrap_or(Value::Null)
}
