//! Programs that are run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a tool and returns its output, or everything it said when it fails. A tool that is missing fails the test and
/// says what to install.
pub(crate) fn run(tool: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let package = match tool {
        "promtool" => "prometheus",
        "amtool" => "prometheus-alertmanager",
        other => other,
    };
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| {
        panic!("{tool} cannot be run ({e}); install the Debian package {package}: apt-get install {package}")
    });
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(said) }
}

/// A folder of this test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("monitoring-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a value as JSON, which is YAML too, and returns its path.
pub(crate) fn write(folder: &Path, name: &str, value: &serde_json::Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, serde_json::to_string_pretty(value).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
