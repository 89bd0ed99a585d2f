//! `mainstay doctor --cluster`.

use super::{desired, place, reach, system};
use crate::cli::{Project, Target};
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::{Finding, Severity};

pub(in crate::commands) async fn run(project: &Project, target: &Target, json: bool) -> Outcome {
    let system = system(project, target)?;
    let cluster = reach(target).await?;
    let found = mainstay_cluster::preflight(&cluster, &desired(&system)).await?;
    if json {
        terminal::say(&serde_json::to_string_pretty(&found)?);
    } else {
        terminal::say(&format!("{}; Kubernetes {}", place(&cluster, &system.namespace), found.version));
        for finding in &found.findings {
            let mark = match finding.severity {
                Severity::Good => "ok   ",
                Severity::Note => "note ",
                Severity::Warning => "WARN ",
                Severity::Problem => "FIX  ",
            };
            terminal::say(&format!("{mark} {}", line(finding)));
        }
        if !found.api_server.is_empty() {
            terminal::say(&format!("note  the API server answers pods at {}", found.api_server.join(", ")));
        }
    }
    if found.is_blocked() {
        let count = found.findings.iter().filter(|f| f.severity == Severity::Problem).count();
        return Err(anyhow::anyhow!("{count} thing(s) to fix before deploying").into());
    }
    Ok(())
}

/// A finding in one line.
pub(super) fn line(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.subject, finding.message);
    for more in [&finding.inert, &finding.remedy] {
        if !more.is_empty() {
            text.push(' ');
            text.push_str(more);
        }
    }
    text
}
