//! One owner per project folder.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Holds the folder until dropped; the kernel releases it when the process dies, however it dies.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// The folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another Mainstay has it.
    #[error(
        "another Mainstay{0} is already running this project; stop it first, or run another copy with its own --data-dir"
    )]
    Held(String),
    /// The lock file cannot be made.
    #[error("cannot lock {0}: {1}")]
    Io(String, std::io::Error),
}

impl FolderLock {
    /// Takes the lock `lock` in `folder`, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] names the owner's process id.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let fault = |e| LockError::Io(path.display().to_string(), e);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let owner = if owner.trim().is_empty() { String::new() } else { format!(" (process {})", owner.trim()) };
            return Err(LockError::Held(owner));
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(fault)?;
        Ok(Self { _file: file })
    }
}
