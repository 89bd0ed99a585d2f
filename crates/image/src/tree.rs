use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The entries of one layer by path (without a leading slash). Parents come before what is in them, and every folder
/// on the way is there.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<PathBuf, Node>);

#[derive(Debug)]
pub(crate) enum Node {
    Folder { mode: u32 },
    File { content: Content, executable: bool },
    Link { target: PathBuf },
}

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// A file of this machine, with its size when it was found.
    Path {
        path: PathBuf,
        size: u64,
    },
}

/// Everybody may read and enter: the cluster chooses the user.
pub(crate) const FOLDER: u32 = 0o755;
/// As `/tmp` must be.
pub(crate) const SHARED_FOLDER: u32 = 0o1777;

impl Tree {
    pub(crate) fn folder(&mut self, path: impl AsRef<Path>, mode: u32) {
        self.insert(path.as_ref(), Node::Folder { mode });
    }

    pub(crate) fn file(&mut self, path: impl AsRef<Path>, content: Content, executable: bool) {
        self.insert(path.as_ref(), Node::File { content, executable });
    }

    pub(crate) fn text(&mut self, path: impl AsRef<Path>, text: &str) {
        self.file(path, Content::Bytes(text.as_bytes().to_vec()), false);
    }

    pub(crate) fn link(&mut self, path: impl AsRef<Path>, target: impl Into<PathBuf>) {
        self.insert(path.as_ref(), Node::Link { target: target.into() });
    }

    fn insert(&mut self, path: &Path, node: Node) {
        let path = path.strip_prefix("/").unwrap_or(path);
        for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            self.0.entry(parent.to_owned()).or_insert(Node::Folder { mode: FOLDER });
        }
        self.0.insert(path.to_owned(), node);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, path: impl AsRef<Path>) -> bool {
        self.0.contains_key(path.as_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_path(), node))
    }
}
