//! Secrets as files: folders whose file names are names of environment variables, as Kubernetes mounts a Secret.

use super::ConfigError;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The variable that names the folders, separated by colons.
pub const SECRETS_DIR: &str = "MAINSTAY_SECRETS_DIR";

/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Reads every file of the folders (separated by `:`) that is named like an environment variable, as (name, value)
/// without the newline at its end. Where two folders have the same name, the first wins.
///
/// Other names, folders and links that lead nowhere are passed over: a mounted Secret also has `..data`, and for a moment
/// the link of a key that was removed.
///
/// # Errors
/// When a folder or file cannot be read, a file is larger than 64 KiB or not UTF-8. The text never shows a value.
pub fn read_secret_files(folders: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let mut found: Vec<(String, String)> = Vec::new();
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        let fault = |error: std::io::Error| {
            let place = format!("environment variable {SECRETS_DIR}");
            ConfigError::new(place, format!("the folder {folder} cannot be read: {error}"))
        };
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let Some(name) = entry.file_name().to_str().filter(|name| is_variable(name)).map(str::to_owned) else {
                continue;
            };
            if found.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let read = read(&entry.path());
            if let Some(value) = read.map_err(|problem| ConfigError::new(place(&name), problem))? {
                found.push((name, value));
            }
        }
    }
    Ok(found)
}

/// How messages name a secret file.
pub(super) fn place(name: &str) -> String {
    format!("file {name} in {SECRETS_DIR}")
}

/// `[A-Z][A-Z0-9_]*`
fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The text of a file; `None` when the name leads to no file.
fn read(path: &Path) -> Result<Option<String>, String> {
    let unreadable = |error: std::io::Error| {
        let remedy = if error.kind() == std::io::ErrorKind::PermissionDenied {
            "; let the process's user or group read it (in a pod: fsGroup, or defaultMode of the volume)"
        } else {
            ""
        };
        format!("the file cannot be read: {error}{remedy}")
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(meta) if !meta.is_file() => return Ok(None),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err("the file is larger than 64 KiB".to_owned());
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mainstay-secret-files-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_mounted_secret_is_read() {
        let mount = folder("mount");
        let data = mount.join("..2026_11_21");
        std::fs::create_dir(&data).unwrap();
        symlink("..2026_11_21", mount.join("..data")).unwrap();
        for (name, text) in [
            ("DATABASE_URL", "postgresql://a:b@h/d\n"),
            ("TWO_LINES", "a\n\n"),
            ("WINDOWS", "x\r\n"),
            ("BARE", " kept "),
            ("tls.crt", "no variable"),
            ("lower", "no variable"),
            ("9LIVES", "no variable"),
        ] {
            std::fs::write(data.join(name), text).unwrap();
            symlink(format!("..data/{name}"), mount.join(name)).unwrap();
        }
        symlink("..data/REMOVED", mount.join("REMOVED")).unwrap();
        std::fs::create_dir(mount.join("FOLDER")).unwrap();
        let second = folder("second");
        std::fs::write(second.join("BARE"), "weaker").unwrap();
        std::fs::write(second.join("ONLY_HERE"), "1").unwrap();
        let mut found = read_secret_files(&format!("{}:{}:", mount.display(), second.display())).unwrap();
        found.sort();
        let expected = [
            ("BARE", " kept "),
            ("DATABASE_URL", "postgresql://a:b@h/d"),
            ("ONLY_HERE", "1"),
            ("TWO_LINES", "a\n"),
            ("WINDOWS", "x"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        std::fs::remove_dir_all(mount).unwrap();
        std::fs::remove_dir_all(second).unwrap();
    }

    #[test]
    fn what_cannot_be_read_is_told_without_the_value() {
        let mount = folder("hostile");
        let problem = |folder: &Path| read_secret_files(&folder.display().to_string()).unwrap_err().to_string();
        assert!(problem(&mount.join("absent")).starts_with("environment variable MAINSTAY_SECRETS_DIR: the folder "));
        std::fs::write(mount.join("KEY"), b"geheim\xff").unwrap();
        assert_eq!(problem(&mount), "file KEY in MAINSTAY_SECRETS_DIR: the file is not UTF-8 text");
        std::fs::write(mount.join("KEY"), "g".repeat(64 * 1024)).unwrap();
        assert_eq!(read_secret_files(&mount.display().to_string()).unwrap()[0].1.len(), 64 * 1024);
        std::fs::write(mount.join("KEY"), "g".repeat(64 * 1024 + 1)).unwrap();
        assert_eq!(problem(&mount), "file KEY in MAINSTAY_SECRETS_DIR: the file is larger than 64 KiB");
        std::fs::remove_file(mount.join("KEY")).unwrap();
        symlink("KEY", mount.join("KEY")).unwrap();
        assert!(problem(&mount).starts_with("file KEY in MAINSTAY_SECRETS_DIR: the file cannot be read: "));
        std::fs::remove_dir_all(mount).unwrap();
    }
}
