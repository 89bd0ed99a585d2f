//! Which shared libraries a program needs, and where this machine keeps them.

use crate::elf::{self, Elf};
use crate::error::ImageError;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

/// The folder that stands for `/`.
#[derive(Debug, Clone)]
pub(crate) struct Root(pub(crate) PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self(PathBuf::from("/"))
    }
}

impl Root {
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Found libraries: the folder of the image they go to, and by name the file of this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Libraries {
    pub(crate) folder: PathBuf,
    pub(crate) files: BTreeMap<String, PathBuf>,
}

/// Loaded by glibc itself when a name is looked up, so no header names them. From 2.34 on they are part of libc and
/// these are empty shells; nothing breaks when they are not there.
const NAME_SERVICE: [&str; 3] = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/// Everything that `program` needs, with what that needs. Nothing for a static program.
pub(crate) fn resolve(binary: &Path, program: &Elf, root: &Root) -> Result<Option<Libraries>, ImageError> {
    let Some(interpreter) = &program.interpreter else { return Ok(None) };
    let loader = interpreter.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (built_in, configured) = (built_in_folders(root, program.architecture), configured_folders(root));
    let system: Vec<_> = built_in.iter().chain(&configured).cloned().collect();
    let mut files = BTreeMap::new();
    let mut folder = interpreter.parent().unwrap_or(Path::new("/lib")).to_owned();
    let mut queue: VecDeque<Wanted> = wanted(program, binary);
    if loader.starts_with("ld-linux") {
        queue.extend(NAME_SERVICE.map(|name| Wanted { name: name.to_owned(), by: None, search: Vec::new() }));
    }
    while let Some(want) = queue.pop_front() {
        // the loader itself is at its own place, and musl's is its libc as well
        if want.name == loader || files.contains_key(&want.name) || is_virtual(&want.name) {
            continue;
        }
        let found = want.search.iter().map(|place| (place.clone(), place.join(&want.name)));
        let found = found.chain(system.iter().map(|place| (place.clone(), root.at(place).join(&want.name))));
        let Some((place, path, library)) =
            found.filter_map(|(place, path)| Some((place, read(&path, program.architecture)?, path))).map(swap).next()
        else {
            let Some(by) = want.by else { continue };
            let searched: Vec<_> = want.search.iter().chain(&system).map(|place| place.display().to_string()).collect();
            return Err(ImageError::Library { name: want.name, needed_by: by, searched: searched.join(", ") });
        };
        // the image has no cache of configured folders: everything goes to one that the loader knows by itself
        if want.name.starts_with("libc.") && !configured.contains(&place) {
            folder = place;
        }
        queue.extend(wanted(&library, &path));
        files.insert(want.name, path);
    }
    Ok(Some(Libraries { folder, files }))
}

fn swap<A, B, C>((a, b, c): (A, B, C)) -> (A, C, B) {
    (a, c, b)
}

struct Wanted {
    name: String,
    /// Who needs it; nobody in particular when it may be missing.
    by: Option<String>,
    search: Vec<PathBuf>,
}

fn wanted(program: &Elf, path: &Path) -> VecDeque<Wanted> {
    let origin = path.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let own = |folder: &String| PathBuf::from(folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin));
    let search: Vec<_> = program.search.iter().map(own).filter(|folder| folder.is_absolute()).collect();
    let by = path.display().to_string();
    let each = |name: &String| Wanted { name: name.clone(), by: Some(by.clone()), search: search.clone() };
    program.needed.iter().map(each).collect()
}

/// The kernel's own library has no file.
fn is_virtual(name: &str) -> bool {
    name.starts_with("linux-vdso") || name.starts_with("linux-gate")
}

/// The library, when the file is one and of the same architecture: `/lib` may hold another one's.
fn read(path: &Path, architecture: &str) -> Option<Elf> {
    let library = elf::read(&std::fs::read(path).ok()?).ok()?;
    (library.architecture == architecture).then_some(library)
}

/// Where the loader looks without being told.
fn built_in_folders(root: &Root, architecture: &str) -> Vec<PathBuf> {
    let machine = match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "ppc64le" => "powerpc64le",
        other => other,
    };
    let debian = [format!("/lib/{machine}-linux-gnu"), format!("/usr/lib/{machine}-linux-gnu")].map(PathBuf::from);
    let others = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
    debian.into_iter().chain(others).filter(|folder| root.at(folder).is_dir()).collect()
}

/// Where it looks because it was told, and not by itself.
fn configured_folders(root: &Root) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    configured(root, "/etc/ld.so.conf", 0, &mut folders);
    // what is built in as well counts as that
    let built_in = ["/lib", "/usr/lib"];
    folders.retain(|folder| !built_in.iter().any(|known| folder.starts_with(known)));
    folders
}

/// Reads `/etc/ld.so.conf`: one folder a line, `include` with a pattern in the last part. The cache beside it is a
/// binary form of the same.
fn configured(root: &Root, file: &str, depth: usize, folders: &mut Vec<PathBuf>) {
    let Ok(text) = std::fs::read_to_string(root.at(file)) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        match line.strip_prefix("include ").map(str::trim) {
            Some(pattern) if depth < 4 => {
                included(root, pattern).iter().for_each(|file| configured(root, file, depth + 1, folders));
            }
            Some(_) => {}
            None if line.starts_with('/') => folders.push(PathBuf::from(line)),
            None => {}
        }
    }
}

fn included(root: &Root, pattern: &str) -> Vec<String> {
    let pattern = Path::new("/etc").join(pattern);
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy();
    let (head, tail) = name.split_once('*').unwrap_or((&name, ""));
    let entries = std::fs::read_dir(root.at(folder)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let fits = |found: &String| found.starts_with(head) && found.ends_with(tail) && !found.starts_with('.');
    let mut found: Vec<_> = names.filter(fits).map(|name| folder.join(name).display().to_string()).collect();
    found.sort();
    found
}
