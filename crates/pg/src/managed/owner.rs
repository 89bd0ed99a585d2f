//! Who runs the server when Mainstay is root.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The account that owns the data directory and runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerUser {
    /// The same as Mainstay's.
    Own,
    /// Another, because Mainstay is root and PostgreSQL refuses root.
    Dropped {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl ServerUser {
    /// Decides by who we are: root drops to the owner of the data when there is some, else to `postgres`, else to `nobody`.
    pub(super) fn choose(data: &Path) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Own;
        }
        if let Ok(meta) = std::fs::metadata(data)
            && meta.uid() != 0
        {
            return Self::Dropped { uid: meta.uid(), gid: meta.gid() };
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let account = |name: &str| {
            let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some(Self::Dropped { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
        };
        account("postgres").or_else(|| account("nobody")).unwrap_or(Self::Dropped { uid: 65534, gid: 65534 })
    }

    /// Makes a command run as this user, without our environment: it may hold secrets, and `/proc` shows it to whoever
    /// shares the server's account.
    pub(super) fn apply(self, command: &mut Command) {
        use std::os::unix::process::CommandExt as _;
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_harmless)));
        if let Self::Dropped { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command.process_group(0).current_dir("/");
    }

    /// Gives a folder (or file) to this user, private to it.
    pub(super) fn give(self, path: &Path, mode: u32) -> std::io::Result<()> {
        if let Self::Dropped { uid, gid } = self {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }

    /// Gives an open file to this user.
    pub(super) fn give_file(self, file: &std::fs::File) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Dropped { uid, gid } => std::os::unix::fs::fchown(file, Some(uid), Some(gid)),
        }
    }

    /// Keeps a folder to ourselves. Where root works on names in it, the server's account must not be able to put links.
    pub(super) fn keep(self, path: &Path, mode: u32) -> std::io::Result<()> {
        if let Self::Dropped { .. } = self {
            std::os::unix::fs::chown(path, Some(0), Some(0))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }

    /// Gives a whole tree to this user.
    pub(super) fn give_tree(self, path: &Path) -> std::io::Result<()> {
        let Self::Dropped { uid, gid } = self else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.give_tree(&entry.path())?;
            } else {
                std::os::unix::fs::chown(entry.path(), Some(uid), Some(gid))?;
            }
        }
        Ok(())
    }

    /// True for a real folder of this user's that others cannot write to.
    pub(super) fn owns(self, folder: &Path) -> bool {
        let uid = match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Dropped { uid, .. } => uid,
        };
        std::fs::symlink_metadata(folder)
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == uid && meta.mode() & 0o022 == 0)
    }

    /// True when this user can walk into `folder` through all its parents.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        let Self::Dropped { uid, gid } = self else { return true };
        folder.ancestors().all(|parent| {
            std::fs::metadata(parent).is_ok_and(|meta| {
                let mode = meta.mode();
                mode & 0o001 != 0
                    || (meta.uid() == uid && mode & 0o100 != 0)
                    || (meta.gid() == gid && mode & 0o010 != 0)
            })
        })
    }
}

/// Variables that the server needs: programs, libraries, language, time zone.
fn is_harmless(name: &str) -> bool {
    matches!(name, "PATH" | "LANG" | "LANGUAGE" | "TZ" | "TMPDIR" | "LD_LIBRARY_PATH") || name.starts_with("LC_")
}

/// A folder for the server's files that its user can reach: inside the project when possible, else under `/var/lib`.
pub(super) fn reachable_home(user: ServerUser, wanted: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(wanted)?;
    let wanted = std::fs::canonicalize(wanted)?;
    if wanted.parent().is_none_or(|parent| user.reaches(parent)) {
        return Ok(wanted);
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, wanted.as_os_str().as_encoded_bytes());
    let name: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let home = PathBuf::from("/var/lib/mainstay").join(name);
    std::fs::create_dir_all(&home)?;
    std::fs::set_permissions("/var/lib/mainstay", std::fs::Permissions::from_mode(0o711))?;
    Ok(home)
}
