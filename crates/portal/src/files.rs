//! Files below the web folder, the hot ones from memory.
//!
//! A file in memory is served without touching the disk until `recheck` has passed; then one look at size and time says
//! whether it is still the same. Links are followed only as long as they stay below the folder.

use crate::asset::{Asset, Facts};
use crate::config::Config;
use crate::media::Caching;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Files expected; the cache grows past it. The cache divides its memory by this: with few, one part still has room for
/// the largest file in all its encodings.
const EXPECTED: usize = 128;

/// What is at a path.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    File(Arc<Asset>),
    Folder,
    Nothing,
}

/// The web folder.
pub(crate) struct Files {
    root: Arc<Path>,
    caching: Arc<Caching>,
    cache: Cache<String, Arc<Entry>, ByBytes>,
    recheck: Duration,
    began: Instant,
}

struct Entry {
    asset: Arc<Asset>,
    /// Milliseconds after `began` when the disk was last asked.
    checked: AtomicU64,
}

#[derive(Clone)]
struct ByBytes;

enum Located {
    File(Facts),
    Folder,
    Nothing,
}

// === impl Files ===

impl Files {
    pub(crate) fn new(root: PathBuf, config: &Config) -> Self {
        Self {
            root: root.into(),
            caching: Arc::new(Caching::new(config)),
            cache: Cache::with_weighter(EXPECTED, config.memory.0, ByBytes),
            recheck: config.recheck.0,
            began: Instant::now(),
        }
    }

    /// True when there is a web folder.
    pub(crate) async fn exist(&self) -> bool {
        tokio::fs::metadata(&self.root).await.is_ok_and(|found| found.is_dir())
    }

    /// What is at `relative`, which must come from a [`crate::path::SitePath`].
    ///
    /// # Errors
    /// When the disk fails; a file that is not there is no error.
    pub(crate) async fn find(&self, relative: &str) -> io::Result<Found> {
        let known = self.cache.get(relative);
        if let Some(entry) = known.as_ref().filter(|entry| self.is_fresh(entry)) {
            return Ok(Found::File(entry.asset.clone()));
        }
        let (root, path) = (self.root.clone(), relative.to_owned());
        match off_thread(move || Ok(locate(&root, &path))).await? {
            Located::Nothing => {
                self.cache.remove(relative);
                Ok(Found::Nothing)
            }
            Located::Folder => Ok(Found::Folder),
            Located::File(facts) => match known {
                Some(entry) if entry.asset.facts == facts => {
                    entry.checked.store(self.now(), Ordering::Relaxed);
                    Ok(Found::File(entry.asset.clone()))
                }
                _ => self.load(relative, facts).await.map(Found::File),
            },
        }
    }

    async fn load(&self, relative: &str, facts: Facts) -> io::Result<Arc<Asset>> {
        let (path, caching) = (relative.to_owned(), self.caching.clone());
        let asset = Arc::new(off_thread(move || Asset::load(&path, facts, &caching)).await?);
        let entry = Entry { asset: asset.clone(), checked: AtomicU64::new(self.now()) };
        self.cache.insert(relative.to_owned(), Arc::new(entry));
        Ok(asset)
    }

    fn is_fresh(&self, entry: &Entry) -> bool {
        let age = self.now().saturating_sub(entry.checked.load(Ordering::Relaxed));
        u128::from(age) < self.recheck.as_millis()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

// === impl ByBytes ===

impl Weighter<String, Arc<Entry>> for ByBytes {
    fn weight(&self, path: &String, entry: &Arc<Entry>) -> u64 {
        path.len() as u64 + entry.asset.weight()
    }
}

/// Follows links and refuses those that leave the folder or lead to hidden files.
fn locate(root: &Path, relative: &str) -> Located {
    let Ok(root) = root.canonicalize() else { return Located::Nothing };
    let Ok(path) = root.join(relative).canonicalize() else { return Located::Nothing };
    let Ok(inside) = path.strip_prefix(&root) else { return Located::Nothing };
    let hides = |(index, part): (usize, std::path::Component<'_>)| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with('.') && !(index == 0 && name == ".well-known")
    };
    if inside.components().enumerate().any(hides) {
        return Located::Nothing;
    }
    match path.metadata() {
        Ok(found) if found.is_dir() => Located::Folder,
        Ok(found) if found.is_file() => Facts::read(&path).map_or(Located::Nothing, Located::File),
        _ => Located::Nothing,
    }
}

/// Disk work does not belong on the threads that answer requests.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
