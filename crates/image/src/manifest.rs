//! The documents of an image: OCI image-spec 1.1 (config.md, manifest.md, image-layout.md), and Docker's `manifest.json`.

use crate::base::{BINARY, PROJECT};
use crate::error::ImageError;
use crate::layer::{Layer, sha256};
use crate::reference::Reference;
use crate::spec::ImageSpec;
use serde_json::{Map, Value, json};

const ROLES: &str = "gateway,auth,data,portal";
const ENVIRONMENT: [&str; 4] =
    ["PATH=/usr/local/bin", "MAINSTAY_GATEWAY_BIND=0.0.0.0", "MAINSTAY_ADMIN_HOST=0.0.0.0", "MAINSTAY_LOG_FORMAT=json"];

/// A document that others name by its digest.
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
}

impl Document {
    fn new(value: &Value) -> Result<Self, ImageError> {
        let bytes = text(value)?;
        Ok(Self { digest: sha256(&bytes), bytes })
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", self.digest), "size": self.bytes.len() })
    }
}

/// Everything of an image but its layers.
pub(crate) struct Image {
    pub(crate) reference: String,
    pub(crate) architecture: &'static str,
    pub(crate) config: Document,
    pub(crate) manifest: Document,
    /// `index.json` of the OCI layout.
    pub(crate) index: Vec<u8>,
    /// `manifest.json` of the Docker archive.
    pub(crate) docker: Vec<u8>,
}

impl Image {
    pub(crate) fn new(
        spec: &ImageSpec,
        reference: &Reference,
        architecture: &'static str,
        layers: &[Layer],
    ) -> Result<Self, ImageError> {
        let config = Document::new(&config(spec, architecture, layers)?)?;
        let manifest = Document::new(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": layers.iter().map(descriptor).collect::<Vec<_>>(),
        }))?;
        let mut entry = manifest.descriptor("application/vnd.oci.image.manifest.v1+json");
        entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
        // containerd and Podman take the whole name from the first; the specification leaves only the tag to the second
        entry["annotations"] = json!({
            "io.containerd.image.name": reference.to_string(),
            "org.opencontainers.image.ref.name": reference.tag(),
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });
        let docker = json!([{
            "Config": blob(&config.digest),
            "RepoTags": [reference.to_string()],
            "Layers": layers.iter().map(|layer| blob(&layer.digest)).collect::<Vec<_>>(),
        }]);
        let (index, docker) = (text(&index)?, text(&docker)?);
        Ok(Self { reference: reference.to_string(), architecture, config, manifest, index, docker })
    }
}

/// Where a document or layer lies in the archive.
pub(crate) fn blob(digest: &str) -> String {
    format!("blobs/sha256/{digest}")
}

fn descriptor(layer: &Layer) -> Value {
    json!({
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": format!("sha256:{}", layer.digest),
        "size": layer.size,
    })
}

fn config(spec: &ImageSpec, architecture: &str, layers: &[Layer]) -> Result<Value, ImageError> {
    let created =
        jiff::Timestamp::from_second(spec.created).map_err(|_| ImageError::Epoch(spec.created.to_string()))?;
    let created = created.to_string();
    let mut labels = Map::new();
    let own = [
        ("created", created.clone()),
        ("description", "Mainstay: sign-in, a REST API over PostgreSQL and a web front end".to_owned()),
        ("licenses", "Apache-2.0".to_owned()),
        ("title", spec.title()),
        ("version", spec.version.clone()),
    ];
    labels.extend(own.map(|(name, value)| (format!("org.opencontainers.image.{name}"), Value::from(value))));
    labels.extend(spec.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
    let history =
        |layer: &Layer| json!({ "created": created, "created_by": format!("mainstay image: {}", layer.name) });
    Ok(json!({
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": "65532:65532",
            "ExposedPorts": { "8889/tcp": {}, "8890/tcp": {} },
            "Env": ENVIRONMENT,
            "Entrypoint": [BINARY],
            "Cmd": ["serve", PROJECT, "--roles", ROLES],
            "WorkingDir": PROJECT,
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| format!("sha256:{}", layer.digest)).collect::<Vec<_>>(),
        },
        "history": layers.iter().map(history).collect::<Vec<_>>(),
    }))
}

fn text(value: &Value) -> Result<Vec<u8>, ImageError> {
    serde_json::to_vec(value).map_err(|e| ImageError::Format(e.to_string()))
}
