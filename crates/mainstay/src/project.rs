//! A project folder and its data folder.

use crate::cli;
use crate::failure::Outcome;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the project file.
pub(crate) const FILE: &str = "mainstay.toml";

/// Where things are.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder with `mainstay.toml`.
    pub(crate) dir: PathBuf,
    /// The folder with secrets and the managed database.
    pub(crate) data: PathBuf,
}

/// What a running `up` leaves behind for other commands (`.mainstay/run.json`). Holds no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunFile {
    pub(crate) pid: i32,
    pub(crate) url: String,
    pub(crate) admin_url: String,
    /// Port of the managed database; `None` with an external one.
    pub(crate) database_port: Option<u16>,
    /// Folder of its Unix socket.
    pub(crate) database_socket: Option<PathBuf>,
}

impl Project {
    /// Finds the project. The data folder is made when it is needed, not here.
    pub(crate) fn open(arguments: &cli::Project) -> Outcome<Self> {
        let dir = std::fs::canonicalize(&arguments.dir).with_context(|| {
            format!("there is no folder {}; make a project with `mainstay init {0}`", arguments.dir.display())
        })?;
        let data = arguments.data_dir.clone().unwrap_or_else(|| dir.join(".mainstay"));
        let data = std::path::absolute(&data).with_context(|| data.display().to_string())?;
        Ok(Self { dir, data })
    }

    /// The text of `mainstay.toml`, when there is one.
    pub(crate) fn file(&self) -> Outcome<Option<(PathBuf, String)>> {
        let path = self.dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Some((path, text)))
    }

    /// Like [`Project::file`], for commands that make no sense without one.
    pub(crate) fn require_file(&self) -> Outcome {
        if self.dir.join(FILE).exists() {
            return Ok(());
        }
        Err(anyhow::anyhow!(
            "{} has no {FILE}; make a project with `mainstay init {0}`, or name the project's folder",
            self.dir.display()
        )
        .into())
    }

    /// Makes the data folder, private, with a `.gitignore` that keeps it out of version control.
    pub(crate) fn make_data(&self) -> Outcome {
        use std::os::unix::fs::PermissionsExt as _;
        let at = || self.data.display().to_string();
        std::fs::create_dir_all(&self.data).with_context(at)?;
        // others may pass through to the database's own folder, but not look
        std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(0o711)).with_context(at)?;
        let ignore = self.data.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").with_context(at)?;
        }
        Ok(())
    }

    fn run_file(&self) -> PathBuf {
        self.data.join("run.json")
    }

    /// Tells other commands that we run.
    pub(crate) fn announce(&self, run: &RunFile) -> Outcome {
        write_atomically(&self.run_file(), serde_json::to_string_pretty(run)?.as_bytes(), 0o644)?;
        Ok(())
    }

    /// The running `up`, when there is one.
    pub(crate) fn running(&self) -> Option<RunFile> {
        let run: RunFile = serde_json::from_slice(&std::fs::read(self.run_file()).ok()?).ok()?;
        let pid = rustix::process::Pid::from_raw(run.pid)?;
        // EPERM also means alive
        let alive = !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
        let ours = std::fs::read_link(format!("/proc/{}/exe", run.pid))
            .map_or(true, |exe| exe.file_name().is_some_and(|name| name.to_string_lossy().starts_with("mainstay")));
        (alive && ours).then_some(run)
    }

    /// We do not run any more.
    pub(crate) fn withdraw(&self) {
        let _ = std::fs::remove_file(self.run_file());
    }
}

/// Like [`write_atomically`], but never replaces a file. False when there was one already.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<bool> {
    let fresh = path.with_extension(format!("{}.first", std::process::id()));
    write_atomically(&fresh, bytes, mode)?;
    // a link fails when the name is taken, a rename would not
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        other => other.map(|()| true),
    }
}

/// Writes a file so that nobody ever sees half of it, with its final mode from the start.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(mode).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("mainstay-write-new-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secrets.json");
        assert!(write_new(&path, b"first", 0o600).unwrap());
        assert!(!write_new(&path, b"second", 0o600).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
