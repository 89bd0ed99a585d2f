use crate::error::ImageError;
use crate::layer::Layer;
use crate::manifest::{Image, blob};
use crate::spec::{Built, BuiltLayer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// The name the archive has while it is not whole.
pub(crate) fn partial(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    out.with_file_name(name)
}

pub(crate) fn write(image: &Image, layers: &[Layer], created: i64, out: &Path) -> Result<Built, ImageError> {
    let unfinished = partial(out);
    let written = fill(image, layers, created, &unfinished)
        .and_then(|size| std::fs::rename(&unfinished, out).map(|()| size).map_err(|e| ImageError::write(out, e)));
    if written.is_err() {
        // the first failure is the one to be told
        let _ = std::fs::remove_file(&unfinished);
    }
    let layer = |layer: &Layer| BuiltLayer {
        name: layer.name.to_owned(),
        digest: format!("sha256:{}", layer.digest),
        size: layer.size,
        entries: layer.tree.len(),
    };
    Ok(Built {
        size: written?,
        reference: image.reference.clone(),
        digest: format!("sha256:{}", image.manifest.digest),
        id: format!("sha256:{}", image.config.digest),
        architecture: image.architecture.to_owned(),
        layers: layers.iter().map(layer).collect(),
    })
}

fn fill(image: &Image, layers: &[Layer], created: i64, path: &Path) -> Result<u64, ImageError> {
    let io = |e| ImageError::write(path, e);
    let file = File::create(path).map_err(io)?;
    let mut tar = Builder::new(BufWriter::with_capacity(1 << 20, file));
    // what readers need to know what this is comes first
    document(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, created).map_err(io)?;
    document(&mut tar, "index.json", &image.index, created).map_err(io)?;
    document(&mut tar, "manifest.json", &image.docker, created).map_err(io)?;
    for folder in ["blobs/", "blobs/sha256/"] {
        let mut header = header(EntryType::Directory, 0o755, 0, created);
        tar.append_data(&mut header, folder, std::io::empty()).map_err(io)?;
    }
    document(&mut tar, &blob(&image.config.digest), &image.config.bytes, created).map_err(io)?;
    document(&mut tar, &blob(&image.manifest.digest), &image.manifest.bytes, created).map_err(io)?;
    // two layers may be the same (a project without files); a name appears once
    let distinct: BTreeMap<&str, &Layer> = layers.iter().map(|layer| (layer.digest.as_str(), layer)).collect();
    for layer in layers.iter().filter(|layer| distinct.get(layer.digest.as_str()).is_some_and(|d| d.name == layer.name))
    {
        let mut header = header(EntryType::Regular, 0o644, layer.size, created);
        header.set_path(blob(&layer.digest)).map_err(io)?;
        header.set_cksum();
        let out = tar.get_mut();
        out.write_all(header.as_bytes()).map_err(io)?;
        layer.write(created, &mut *out).map_err(|problem| at_output(problem, path))?;
        // entries of the layer's own tar are whole blocks, so no padding is needed
    }
    let file = tar.into_inner().map_err(io)?.into_inner().map_err(|e| io(e.into_error()))?;
    file.sync_all().map_err(io)?;
    Ok(file.metadata().map_err(io)?.len())
}

/// A layer is written through the archive: what the disk refuses is the archive's problem.
fn at_output(problem: ImageError, path: &Path) -> ImageError {
    match problem {
        ImageError::Format(text) => ImageError::write(path, std::io::Error::other(text)),
        other => other,
    }
}

fn document<W: Write>(tar: &mut Builder<W>, name: &str, bytes: &[u8], created: i64) -> std::io::Result<()> {
    tar.append_data(&mut header(EntryType::Regular, 0o644, bytes.len() as u64, created), name, bytes)
}

fn header(kind: EntryType, mode: u32, size: u64, created: i64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(created.unsigned_abs());
    header.set_size(size);
    header
}
