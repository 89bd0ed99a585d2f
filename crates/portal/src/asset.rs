//! A file as it is served: its representations with their validators.

use crate::encoding::{Coding, gzip};
use crate::media::{self, Caching};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Largest file kept in memory, in bytes.
const LARGEST_IN_MEMORY: u64 = 1_000_000;
/// Smallest text worth compressing, in bytes.
const SMALLEST_TO_COMPRESS: u64 = 1024;
/// Largest file whose content is hashed, in bytes; larger ones are told apart by size and time.
const LARGEST_TO_HASH: u64 = 64_000_000;

/// What the disk says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Where it really is, links resolved.
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

/// A file, ready to be served.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) facts: Facts,
    pub(crate) media: &'static str,
    pub(crate) cache_control: HeaderValue,
    /// `Last-Modified`, and the same in whole seconds since the epoch.
    pub(crate) last_modified: Option<(HeaderValue, i64)>,
    pub(crate) plain: Representation,
    pub(crate) encoded: Vec<(Coding, Representation)>,
}

/// One form of a file.
#[derive(Debug)]
pub(crate) struct Representation {
    pub(crate) etag: HeaderValue,
    pub(crate) content: Content,
}

/// Where the bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Memory(Bytes),
    Disk { path: PathBuf, size: u64 },
}

// === impl Facts ===

impl Facts {
    /// Asks the disk. The path must have been checked to lie below the root.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), size: found.len(), modified: found.modified()? })
    }
}

// === impl Asset ===

impl Asset {
    /// Reads a file, its compressed siblings included. Blocks.
    pub(crate) fn load(relative: &str, facts: Facts, caching: &Caching) -> io::Result<Self> {
        let media = media::of(relative);
        let (content, tag) = read(&facts)?;
        let mut encoded: Vec<_> = Coding::ALL.into_iter().filter_map(|coding| sibling(&facts, coding, &tag)).collect();
        if encoded.is_empty()
            && media::is_text(media)
            && facts.size >= SMALLEST_TO_COMPRESS
            && let Content::Memory(plain) = &content
            && let Some(packed) = gzip(plain)
        {
            encoded
                .push((Coding::Gzip, Representation { etag: etag(&tag, "-gzip"), content: Content::Memory(packed) }));
        }
        // the smallest that a client accepts comes first
        encoded.sort_by_key(|(_, representation)| representation.content.size());
        Ok(Self {
            media,
            cache_control: caching.of(relative),
            last_modified: last_modified(facts.modified),
            plain: Representation { etag: etag(&tag, ""), content },
            encoded,
            facts,
        })
    }

    /// Bytes of memory it takes.
    pub(crate) fn weight(&self) -> u64 {
        let held = |content: &Content| match content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Disk { .. } => 0,
        };
        512 + held(&self.plain.content) + self.encoded.iter().map(|(_, form)| held(&form.content)).sum::<u64>()
    }
}

// === impl Content ===

impl Content {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk { size, .. } => *size,
        }
    }
}

/// The content and a tag that changes with it.
fn read(facts: &Facts) -> io::Result<(Content, String)> {
    if facts.size <= LARGEST_IN_MEMORY {
        let bytes = Bytes::from(fs::read(&facts.path)?);
        let mut hash = Context::new(&SHA256);
        hash.update(&bytes);
        return Ok((Content::Memory(bytes), tag_of(hash)));
    }
    let tag = if facts.size <= LARGEST_TO_HASH {
        hash_file(&facts.path)?
    } else {
        format!("{:x}-{:x}", facts.size, nanos(facts.modified))
    };
    Ok((Content::Disk { path: facts.path.clone(), size: facts.size }, tag))
}

fn hash_file(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Context::new(&SHA256), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(tag_of(hash)),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Half of the digest is plenty to tell versions of one file apart.
fn tag_of(hash: Context) -> String {
    URL_SAFE_NO_PAD.encode(&hash.finish().as_ref()[..16])
}

fn etag(tag: &str, suffix: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}{suffix}\"")).unwrap_or(HeaderValue::from_static("\"-\""))
}

/// A file compressed beforehand, unless it is older than the file it stands for.
fn sibling(facts: &Facts, coding: Coding, tag: &str) -> Option<(Coding, Representation)> {
    let mut name = facts.path.clone().into_os_string();
    name.push(format!(".{}", coding.extension()));
    let path = PathBuf::from(name);
    let found = fs::symlink_metadata(&path).ok()?;
    if !found.is_file() || found.modified().ok()? < facts.modified {
        return None;
    }
    let content = if found.len() <= LARGEST_IN_MEMORY {
        Content::Memory(fs::read(&path).ok()?.into())
    } else {
        Content::Disk { path, size: found.len() }
    };
    Some((coding, Representation { etag: etag(tag, &format!("-{}", coding.name())), content }))
}

fn last_modified(modified: SystemTime) -> Option<(HeaderValue, i64)> {
    let at = Timestamp::try_from(modified).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    Some((HeaderValue::try_from(text).ok()?, at.as_second()))
}

fn nanos(at: SystemTime) -> u128 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
