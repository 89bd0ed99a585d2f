//! The lower layers: what the binary needs to run, and the binary.

use crate::elf::Elf;
use crate::error::ImageError;
use crate::libraries::{self, Root};
use crate::spec::ImageSpec;
use crate::tree::{Content, FOLDER, SHARED_FOLDER, Tree};
use std::path::Path;

/// Where the binary lies in the image.
pub(crate) const BINARY: &str = "/usr/local/bin/mainstay";
/// Where the project lies in the image.
pub(crate) const PROJECT: &str = "/project";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/project:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Names are looked up in `/etc/hosts`, which the engine writes, then by DNS; nothing else is there.
const NAME_SERVICE_SWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(crate) fn base(binary: &Path, program: &Elf, root: &Root) -> Result<Tree, ImageError> {
    let mut tree = Tree::default();
    tree.text("/etc/passwd", PASSWD);
    tree.text("/etc/group", GROUP);
    tree.text("/etc/nsswitch.conf", NAME_SERVICE_SWITCH);
    tree.folder("/tmp", SHARED_FOLDER);
    tree.folder(PROJECT, FOLDER);
    if let Ok(certificates) = std::fs::read(root.at(CERTIFICATES)) {
        tree.file(CERTIFICATES, Content::Bytes(certificates), false);
    }
    if let (Some(found), Some(interpreter)) = (libraries::resolve(binary, program, root)?, &program.interpreter) {
        for (name, path) in &found.files {
            tree.file(found.folder.join(name), copy(path)?, false);
        }
        tree.file(interpreter, copy(&root.at(interpreter))?, true);
    }
    Ok(tree)
}

pub(crate) fn binary(bytes: Vec<u8>) -> Tree {
    let mut tree = Tree::default();
    tree.file(BINARY, Content::Bytes(bytes), true);
    tree
}

fn copy(path: &Path) -> Result<Content, ImageError> {
    std::fs::read(path).map(Content::Bytes).map_err(|e| ImageError::read(path, e))
}

impl ImageSpec {
    /// Title of the image: the project's folder, else the program.
    pub(crate) fn title(&self) -> String {
        let folder = self.project.as_ref().and_then(|folder| folder.canonicalize().ok());
        let name = folder.and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
        name.unwrap_or_else(|| "mainstay".to_owned())
    }
}
