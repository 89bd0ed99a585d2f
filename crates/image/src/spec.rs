use crate::error::ImageError;
use crate::libraries::Root;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What an image is made of.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// The binary, usually the running one.
    pub binary: PathBuf,
    /// The project's folder, which becomes `/project`. Without one the folder is empty and a ConfigMap or a volume
    /// must be mounted there.
    pub project: Option<PathBuf>,
    /// Name and tag, such as `budget-app:1.0`.
    pub tag: String,
    /// The date of every entry and of the image, in seconds since 1970; see [`epoch`].
    pub created: i64,
    /// Version of the program, for the label `org.opencontainers.image.version`.
    pub version: String,
    /// Further labels; they take precedence.
    pub labels: BTreeMap<String, String>,
    /// How much a project may hold.
    pub limits: Limits,
    /// Where shared libraries and CA certificates are taken from.
    pub(crate) root: Root,
}

impl ImageSpec {
    /// An image of `binary` without a project, dated 1970.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, tag: impl Into<String>) -> Self {
        Self {
            binary: binary.into(),
            project: None,
            tag: tag.into(),
            created: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            labels: BTreeMap::new(),
            limits: Limits::default(),
            root: Root::default(),
        }
    }

    /// With a project at `/project`.
    #[must_use]
    pub fn project(mut self, folder: impl Into<PathBuf>) -> Self {
        self.project = Some(folder.into());
        self
    }

    /// Takes shared libraries and certificates from below another folder instead of `/`, for binaries of another
    /// system (its root file system unpacked somewhere).
    #[must_use]
    pub fn libraries_below(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = Root(folder.into());
        self
    }
}

/// How much a project may hold, so that a wrong folder is noticed before it fills the disk.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: usize,
}

impl Default for Limits {
    /// 4 GiB and 50 000 entries.
    fn default() -> Self {
        Self { bytes: 4 << 30, entries: 50_000 }
    }
}

/// An image that was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    /// Full name, such as `docker.io/library/budget-app:1.0`: what engines and the kubelet take the tag for.
    pub reference: String,
    /// Digest of the manifest (`sha256:…`): what `image@sha256:…` names once the image is in a registry or containerd.
    pub digest: String,
    /// Digest of the configuration: Docker's and Podman's "image ID".
    pub id: String,
    /// Size of the archive in bytes.
    pub size: u64,
    /// Architecture as Kubernetes writes it (`amd64`, `arm64`).
    pub architecture: String,
    /// The layers, lowest first.
    pub layers: Vec<BuiltLayer>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BuiltLayer {
    /// `base`, `mainstay` or `project`.
    pub name: String,
    /// Digest (`sha256:…`) of its tar.
    pub digest: String,
    /// Bytes of its tar.
    pub size: u64,
    /// Files, folders and links.
    pub entries: usize,
}

/// The date that `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>) asks for, given the
/// variable's value; zero without one.
///
/// # Errors
/// When it is no number of seconds from 1970 to 9999.
pub fn epoch(variable: Option<&str>) -> Result<i64, ImageError> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else { return Ok(0) };
    let seconds: Option<i64> = text.parse().ok().filter(|seconds| *seconds >= 0);
    seconds.filter(|s| jiff::Timestamp::from_second(*s).is_ok()).ok_or_else(|| ImageError::Epoch(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::epoch;

    #[test]
    fn epochs() {
        assert_eq!(epoch(None).unwrap(), 0);
        assert_eq!(epoch(Some("")).unwrap(), 0);
        assert_eq!(epoch(Some("1700000000")).unwrap(), 1_700_000_000);
        for wrong in ["-1", "soon", "1.5", "99999999999999"] {
            assert!(epoch(Some(wrong)).unwrap_err().to_string().contains(wrong));
        }
    }
}
