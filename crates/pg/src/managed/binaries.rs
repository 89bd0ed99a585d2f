//! Where PostgreSQL's server programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest major version that works.
const OLDEST: u32 = 15;

/// The folder with `initdb` and `postgres`, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Folder.
    pub folder: PathBuf,
    /// Major version.
    pub major: u32,
}

/// No usable server programs.
#[derive(Debug, thiserror::Error)]
#[error(
    "PostgreSQL {OLDEST} or newer is not installed{found}. Install it (Debian, Ubuntu: `apt-get install postgresql`; macOS: \
     `brew install postgresql@17`), name its folder with `[database] bin_dir`, or use an existing server with DATABASE_URL"
)]
pub struct BinariesError {
    found: String,
}

impl Binaries {
    /// Looks in `configured`, then PATH, then where distributions put them; takes the newest.
    ///
    /// # Errors
    /// [`BinariesError`], which says what to install.
    pub fn find(configured: Option<&Path>) -> Result<Self, BinariesError> {
        let candidates = match configured {
            Some(folder) => vec![folder.to_owned()],
            None => candidates(),
        };
        let mut found: Vec<Self> = candidates.iter().filter_map(|folder| Self::at(folder)).collect();
        found.sort_by_key(|binaries| binaries.major);
        match found.pop() {
            Some(best) if best.major >= OLDEST => Ok(best),
            Some(old) => {
                Err(BinariesError { found: format!(" (version {} is in {})", old.major, old.folder.display()) })
            }
            None => Err(BinariesError { found: String::new() }),
        }
    }

    fn at(folder: &Path) -> Option<Self> {
        let (initdb, postgres) = (folder.join("initdb"), folder.join("postgres"));
        if !initdb.exists() {
            return None;
        }
        // a link in PATH may point into the real folder, where initdb looks for its siblings
        let folder = std::fs::canonicalize(&initdb).ok()?.parent()?.to_owned();
        let output = Command::new(postgres).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let major = number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        Some(Self { folder, major })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (parent, tail) in
        [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin"), ("/usr", "bin")]
    {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if parent.ends_with("postgresql") || name.starts_with("postgresql@") || name.starts_with("pgsql-") {
                folders.push(entry.path().join(tail));
            }
        }
    }
    folders
}
