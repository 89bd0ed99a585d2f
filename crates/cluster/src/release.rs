//! Release records: what was deployed, when, by whom and how it went. Secrets of the type `mainstay.dev/release.v1`, without
//! any secret value; the last ten are kept.

use crate::api::{METADATA_LIST, text};
use crate::discovery::Resource;
use crate::watch::labels;
use crate::{Cluster, Desired, Error};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mainstay_manifest::{Object, Phase, keys};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NUMBER: &str = "mainstay.dev/release";
const PART: &str = "mainstay.dev/release-part";
const STATUS: &str = "mainstay.dev/release-status";
const VERSION: &str = "mainstay.dev/release-version";
const TIME: &str = "mainstay.dev/release-time";
const WHO: &str = "mainstay.dev/release-by";
const HASH: &str = "mainstay.dev/release-hash";
const NOTE: &str = "mainstay.dev/release-note";
/// Jobs that this release saw complete: not run again after their ttl has removed them.
const JOBS: &str = "mainstay.dev/release-jobs";
const KEPT: usize = 10;
/// A Secret may hold 1 MiB; longer records are split.
const CHUNK: usize = 700_000;

/// How a release went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatus {
    /// Everything was applied and, when waiting was asked for, became ready.
    Deployed,
    /// It was not; the note says why.
    Failed,
}

/// A release as `history` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Release {
    /// Its number; counts up from 1.
    pub number: u32,
    /// How it went.
    pub status: ReleaseStatus,
    /// Version of the image or project.
    pub version: String,
    /// When, RFC 3339.
    pub time: String,
    /// Who.
    pub who: String,
    /// Hash of what was wanted.
    pub hash: String,
    /// A sentence: why it failed, or which release it went back to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    #[serde(skip)]
    pub(crate) jobs: BTreeSet<String>,
}

/// What a record holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    format: u32,
    pub(crate) project: String,
    namespace: String,
    version: String,
    pub(crate) migrations: Vec<String>,
    objects: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    phase: Phase,
    value: Value,
}

/// What becomes of a deployment's record.
pub(crate) struct Ending<'a> {
    pub(crate) status: ReleaseStatus,
    pub(crate) note: String,
    pub(crate) who: &'a str,
    pub(crate) jobs: &'a BTreeSet<String>,
}

fn name(number: u32, part: usize) -> String {
    if part == 0 { format!("mainstay-release-{number}") } else { format!("mainstay-release-{number}-{part}") }
}

impl Record {
    pub(crate) fn of(desired: &Desired) -> Self {
        let objects = desired.objects.iter().map(|object| {
            let mut value = object.value.clone();
            if object.kind() == "Secret" {
                crate::compare::hide(&mut value);
            }
            Entry { phase: object.phase, value }
        });
        Self {
            format: 1,
            project: desired.project.clone(),
            namespace: desired.namespace.clone(),
            version: desired.version.clone(),
            migrations: desired.migrations.clone(),
            objects: objects.collect(),
        }
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Hash of everything that is wanted.
    pub(crate) fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, self.text().as_bytes()).as_ref()[..12])
    }

    /// What was wanted then. Secret values are not part of it: they are on the cluster.
    pub(crate) fn desired(self) -> Desired {
        let object = |entry: Entry| Object {
            phase: entry.phase,
            path: String::new(),
            why: String::new(),
            notes: Vec::new(),
            value: entry.value,
        };
        Desired {
            project: self.project,
            namespace: self.namespace,
            version: self.version,
            objects: self.objects.into_iter().map(object).collect(),
            secrets: Vec::new(),
            migrations: self.migrations,
        }
    }
}

/// The releases of a namespace, newest first.
///
/// # Errors
/// When the namespace's Secrets may not be listed, or nothing answers.
pub async fn history(cluster: &Cluster, namespace: &str) -> Result<Vec<Release>, Error> {
    let resource = crate::secrets::resource();
    let (items, _) = cluster
        .api
        .list(&resource, Some(namespace), &labels(&format!("{NUMBER},!{PART}")), METADATA_LIST)
        .await
        .map_err(|fault| fault.explain("list", "Secret", Some(namespace), ""))?;
    let mut releases: Vec<Release> = items.iter().filter_map(release).collect();
    releases.sort_by_key(|r| std::cmp::Reverse(r.number));
    Ok(releases)
}

fn release(item: &Value) -> Option<Release> {
    let annotation = |key: &str| {
        item.pointer("/metadata/annotations")
            .and_then(|a| a.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = item.pointer("/metadata/labels")?.get(NUMBER)?.as_str()?.parse().ok()?;
    let status = if annotation(STATUS) == "deployed" { ReleaseStatus::Deployed } else { ReleaseStatus::Failed };
    Some(Release {
        number,
        status,
        version: annotation(VERSION),
        time: annotation(TIME),
        who: annotation(WHO),
        hash: annotation(HASH),
        note: annotation(NOTE),
        jobs: annotation(JOBS).split(',').filter(|j| !j.is_empty()).map(str::to_owned).collect(),
    })
}

/// Writes the record of a release and removes those that are too old.
pub(crate) async fn write(
    cluster: &Cluster,
    namespace: &str,
    number: u32,
    record: &Record,
    result: &Ending<'_>,
    earlier: &[Release],
) -> Result<(), Error> {
    let text = record.text();
    let bytes = text.as_bytes();
    let resource = crate::secrets::resource();
    let explain =
        |fault: crate::api::Fault, verb: &str, name: &str| fault.explain(verb, "Secret", Some(namespace), name);
    let note: String = result.note.chars().take(1000).collect();
    let jobs: Vec<&str> = result.jobs.iter().map(String::as_str).collect();
    // further parts first: the release counts once its first part is there
    for (part, chunk) in bytes.chunks(CHUNK).enumerate().rev() {
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "mainstay.dev/release.v1",
            "metadata": {
                "name": name(number, part),
                "namespace": namespace,
                "labels": {
                    NUMBER: number.to_string(),
                    keys::INSTANCE: record.project,
                    keys::PART_OF: record.project,
                    keys::MANAGED_BY: keys::MANAGER,
                },
                "annotations": {
                    STATUS: if result.status == ReleaseStatus::Deployed { "deployed" } else { "failed" },
                    VERSION: record.version,
                    TIME: format!("{:.0}", cluster.clock.now()),
                    WHO: result.who,
                    HASH: record.hash(),
                    NOTE: note,
                    JOBS: jobs.join(","),
                },
            },
            "data": {"record": STANDARD.encode(chunk)},
        });
        if part > 0 {
            secret["metadata"]["labels"][PART] = part.to_string().into();
        }
        cluster
            .api
            .post(&resource.path(Some(namespace), None), &secret)
            .await
            .map_err(|fault| explain(fault, "create", &name(number, part)))?;
    }
    // the last good one stays, however many failed after it
    let mut good = result.status == ReleaseStatus::Deployed;
    for (place, old) in earlier.iter().enumerate() {
        let last_good = !good && old.status == ReleaseStatus::Deployed;
        good |= last_good;
        if place + 1 < KEPT || last_good {
            continue;
        }
        for part in 0..16 {
            match cluster.api.delete(&resource.path(Some(namespace), Some(&name(old.number, part))), &json!({})).await {
                Ok(_) => {}
                Err(fault) if fault.is_not_found() => break,
                Err(fault) => return Err(explain(fault, "delete", &name(old.number, part))),
            }
        }
    }
    Ok(())
}

/// Adds Jobs that were seen to complete to the newest record.
pub(crate) async fn note_jobs(
    cluster: &Cluster,
    namespace: &str,
    number: u32,
    jobs: &BTreeSet<String>,
) -> Result<(), Error> {
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let body = json!({"metadata": {"annotations": {JOBS: jobs.join(",")}}});
    let path = crate::secrets::resource().path(Some(namespace), Some(&name(number, 0)));
    let patch = crate::api::Patch::Merge { manager: keys::MANAGER };
    cluster
        .api
        .patch(&path, &body, patch)
        .await
        .map_err(|fault| fault.explain("patch", "Secret", Some(namespace), &name(number, 0)))?;
    Ok(())
}

/// Reads a record back.
pub(crate) async fn load(cluster: &Cluster, namespace: &str, number: u32) -> Result<Record, Error> {
    let resource: Resource = crate::secrets::resource();
    let unreadable = |reason: String| Error::ReleaseUnreadable { release: number, reason };
    let mut bytes = Vec::new();
    for part in 0..16 {
        let name = name(number, part);
        match cluster.api.get(&resource.path(Some(namespace), Some(&name))).await {
            Ok(secret) => {
                bytes.extend(STANDARD.decode(text(&secret, "/data/record")).map_err(|e| unreadable(e.to_string()))?)
            }
            Err(fault) if fault.is_not_found() && part > 0 => break,
            Err(fault) => return Err(fault.explain("get", "Secret", Some(namespace), &name)),
        }
    }
    let record: Record = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
    if record.format != 1 {
        return Err(unreadable("a newer Mainstay wrote it".into()));
    }
    Ok(record)
}

/// Removes all records.
pub(crate) async fn forget(cluster: &Cluster, namespace: &str) -> Result<(), Error> {
    let resource = crate::secrets::resource();
    let explain = |fault: crate::api::Fault, verb| fault.explain(verb, "Secret", Some(namespace), "");
    let (items, _) = cluster
        .api
        .list(&resource, Some(namespace), &labels(NUMBER), METADATA_LIST)
        .await
        .map_err(|fault| explain(fault, "list"))?;
    for item in items {
        let path = resource.path(Some(namespace), Some(text(&item, "/metadata/name")));
        match cluster.api.delete(&path, &json!({})).await {
            Err(fault) if !fault.is_not_found() => return Err(explain(fault, "delete")),
            _ => {}
        }
    }
    Ok(())
}
