//! A container image of Mainstay and a project, made without a container engine and without a registry.
//!
//! [`build`] writes one archive that is an OCI image layout and a Docker archive at once. Engines that know both read
//! the layout (containerd: `ctr images import`, and with it kind, k3d and minikube; Podman; Docker from 25 on), older
//! Docker reads `manifest.json`. Layers are not compressed: minikube does not take compressed archives, and a digest
//! must not change with the version of a compressor.
//!
//! The same input gives the same bytes: entries are sorted, owned by root, and carry one date (zero, or
//! `SOURCE_DATE_EPOCH`).
//!
//! This is not a builder of images. There are three layers (what the binary needs, the binary, the project), and who
//! wants more writes a Dockerfile, as the one in the repository.

mod archive;
mod base;
mod elf;
mod error;
mod layer;
mod libraries;
mod manifest;
mod project;
mod reference;
mod spec;
mod tree;

pub use error::ImageError;
pub use reference::Reference;
pub use spec::{Built, BuiltLayer, ImageSpec, Limits, epoch};

use layer::Layer;
use manifest::Image;
use std::path::Path;

/// Writes the image that `spec` describes as an archive to `out`, replacing what was there once the archive is whole.
///
/// # Errors
/// A sentence that names the file at fault: the binary is no Linux program or needs a library that this machine does
/// not have, the project holds what an image must not hold, a file cannot be read or changed while it was read.
pub fn build(spec: &ImageSpec, out: &Path) -> Result<Built, ImageError> {
    let reference = Reference::parse(&spec.tag)?;
    let bytes = std::fs::read(&spec.binary).map_err(|e| ImageError::read(&spec.binary, e))?;
    let program = elf::read(&bytes).map_err(|problem| ImageError::Binary { path: spec.binary.clone(), problem })?;
    let mut layers = vec![
        Layer::measure("base", base::base(&spec.binary, &program, &spec.root)?, spec.created)?,
        Layer::measure("mainstay", base::binary(bytes), spec.created)?,
    ];
    if let Some(folder) = &spec.project {
        let tree = project::walk(folder, &[out.to_owned(), archive::partial(out)], &spec.limits)?;
        layers.push(Layer::measure("project", tree, spec.created)?);
    }
    let image = Image::new(spec, &reference, program.architecture, &layers)?;
    archive::write(&image, &layers, spec.created, out)
}
