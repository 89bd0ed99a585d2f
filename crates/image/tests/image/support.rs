//! Projects in temporary folders, and archives read back.

use mainstay_image::{Built, ImageError, ImageSpec, build};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("image-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A project in `project`, with a few files.
    pub(crate) fn project(&self) -> PathBuf {
        self.write("project/mainstay.toml", "name = \"p\"\n");
        self.write("project/migrations/0001.sql", "select 1;\n");
        self.write("project/web/index.html", "<p>hello</p>\n");
        self.path("project")
    }

    /// The image of `project` with the program of [`static_program`].
    pub(crate) fn image(&self) -> Result<(Built, Archive), ImageError> {
        let spec = ImageSpec::new(self.write("mainstay", static_program()), "p:1").project(self.path("project"));
        self.build(&spec, "image.tar")
    }

    pub(crate) fn build(&self, spec: &ImageSpec, out: &str) -> Result<(Built, Archive), ImageError> {
        let out = self.path(out);
        let built = build(spec, &out)?;
        Ok((built, Archive::read(&std::fs::read(out).unwrap())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The smallest file that is a program: an ELF header for x86-64 and nothing to load.
pub(crate) fn static_program() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend(2_u16.to_le_bytes()); // a program
    header.extend(62_u16.to_le_bytes()); // x86-64
    header.extend(1_u32.to_le_bytes());
    header.extend([0; 24]); // no entry, no segments, no sections
    header.extend([0; 4]);
    header.extend([64_u16, 56, 0, 64, 0, 0].iter().flat_map(|word| word.to_le_bytes()));
    header
}

/// One entry of a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: tar::EntryType,
    pub(crate) mode: u32,
    pub(crate) owner: (u64, u64),
    pub(crate) date: u64,
    pub(crate) link: Option<PathBuf>,
    pub(crate) bytes: Vec<u8>,
}

/// The entries of a tar by path, and their order.
pub(crate) struct Archive {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) order: Vec<String>,
}

impl std::fmt::Debug for Archive {
    /// Names only: the bytes of an image would fill the log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.order).finish()
    }
}

impl Archive {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut archive = Self { entries: BTreeMap::new(), order: Vec::new() };
        for entry in tar::Archive::new(bytes).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let header = entry.header();
            assert_eq!(header.username().unwrap().unwrap_or_default(), "");
            let read = Entry {
                kind: header.entry_type(),
                mode: header.mode().unwrap(),
                owner: (header.uid().unwrap(), header.gid().unwrap()),
                date: header.mtime().unwrap(),
                link: entry.link_name().unwrap().map(|link| link.into_owned()),
                bytes: {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).unwrap();
                    bytes
                },
            };
            assert!(archive.entries.insert(path.clone(), read).is_none(), "{path} appears twice");
            archive.order.push(path);
        }
        archive
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.entries[path].bytes).unwrap()
    }

    /// The document or layer with a digest.
    pub(crate) fn blob(&self, digest: &str) -> &[u8] {
        &self.entries[&format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap())].bytes
    }

    /// A layer by name.
    pub(crate) fn layer(&self, built: &Built, name: &str) -> Self {
        let layer = built.layers.iter().find(|layer| layer.name == name).unwrap();
        Self::read(self.blob(&layer.digest))
    }
}
