//! A prepared data directory, kept in the user's cache, so that the next project starts without `initdb`.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Copies a folder with all that is in it.
pub(super) fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())
}

/// Keeps a fresh data directory as the template. Failing costs nothing but the next project's second.
pub(super) fn keep_template(data: &Path, template: &Path) {
    let staging = template.with_extension(format!("{}.new", std::process::id()));
    let kept = copy_tree(data, &staging).and_then(|()| std::fs::rename(&staging, template));
    if kept.is_err() {
        let _ = std::fs::remove_dir_all(&staging);
    }
}

/// True for a folder of ours that nobody else can write to: what is copied from it runs as the server.
pub(super) fn is_own(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder).is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::super::owner::ServerUser;
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mainstay-template-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn only_our_own_folders_are_used() {
        let folder = folder("own");
        let inner = folder.join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert!(is_own(&inner) && ServerUser::Own.owns(&inner));
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_own(&inner) && !ServerUser::Own.owns(&inner));
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).unwrap();
        let link = folder.join("link");
        symlink(&inner, &link).unwrap();
        assert!(!is_own(&link) && !ServerUser::Own.owns(&link));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
