//! The project's folder as a layer. The folder may hold anything; the layer holds files, folders and links that stay
//! inside it.

use crate::base::PROJECT;
use crate::error::ImageError;
use crate::spec::Limits;
use crate::tree::{Content, FOLDER, Tree};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

/// Left out at the top: rendered manifests and build output are no part of what is served.
const NOT_AT_THE_TOP: [&str; 2] = ["k8s", "target"];
/// Left out everywhere.
const NOWHERE: [&str; 1] = ["node_modules"];
/// Hidden, and still served (RFC 8615).
const HIDDEN_BUT_PUBLIC: &str = ".well-known";

/// Reads the folder. Hidden files stay out: `.mainstay` holds secrets and the local database, `.git` and `.env` what
/// no one else should see. So do `leave_out` (the archive itself, when it is written into the project).
pub(crate) fn walk(folder: &Path, leave_out: &[PathBuf], limits: &Limits) -> Result<Tree, ImageError> {
    let root = folder.canonicalize().map_err(|e| ImageError::read(folder, e))?;
    if !root.join("mainstay.toml").is_file() {
        return Err(ImageError::NoProject(folder.to_owned()));
    }
    let leave_out = leave_out.iter().filter_map(|path| std::path::absolute(path).ok()).map(|path| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        parent.zip(path.file_name()).map(|(parent, name)| parent.join(name)).unwrap_or(path)
    });
    let mut walk = Walk {
        root,
        leave_out: leave_out.collect(),
        limits: *limits,
        bytes: 0,
        tree: Tree::default(),
        links: Vec::new(),
    };
    walk.tree.folder(PROJECT, FOLDER);
    let mut open = vec![walk.root.clone()];
    while let Some(folder) = open.pop() {
        walk.folder(&folder, &mut open)?;
    }
    walk.check_links()?;
    Ok(walk.tree)
}

struct Walk {
    root: PathBuf,
    leave_out: Vec<PathBuf>,
    limits: Limits,
    bytes: u64,
    tree: Tree,
    /// Links with the real path they lead to.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, open: &mut Vec<PathBuf>) -> Result<(), ImageError> {
        for entry in std::fs::read_dir(folder).map_err(|e| ImageError::read(folder, e))? {
            let path = entry.map_err(|e| ImageError::read(folder, e))?.path();
            if self.is_left_out(&path) {
                continue;
            }
            // of the link itself, not of what it leads to
            let meta = path.symlink_metadata().map_err(|e| ImageError::read(&path, e))?;
            self.entry(&path, &meta)?;
            if meta.is_dir() {
                open.push(path);
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, meta: &Metadata) -> Result<(), ImageError> {
        let inside = self.inside(path);
        if meta.is_symlink() {
            let target = path.canonicalize().map_err(|_| self.leads_nowhere(path))?;
            if !target.starts_with(&self.root) {
                return Err(ImageError::Link { link: path.to_owned(), target });
            }
            // written anew, so that it means the same wherever the project lies
            let from = path.parent().unwrap_or(&self.root);
            self.tree.link(inside, relative(from, &target));
            self.links.push((path.to_owned(), target));
        } else if meta.is_dir() {
            self.tree.folder(inside, FOLDER);
        } else if meta.is_file() {
            self.bytes = self.bytes.saturating_add(meta.len());
            let content = Content::Path { path: path.to_owned(), size: meta.len() };
            self.tree.file(inside, content, is_executable(meta));
        } else {
            return Err(ImageError::Special(path.to_owned()));
        }
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), ImageError> {
        let limit = if self.bytes > self.limits.bytes {
            format!("{} MiB", self.limits.bytes >> 20)
        } else if self.tree.len() > self.limits.entries {
            format!("{} files and folders", self.limits.entries)
        } else {
            return Ok(());
        };
        Err(ImageError::TooMuch { project: self.root.clone(), limit })
    }

    /// A link to a file that was left out would lead nowhere in the image.
    fn check_links(&self) -> Result<(), ImageError> {
        let broken = self.links.iter().find(|(_, target)| !self.tree.contains(self.inside(target)));
        broken.map_or(Ok(()), |(link, target)| Err(ImageError::Link { link: link.clone(), target: target.clone() }))
    }

    fn leads_nowhere(&self, link: &Path) -> ImageError {
        let target = link.read_link().unwrap_or_default();
        ImageError::Link { link: link.to_owned(), target }
    }

    fn is_left_out(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|other| name == OsStr::new(other));
        let hidden = name.as_encoded_bytes().starts_with(b".") && name != OsStr::new(HIDDEN_BUT_PUBLIC);
        let top = path.parent() == Some(self.root.as_path());
        hidden || is(&NOWHERE) || (top && is(&NOT_AT_THE_TOP)) || self.leave_out.iter().any(|out| out == path)
    }

    /// Path in the image, without the leading slash.
    fn inside(&self, path: &Path) -> PathBuf {
        let project = Path::new(PROJECT.trim_start_matches('/'));
        // joining nothing would leave a slash at the end
        match path.strip_prefix(&self.root) {
            Ok(rest) if !rest.as_os_str().is_empty() => project.join(rest),
            _ => project.to_owned(),
        }
    }
}

/// How `to` is written in a link that lies in `from`; both are real and absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - common);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(unix)]
fn is_executable(meta: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
