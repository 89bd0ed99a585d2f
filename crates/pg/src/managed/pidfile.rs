//! `postmaster.pid`: is the server it names alive, and is it ours?

use std::path::Path;

/// A running server of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    /// Process id of the postmaster.
    pub(super) pid: i32,
    /// Its port.
    pub(super) port: u16,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PidFile {
    /// There is none.
    Absent,
    /// The process it names is gone, or is something else that got the same number.
    Stale,
    /// The server is alive.
    Live(Running),
}

/// Reads and judges `postmaster.pid` (PostgreSQL documentation, "Database File Layout").
pub(super) fn read(data: &Path) -> PidFile {
    let Ok(text) = std::fs::read_to_string(data.join("postmaster.pid")) else { return PidFile::Absent };
    let lines: Vec<&str> = text.lines().collect();
    let Some(pid) = lines.first().and_then(|line| line.trim().parse::<i32>().ok()) else { return PidFile::Stale };
    if !is_server_of(pid, data) {
        return PidFile::Stale;
    }
    let port = lines.get(3).and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    PidFile::Live(Running { pid, port })
}

/// True when process `pid` is alive and works in `data`, as a postmaster does.
pub(super) fn is_server_of(pid: i32, data: &Path) -> bool {
    if !is_alive(pid) {
        return false;
    }
    match std::fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => std::fs::canonicalize(data).is_ok_and(|data| data == cwd),
        // no /proc: being alive has to do
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

/// True when the process exists and is not a zombie.
pub(super) fn is_alive(pid: i32) -> bool {
    let Some(pid_checked) = rustix::process::Pid::from_raw(pid) else { return false };
    if rustix::process::test_kill_process(pid_checked).is_err() {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_told_from_a_live_one() {
        let data = std::env::temp_dir().join(format!("mainstay-pidfile-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        assert_eq!(read(&data), PidFile::Absent);
        for content in ["", "not a number\n", "999999999\n/x\n1\n5432\n"] {
            std::fs::write(data.join("postmaster.pid"), content).unwrap();
            assert_eq!(read(&data), PidFile::Stale, "{content:?}");
        }
        // alive, but not a server of this folder: the number was given to another process
        std::fs::write(data.join("postmaster.pid"), format!("{}\n/x\n1\n5432\n", std::process::id())).unwrap();
        assert_eq!(read(&data), PidFile::Stale);
        // alive and working in the folder
        let mut child = std::process::Command::new("sleep").arg("30").current_dir(&data).spawn().unwrap();
        std::fs::write(data.join("postmaster.pid"), format!("{}\n/x\n1\n5433\n", child.id())).unwrap();
        assert!(matches!(read(&data), PidFile::Live(Running { port: 5433, .. })));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read(&data), PidFile::Stale);
        std::fs::remove_dir_all(&data).unwrap();
    }
}
