//! Applying one object: one server-side apply request, and what to do with its answers.

use crate::api::{Answer, Fault, Patch, Status, array, number, text};
use crate::applyset::PART_OF;
use crate::conflict::ConflictReport;
use crate::discovery::{Discovery, Resource};
use crate::members::{Members, differs, key_of, set_of};
use crate::observe::{Applied, Change};
use crate::{Cluster, Error, Options, path};
use http::StatusCode;
use mainstay_manifest::{Id, Object, Quantity, keys};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Field manager that gives an autoscaled Deployment its first number of replicas.
pub(crate) const REPLICAS_MANAGER: &str = "mainstay-initial-replicas";

/// What applying needs to know.
pub(crate) struct Applier<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) discovery: &'a Discovery,
    pub(crate) options: &'a Options,
    pub(crate) namespace: &'a str,
    pub(crate) set: &'a str,
    pub(crate) members: &'a Members,
    /// Names of Deployments that a desired autoscaler scales.
    pub(crate) scaled: BTreeSet<String>,
}

/// One applied object.
pub(crate) struct Done {
    pub(crate) applied: Applied,
    /// The object as the server answered.
    pub(crate) live: Value,
    pub(crate) resource: Resource,
}

/// Names of the Deployments that autoscalers among the objects scale.
pub(crate) fn scaled(objects: &[Object]) -> BTreeSet<String> {
    objects
        .iter()
        .filter(|o| o.kind() == "HorizontalPodAutoscaler")
        .map(|o| text(&o.value, "/spec/scaleTargetRef/name").to_owned())
        .collect()
}

/// The object as it is sent: with its namespace and the label of the set.
pub(crate) fn body(object: &Object, resource: &Resource, namespace: &str, set: &str) -> Value {
    let mut body = object.value.clone();
    if let Some(root) = body.as_object_mut() {
        root.remove("status");
        let metadata = root.entry("metadata").or_insert_with(|| json!({}));
        if !resource.namespaced {
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.remove("namespace");
            }
        } else if text(metadata, "/namespace").is_empty() {
            metadata["namespace"] = namespace.into();
        }
        metadata["labels"][PART_OF] = set.into();
    }
    if resource.kind == "Secret" && resource.group.is_empty() {
        // values come from elsewhere; a desired Secret that carries any is not to be owned by this manager
        crate::compare::hide(&mut body);
    }
    body
}

impl Applier<'_> {
    /// Applies one object.
    pub(crate) async fn apply(&self, object: &Object) -> Result<Done, Error> {
        let id = object.id();
        let resource = self.discovery.of(&id)?;
        let body = body(object, resource, self.namespace, self.set);
        let id = Id::of(&body);
        let before = self.members.get(&key_of(&id));
        if let Some(other) = before.and_then(set_of).filter(|set| *set != self.set) {
            return Err(Error::ForeignMember { object: id.to_string(), set: other.to_owned() });
        }
        let url = resource.path(Some(&id.namespace), Some(&id.name));
        let autoscaled = object.annotation(keys::INITIAL_REPLICAS).filter(|_| body.pointer("/spec/replicas").is_none());
        if autoscaled.is_some() && before.is_some_and(|b| path::owns(b, keys::MANAGER, &["spec", "replicas"])) {
            self.hand_over_replicas(&url, &body, &id).await?;
        }
        let mut note = String::new();
        let (mut answer, replaced) = match self.send(&url, &body, &id, &mut note).await {
            Ok(answer) => (answer, false),
            Err(Error::Immutable { .. }) if is_replaceable(object) => {
                "replaced, because the template of a Job cannot be changed".clone_into(&mut note);
                (self.again(&url, &body, &id).await?, true)
            }
            Err(error) => return Err(error),
        };
        let mut change = match before {
            _ if replaced => Change::Changed,
            _ if answer.status == StatusCode::CREATED => Change::Created,
            Some(before) if !differs(before, &answer.body) => Change::Unchanged,
            _ => Change::Changed,
        };
        if change != Change::Created && crate::wait::job_failed(&answer.body) {
            answer = self.again(&url, &body, &id).await?;
            change = Change::Changed;
            "it had failed and runs again".clone_into(&mut note);
        }
        if let Some(count) = autoscaled.filter(|_| change == Change::Created).and_then(|c| c.parse::<u32>().ok()) {
            answer.body = self.set_replicas(&url, &id, count.into()).await?;
        }
        let mut live = answer.body;
        // typed answers always carry them; an aggregated API server may not
        live["kind"] = id.kind.clone().into();
        live["apiVersion"] = id.api_version().into();
        let applied = Applied { object: id.to_string(), namespace: id.namespace, change, note };
        Ok(Done { applied, live, resource: resource.clone() })
    }

    async fn send(&self, url: &str, body: &Value, id: &Id, note: &mut String) -> Result<Answer, Error> {
        let fault = match self.patch(url, body, false).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let Some(status) = fault.status().cloned() else { return Err(self.explain(fault, id)) };
        if let Some(first) = first_tls(body, &status) {
            return self.patch(url, &first, false).await.map_err(|fault| self.explain(fault, id));
        }
        if status.code == 409 {
            let live = self.cluster.api.get(url).await.ok();
            if let Some(report) = ConflictReport::of(&status, body, live.as_ref()) {
                if report.taken_by(&self.options.take_ownership) || self.is_our_decision(&report, id) {
                    "took over fields of others".clone_into(note);
                    return self.patch(url, body, true).await.map_err(|fault| self.explain(fault, id));
                }
                return Err(Error::Conflict(report));
            }
        }
        if id.kind == "StatefulSet"
            && let Some(growth) = self.grown(url, body, &status).await
        {
            let (kept, claims) = growth?;
            self.grow(&claims, id).await?;
            *note = format!(
                "volumes grow: {}",
                claims.iter().map(|(c, s)| format!("{c} to {s}")).collect::<Vec<_>>().join(", ")
            );
            return self.patch(url, &kept, false).await.map_err(|fault| self.explain(fault, id));
        }
        Err(self.explain(fault, id))
    }

    async fn patch(&self, url: &str, body: &Value, force: bool) -> Result<Answer, Fault> {
        self.cluster.api.patch(url, body, Patch::Apply { manager: keys::MANAGER, force, dry_run: false }).await
    }

    /// The number of replicas is the project's to say again once nothing scales the Deployment any more: the managers that
    /// hold it then are the autoscaler that goes and our own first number.
    fn is_our_decision(&self, report: &ConflictReport, id: &Id) -> bool {
        id.kind == "Deployment"
            && !self.scaled.contains(&id.name)
            && report.fields.iter().all(|c| {
                c.field == ".spec.replicas"
                    && (c.owner.starts_with(REPLICAS_MANAGER)
                        || (c.owner.starts_with("kube-controller-manager") && c.owner.contains("subresource scale")))
            })
    }

    /// Before `mainstay` stops naming `spec.replicas`, another manager must own it, or the server puts the default of 1
    /// in its place (server-side apply, "Transferring ownership").
    async fn hand_over_replicas(&self, url: &str, body: &Value, id: &Id) -> Result<(), Error> {
        let live = match self.cluster.api.get(url).await {
            Ok(live) => live,
            Err(fault) if fault.is_not_found() => return Ok(()),
            Err(fault) => return Err(self.explain(fault, id)),
        };
        let replicas = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        debug_assert!(body.pointer("/spec/replicas").is_none());
        self.set_replicas(url, id, replicas).await.map(|_| ())
    }

    async fn set_replicas(&self, url: &str, id: &Id, count: i64) -> Result<Value, Error> {
        let body = json!({
            "apiVersion": id.api_version(), "kind": id.kind,
            "metadata": {"name": id.name, "namespace": id.namespace}, "spec": {"replicas": count},
        });
        // an autoscaler may have been faster, and then is right
        let patch = Patch::Apply { manager: REPLICAS_MANAGER, force: false, dry_run: false };
        match self.cluster.api.patch(url, &body, patch).await {
            Ok(answer) => Ok(answer.body),
            Err(fault) if fault.code() == 409 => self.cluster.api.get(url).await.map_err(|f| self.explain(f, id)),
            Err(fault) => Err(self.explain(fault, id)),
        }
    }

    /// A Job that has failed stays failed, and its template cannot be changed: it is removed and made again.
    async fn again(&self, url: &str, body: &Value, id: &Id) -> Result<Answer, Error> {
        let gone = json!({"propagationPolicy": "Background"});
        match self.cluster.api.delete(url, &gone).await {
            Err(fault) if !fault.is_not_found() => {
                return Err(fault.explain("delete", &id.kind, Some(&id.namespace), &id.name));
            }
            _ => {}
        }
        for _ in 0..50 {
            match self.cluster.api.get(url).await {
                Err(fault) if fault.is_not_found() => break,
                _ => tokio::time::sleep(self.cluster.pace.look.min(Duration::from_millis(500))).await,
            }
        }
        self.patch(url, body, false).await.map_err(|fault| self.explain(fault, id))
    }

    /// When only the size of volumes grew: the object with the sizes that it has, and the claims with the new ones.
    async fn grown(&self, url: &str, body: &Value, status: &Status) -> Option<Result<Growth, Error>> {
        if !is_immutable(status) {
            return None;
        }
        let live = self.cluster.api.get(url).await.ok()?;
        growth(body, &live).transpose()
    }

    async fn grow(&self, claims: &[(String, String)], set: &Id) -> Result<(), Error> {
        let resource = Resource::core("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
        for (claim, size) in claims {
            let url = resource.path(Some(&set.namespace), Some(claim));
            let body = json!({"spec": {"resources": {"requests": {"storage": size}}}});
            match self.cluster.api.patch(&url, &body, Patch::Merge { manager: keys::MANAGER }).await {
                Ok(_) => {}
                // this replica has never run
                Err(fault) if fault.is_not_found() => {}
                Err(fault) => {
                    return Err(Error::Immutable {
                        object: format!("PersistentVolumeClaim {claim}"),
                        message: fault.status().map(|s| s.message.clone()).unwrap_or_default(),
                        way_out: way_out("PersistentVolumeClaim", claim, &set.namespace),
                    });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn explain(&self, fault: Fault, id: &Id) -> Error {
        explain(fault, id)
    }
}

/// A Secret of type `kubernetes.io/tls` must have both its keys from the start, when it has no values yet: it is made with
/// empty ones. They count as missing, and whoever writes the real values owns them from then on.
pub(crate) fn first_tls(body: &Value, status: &Status) -> Option<Value> {
    let is_tls = text(body, "/kind") == "Secret" && text(body, "/type") == "kubernetes.io/tls";
    if !is_tls || status.code != 422 || !status.message.contains("tls.crt") {
        return None;
    }
    let mut first = body.clone();
    first["data"] = json!({"tls.crt": "", "tls.key": ""});
    Some(first)
}

/// Whether an object may be deleted and made again when it cannot be changed.
pub(crate) fn is_replaceable(object: &Object) -> bool {
    object.kind() == "Job" && object.annotation(keys::REPLACE) == Some("true")
}

/// What makes a Job the same for the question whether it has run: its name, and what its pods are configured with.
pub(crate) fn job_identity(job: &Value) -> String {
    let name = text(job, "/metadata/name");
    let hash = job.pointer("/spec/template/metadata/annotations").and_then(|a| a.get(keys::CONFIG_HASH));
    match hash.and_then(Value::as_str) {
        Some(hash) => format!("{name}@{hash}"),
        None => name.to_owned(),
    }
}

/// (object with the old sizes, claims with the new ones)
type Growth = (Value, Vec<(String, String)>);

/// Compares the volume claim templates of a StatefulSet. `Ok(None)` when more than sizes differ.
pub(crate) fn growth(body: &Value, live: &Value) -> Result<Option<Growth>, Error> {
    const SIZE: &str = "/spec/resources/requests/storage";
    let mut kept = body.clone();
    let mut claims = Vec::new();
    let set = text(body, "/metadata/name");
    let replicas = number(live, "/spec/replicas").max(1);
    for (index, template) in array(body, "/spec/volumeClaimTemplates").iter().enumerate() {
        let name = text(template, "/metadata/name");
        let Some(old) = array(live, "/spec/volumeClaimTemplates").iter().find(|t| text(t, "/metadata/name") == name)
        else {
            return Ok(None);
        };
        let (was, is) = (text(old, SIZE), text(template, SIZE));
        let (Ok(before), Ok(after)) = (was.parse::<Quantity>(), is.parse::<Quantity>()) else { return Ok(None) };
        if after < before {
            return Err(Error::Immutable {
                object: format!("StatefulSet {set}"),
                message: format!("its volume {name} has {was} and cannot shrink to {is}."),
                way_out: format!("Set the size to {was} or more, or restore a backup into a new database."),
            });
        }
        if after > before {
            claims.extend((0..replicas).map(|n| (format!("{name}-{set}-{n}"), is.to_owned())));
            if let Some(size) = kept.pointer_mut(&format!("/spec/volumeClaimTemplates/{index}{SIZE}")) {
                *size = was.into();
            }
        }
    }
    Ok((!claims.is_empty()).then_some((kept, claims)))
}

/// The error for an answer about an object that was to be applied.
pub(crate) fn explain(fault: Fault, id: &Id) -> Error {
    if let Some(status) = fault.status()
        && is_immutable(status)
    {
        return Error::Immutable {
            object: id.to_string(),
            message: format!("{}.", without_dump(status.message.trim_end_matches('.'))),
            way_out: way_out(&id.kind, &id.name, &id.namespace),
        };
    }
    let namespace = Some(id.namespace.as_str()).filter(|n| !n.is_empty());
    fault.explain("patch", &id.kind, namespace, &id.name)
}

/// The server prints the refused value, which for a pod template is pages of Go syntax: only the field and the reason stay.
fn without_dump(message: &str) -> String {
    const DUMP: &str = "Invalid value: ";
    match (message.find(DUMP), message.rfind(": ")) {
        (Some(start), Some(end)) if message.len() > 400 && start + DUMP.len() < end => {
            format!("{}{}", &message[..start], &message[end + 2..])
        }
        _ => message.to_owned(),
    }
}

fn is_immutable(status: &Status) -> bool {
    let said = |part: &str| status.message.contains(part);
    matches!(status.code, 403 | 422)
        && [
            "field is immutable",
            "is immutable",
            "updates to statefulset spec for fields other than",
            "may not change once set",
            "cannot change roleRef",
            "can not be less than status.capacity",
            "only dynamically provisioned pvc can be resized",
        ]
        .iter()
        .any(|part| said(part))
}

fn way_out(kind: &str, name: &str, namespace: &str) -> String {
    let delete = |more: &str| format!("kubectl delete {} {name} -n {namespace}{more}", kind.to_lowercase());
    match kind {
        "StatefulSet" => format!(
            "Delete it without its pods and volumes ({}), then deploy again: it takes them over.",
            delete(" --cascade=orphan")
        ),
        "PersistentVolumeClaim" => {
            "A claim can only grow, and only when its StorageClass has allowVolumeExpansion; otherwise restore a backup into a new one.".to_owned()
        }
        "Deployment" => format!("Delete it ({}) and deploy again; it does not answer in between.", delete("")),
        _ => format!("Delete it ({}) and deploy again.", delete("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_template_is_not_printed_as_go() {
        let dump = format!("core.PodTemplateSpec{{{}}}", "Labels:map[string]string{\"a\":\"b\"}, ".repeat(40));
        let message =
            format!("Job.batch \"db-init\" is invalid: spec.template: Invalid value: {dump}: field is immutable");
        assert_eq!(without_dump(&message), "Job.batch \"db-init\" is invalid: spec.template: field is immutable");
        let short = "spec.selector: Invalid value: {}: field is immutable";
        assert_eq!(without_dump(short), short);
        for hostile in ["Invalid value: ", ": Invalid value: ", ""] {
            let _ = without_dump(&hostile.repeat(100));
        }
    }

    #[test]
    fn only_growth_of_volumes_is_done_in_place() {
        let set = |size: &str| {
            json!({"metadata": {"name": "db"}, "spec": {"replicas": 2, "volumeClaimTemplates": [
                {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}]}})
        };
        let (kept, claims) = growth(&set("2Gi"), &set("1Gi")).unwrap().unwrap();
        assert_eq!(text(&kept, "/spec/volumeClaimTemplates/0/spec/resources/requests/storage"), "1Gi");
        assert_eq!(claims, [("data-db-0".into(), "2Gi".into()), ("data-db-1".into(), "2Gi".into())]);
        assert!(growth(&set("1Gi"), &set("1024Mi")).unwrap().is_none());
        assert!(growth(&set("1Gi"), &set("2Gi")).unwrap_err().to_string().contains("cannot shrink"));
    }
}
