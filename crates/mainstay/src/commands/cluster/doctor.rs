//! `mainstay doctor --cluster`.

use super::{desired, place, reach, system};
use crate::cli::{Project, Target};
use crate::failure::Outcome;
use crate::terminal;
use mainstay_cluster::{Cluster, Desired, Finding, Preflight, Severity};
use mainstay_deploy::System;

pub(in crate::commands) async fn run(project: &Project, target: &Target, json: bool) -> Outcome {
    let system = system(project, target)?;
    let cluster = reach(target).await?;
    let found = examine(&cluster, &system, &desired(&system)).await?;
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

/// What the cluster lacks, and whether it is as new as the project's objects expect.
pub(super) async fn examine(cluster: &Cluster, system: &System, desired: &Desired) -> Outcome<Preflight> {
    let mut found = mainstay_cluster::preflight(cluster, desired).await?;
    let wanted = system.project.kubernetes.version;
    if let Some(minor) = minor(&found.version).filter(|minor| *minor < wanted.0) {
        found.findings.insert(
            0,
            Finding {
                severity: Severity::Problem,
                subject: "version".to_owned(),
                message: format!("The cluster is 1.{minor}, and the objects are made for {wanted} or newer."),
                inert: "The API server refuses fields that it does not know.".to_owned(),
                remedy: format!("Set [kubernetes] version = \"1.{minor}\" (1.31 at least), or upgrade the cluster."),
            },
        );
    }
    Ok(found)
}

/// The minor number of `v1.36.1`.
fn minor(version: &str) -> Option<u32> {
    let digits: String = version.trim_start_matches("v1.").chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|_| version.starts_with("v1."))
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

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn versions_of_servers_are_read() {
        for (text, expected) in [("v1.36.1", Some(36)), ("v1.31.0+k3s1", Some(31)), ("v2.0.0", None), ("", None)] {
            assert_eq!(minor(text), expected, "{text}");
        }
    }
}
