use crate::error::ImageError;
use crate::tree::{Content, FOLDER, Node, Tree};
use aws_lc_rs::digest::{Context, SHA256};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// A layer whose digest is known. Its bytes are made twice, once to be hashed and once to be written: nothing needs to
/// be kept in memory or in a temporary file.
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) tree: Tree,
}

impl Layer {
    pub(crate) fn measure(name: &'static str, tree: Tree, created: i64) -> Result<Self, ImageError> {
        let hashed = write(&tree, created, Hashing::new(std::io::sink()))?;
        Ok(Self { name, digest: hashed.digest(), size: hashed.size, tree })
    }

    /// Writes the tar of the layer and makes sure that it is what was measured.
    pub(crate) fn write(&self, created: i64, out: impl Write) -> Result<(), ImageError> {
        let written = write(&self.tree, created, Hashing::new(out))?;
        if written.digest() == self.digest {
            return Ok(());
        }
        let files = self.tree.iter().filter_map(|(_, node)| match node {
            Node::File { content: Content::Path { path, .. }, .. } => Some(path),
            _ => None,
        });
        // same size, other content: which of them it was is not known
        let place = files.min_by_key(|path| path.components().count()).and_then(|path| path.parent());
        Err(ImageError::Changed(place.unwrap_or(Path::new(self.name)).to_owned()))
    }
}

fn write<W: Write>(tree: &Tree, created: i64, out: W) -> Result<W, ImageError> {
    let mut tar = Builder::new(out);
    for (path, node) in tree.iter() {
        append(&mut tar, path, node, created)?;
    }
    tar.into_inner().map_err(|e| ImageError::Format(e.to_string()))
}

fn append<W: Write>(tar: &mut Builder<W>, path: &Path, node: &Node, created: i64) -> Result<(), ImageError> {
    let put = |result: std::io::Result<()>| result.map_err(|e| ImageError::Format(format!("{}: {e}", path.display())));
    match node {
        Node::Folder { mode } => {
            let mut header = header(EntryType::Directory, *mode, created);
            put(tar.append_data(&mut header, path.join(""), std::io::empty()))
        }
        Node::Link { target } => {
            let mut header = header(EntryType::Symlink, 0o777, created);
            put(tar.append_link(&mut header, path, target))
        }
        Node::File { content, executable } => {
            let mut header = header(EntryType::Regular, if *executable { FOLDER } else { 0o644 }, created);
            match content {
                Content::Bytes(bytes) => {
                    header.set_size(bytes.len() as u64);
                    put(tar.append_data(&mut header, path, bytes.as_slice()))
                }
                Content::Path { path: source, size } => {
                    header.set_size(*size);
                    let mut file = File::open(source).map_err(|e| ImageError::read(source, e))?;
                    let mut counted = Counted { file: (&mut file).take(*size), count: 0, problem: None };
                    let appended = tar.append_data(&mut header, path, &mut counted);
                    if let Some(problem) = counted.problem {
                        return Err(ImageError::read(source, problem.into()));
                    }
                    put(appended)?;
                    let short = counted.count != *size;
                    let longer = file.read(&mut [0]).map_err(|e| ImageError::read(source, e))? > 0;
                    if short || longer { Err(ImageError::Changed(source.clone())) } else { Ok(()) }
                }
            }
        }
    }
}

/// A header with nothing of this machine in it: no names, owner root, one date.
fn header(kind: EntryType, mode: u32, created: i64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(created.unsigned_abs());
    header.set_size(0);
    header
}

/// Knows how much was read, and whether it was reading or writing that failed.
struct Counted<R> {
    file: R,
    count: u64,
    problem: Option<ErrorKind>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer).inspect_err(|e| self.problem = Some(e.kind()))?;
        self.count += read as u64;
        Ok(read)
    }
}

/// Passes bytes on and hashes them on the way.
pub(crate) struct Hashing<W> {
    out: W,
    context: Context,
    pub(crate) size: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, context: Context::new(&SHA256), size: 0 }
    }

    pub(crate) fn digest(&self) -> String {
        hex(self.context.clone().finish().as_ref())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.context.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Digest of bytes in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Layer;
    use crate::error::ImageError;
    use crate::tree::{Content, Tree};
    use std::path::PathBuf;

    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("mainstay-image-{}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }

        fn layer(&self) -> Layer {
            let mut tree = Tree::default();
            let size = std::fs::metadata(&self.0).unwrap().len();
            tree.file("project/a/file", Content::Path { path: self.0.clone(), size }, false);
            Layer::measure("project", tree, 0).unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_layer_is_what_was_measured() {
        let file = File::new("same", "one");
        let layer = file.layer();
        let mut bytes = Vec::new();
        layer.write(0, &mut bytes).unwrap();
        assert_eq!((bytes.len() as u64, super::sha256(&bytes)), (layer.size, layer.digest.clone()));
        assert_eq!(bytes.len() % 512, 0);
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_noticed() {
        for (name, after) in [("content", "two"), ("shorter", "on"), ("longer", "one more")] {
            let file = File::new(name, "one");
            let layer = file.layer();
            std::fs::write(&file.0, after).unwrap();
            let problem = layer.write(0, std::io::sink()).unwrap_err();
            assert!(matches!(problem, ImageError::Changed(_)), "{name}: {problem}");
        }
        let file = File::new("gone", "one");
        let layer = file.layer();
        std::fs::remove_file(&file.0).unwrap();
        let problem = layer.write(0, std::io::sink()).unwrap_err();
        assert!(matches!(problem, ImageError::Read { .. }), "{problem}");
    }

    #[test]
    fn a_full_disk_is_the_archives_problem() {
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let file = File::new("full", "one");
        assert!(matches!(file.layer().write(0, Full), Err(ImageError::Format(_))));
    }
}
