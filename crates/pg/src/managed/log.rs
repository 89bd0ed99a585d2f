//! The server's log file.

use std::fs::File;
use std::path::Path;

/// The server's log is put aside when it is larger, so that the two files together are bounded.
const LOG_LIMIT: u64 = 32 << 20;

/// Puts a log aside that has grown past its limit. The server appends, so it goes on at the new beginning.
pub(super) fn bound_log(log: &Path) {
    if !std::fs::metadata(log).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
        return;
    }
    let kept = std::fs::copy(log, log.with_extension("log.1"));
    let emptied = File::options().write(true).open(log).and_then(|file| file.set_len(0));
    if let Err(error) = kept.map(|_| ()).and(emptied) {
        tracing::warn!(%error, "the log of PostgreSQL could not be put aside");
    }
}

/// The last lines, for an error message.
pub(super) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mainstay-log-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_log_is_bounded() {
        let folder = folder("log");
        let log = folder.join("postgres.log");
        std::fs::write(&log, "short").unwrap();
        bound_log(&log);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "short");
        File::options().write(true).open(&log).unwrap().set_len(LOG_LIMIT + 1).unwrap();
        bound_log(&log);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
        assert_eq!(std::fs::metadata(folder.join("postgres.log.1")).unwrap().len(), LOG_LIMIT + 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
