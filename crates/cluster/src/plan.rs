//! What a deployment would do: the server's own dry run of every object, compared with what is there.

use crate::api::{PARALLEL, Patch, text};
use crate::applyset::{ApplySet, Scope};
use crate::compare::{FieldChange, changes};
use crate::conflict::ConflictReport;
use crate::discovery::{Discovery, Resource};
use crate::members::{Depth, Key, Members, key_of};
use crate::patch::{body, explain, first_tls, growth, is_replaceable, job_identity};
use crate::release::{self, Release, ReleaseStatus};
use crate::{Cluster, Desired, Error, Options};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use mainstay_manifest::{Id, Object, keys};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a deployment would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Every object, in the order of the phases; removals last.
    pub items: Vec<PlanItem>,
    /// Sentences worth knowing.
    pub notes: Vec<String>,
}

/// What would happen to one object.
#[derive(Debug, Clone, Serialize)]
pub struct PlanItem {
    /// The object, `Deployment gateway`.
    pub object: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// What would happen.
    pub action: Action,
    /// Fields that change. Values of Secrets are never shown.
    pub fields: Vec<FieldChange>,
    /// Whether the server has tried it. It cannot try objects of a namespace or a kind that is yet to come.
    pub verified: bool,
    /// Why, when that needs a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What would happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It would be made.
    Create,
    /// It would be changed.
    Update,
    /// Nothing.
    Unchanged,
    /// It would be removed.
    Delete,
    /// The project no longer has it; it would be left.
    Keep,
    /// Others own fields; deploying would stop here.
    Conflict,
    /// The server would refuse it; deploying would stop here.
    Refused,
}

impl Plan {
    /// Whether deploying would change anything, or could not.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.items.iter().any(|item| !matches!(item.action, Action::Unchanged | Action::Keep))
    }

    /// How many objects have this action.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.items.iter().filter(|item| item.action == action).count()
    }
}

struct Planner<'a> {
    cluster: &'a Cluster,
    discovery: &'a Discovery,
    desired: &'a Desired,
    options: &'a Options,
    set: String,
    members: Members,
    /// Namespaces that are yet to come.
    missing: BTreeSet<String>,
    jobs: BTreeSet<String>,
}

/// Compares the desired state with the cluster; changes nothing.
///
/// # Errors
/// When the cluster cannot be asked. What the server would refuse is part of the plan, not an error.
pub async fn plan(cluster: &Cluster, desired: &Desired, options: &Options) -> Result<Plan, Error> {
    let discovery = cluster.discovery().await?;
    let namespace = desired.namespace.as_str();
    let missing = missing_namespaces(cluster, desired).await?;
    let (set, releases) = if missing.contains(namespace) {
        (None, Vec::new())
    } else {
        let (set, releases) = tokio::try_join!(
            ApplySet::read(&cluster.api, &desired.project, namespace),
            release::history(cluster, namespace)
        )?;
        (set.recorded, releases)
    };
    let known: Vec<Object> = desired.objects.iter().filter(|o| discovery.of(&o.id()).is_ok()).cloned().collect();
    let wanted = Scope::of(&known, namespace);
    let scope = set.map_or_else(|| wanted.clone(), |old| old.union(&wanted));
    let members = Members::read(cluster, discovery, &scope, namespace, Depth::Whole).await?;
    let good = |r: &&Release| r.status == ReleaseStatus::Deployed;
    let jobs = releases.iter().filter(good).flat_map(|r| r.jobs.clone()).collect();
    let set = crate::applyset::id(namespace);
    let planner = Planner { cluster, discovery, desired, options, set, members, missing, jobs };
    let mut objects: Vec<&Object> = desired.objects.iter().collect();
    objects.sort_by_key(|o| crate::deploy::phase_of(o));
    let mut items: Vec<PlanItem> =
        stream::iter(objects).map(|object| planner.item(object)).buffered(PARALLEL).try_collect().await?;
    let keep: BTreeSet<Key> = desired.objects.iter().map(|o| planner.key(o)).collect();
    if options.prune {
        let (gone, kept) = crate::prune::unwanted(&planner.members, &planner.set, &keep);
        for (doomed, action) in gone.iter().map(|d| (d, Action::Delete)).chain(kept.iter().map(|d| (d, Action::Keep))) {
            let reason = if action == Action::Keep { "it holds data, or is marked to be kept" } else { "" };
            items.push(item(&Id::of(&doomed.object), action, true, reason));
        }
    }
    let unverified = items.iter().filter(|i| !i.verified).count();
    let mut notes = Vec::new();
    if unverified > 0 {
        notes.push(format!("{unverified} objects could not be tried by the server and are shown as they are written."));
    }
    Ok(Plan { items, notes })
}

async fn missing_namespaces(cluster: &Cluster, desired: &Desired) -> Result<BTreeSet<String>, Error> {
    let resource = Resource::core("", "v1", "Namespace", "namespaces");
    let mut names: BTreeSet<String> =
        desired.objects.iter().map(|o| o.id().namespace).filter(|n| !n.is_empty()).collect();
    names.insert(desired.namespace.clone());
    let mut missing = BTreeSet::new();
    for name in names {
        match cluster.api.get(&resource.path(None, Some(&name))).await {
            Err(fault) if fault.is_not_found() => {
                missing.insert(name);
            }
            Ok(_) => {}
            Err(fault) if fault.code() == 403 => {}
            Err(fault) => return Err(fault.explain("get", "Namespace", None, &name)),
        }
    }
    Ok(missing)
}

fn item(id: &Id, action: Action, verified: bool, reason: &str) -> PlanItem {
    PlanItem {
        object: id.to_string(),
        namespace: id.namespace.clone(),
        action,
        fields: Vec::new(),
        verified,
        reason: reason.to_owned(),
    }
}

impl Planner<'_> {
    fn key(&self, object: &Object) -> Key {
        let mut id = object.id();
        match self.discovery.of(&id) {
            Ok(resource) if !resource.namespaced => id.namespace.clear(),
            _ if id.namespace.is_empty() => id.namespace.clone_from(&self.desired.namespace),
            _ => {}
        }
        key_of(&id)
    }

    async fn item(&self, object: &Object) -> Result<PlanItem, Error> {
        let resource = match self.discovery.of(&object.id()) {
            Ok(resource) => resource,
            Err(error) => return Ok(item(&object.id(), Action::Create, false, &error.to_string())),
        };
        let body = body(object, resource, &self.desired.namespace, &self.set);
        let id = Id::of(&body);
        let before = self.members.get(&key_of(&id));
        if self.missing.contains(&id.namespace) {
            return Ok(item(&id, Action::Create, false, "its namespace does not exist yet"));
        }
        let ran = || self.jobs.contains(&job_identity(&object.value));
        if object.kind() == "Job" && before.is_none() && ran() && !self.options.rerun_jobs {
            return Ok(item(&id, Action::Unchanged, true, "it has run before"));
        }
        let url = resource.path(Some(&id.namespace), Some(&id.name));
        let patch = Patch::Apply { manager: keys::MANAGER, force: false, dry_run: true };
        let fault = match self.cluster.api.patch(&url, &body, patch).await {
            Ok(answer) => return self.compared(object, &id, &url, answer.status, &answer.body).await,
            Err(fault) => fault,
        };
        let Some(status) = fault.status().cloned() else { return Err(explain(fault, &id)) };
        if let Some(first) = first_tls(&body, &status) {
            let answer = self.cluster.api.patch(&url, &first, patch).await.map_err(|f| explain(f, &id))?;
            return self.compared(object, &id, &url, answer.status, &answer.body).await;
        }
        let live = self.cluster.api.get(&url).await.ok();
        if let Some(report) = ConflictReport::of(&status, &body, live.as_ref()) {
            if report.taken_by(&self.options.take_ownership) {
                let forced = Patch::Apply { manager: keys::MANAGER, force: true, dry_run: true };
                let answer = self.cluster.api.patch(&url, &body, forced).await.map_err(|f| explain(f, &id))?;
                return self.compared(object, &id, &url, answer.status, &answer.body).await;
            }
            return Ok(item(&id, Action::Conflict, true, &report.to_string()));
        }
        if let Some(live) = live.as_ref().filter(|_| id.kind == "StatefulSet")
            && let Ok(Some((kept, claims))) = growth(&body, live)
            && let Ok(answer) = self.cluster.api.patch(&url, &kept, patch).await
        {
            let mut planned = self.compared(object, &id, &url, answer.status, &answer.body).await?;
            for (claim, size) in claims {
                let live = self.claim_size(&claim).await;
                if live.as_deref() != Some(size.as_str()) {
                    let field = format!("PersistentVolumeClaim {claim} .spec.resources.requests.storage");
                    planned.fields.push(FieldChange { field, old: live, new: Some(size) });
                    planned.action = Action::Update;
                }
            }
            return Ok(planned);
        }
        if status.message.contains("does not support dry run") {
            let action = if before.is_some() { Action::Update } else { Action::Create };
            return Ok(item(&id, action, false, "an admission webhook of the cluster cannot be tried"));
        }
        match explain(fault, &id) {
            Error::Immutable { .. } if is_replaceable(object) => {
                let mut planned = item(&id, Action::Update, true, "it is replaced and runs again");
                planned.fields.push(FieldChange {
                    field: ".spec.template".into(),
                    old: live.as_ref().map(job_identity),
                    new: Some(job_identity(&body)),
                });
                Ok(planned)
            }
            error @ (Error::Immutable { .. } | Error::Invalid { .. }) => {
                Ok(item(&id, Action::Refused, true, &error.to_string()))
            }
            error @ Error::Refused { code: 403, .. } => Ok(item(&id, Action::Refused, true, &error.to_string())),
            error => Err(error),
        }
    }

    async fn claim_size(&self, claim: &str) -> Option<String> {
        let resource = Resource::core("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
        let live = self.cluster.api.look(&resource.path(Some(&self.desired.namespace), Some(claim))).await.ok()?;
        Some(text(&live, "/spec/resources/requests/storage").to_owned())
    }

    async fn compared(
        &self,
        object: &Object,
        id: &Id,
        url: &str,
        status: StatusCode,
        next: &Value,
    ) -> Result<PlanItem, Error> {
        if status == StatusCode::CREATED {
            return Ok(item(id, Action::Create, true, ""));
        }
        let looked;
        let live = match self.members.get(&key_of(id)) {
            Some(live) => live,
            None => {
                looked = self.cluster.api.get(url).await.map_err(|fault| explain(fault, id))?;
                &looked
            }
        };
        let mut next = next.clone();
        next["kind"] = id.kind.clone().into();
        next["apiVersion"] = id.api_version().into();
        let mut planned = item(id, Action::Unchanged, true, "");
        planned.fields = changes(live, &next);
        if object.annotation(keys::INITIAL_REPLICAS).is_some() && object.value.pointer("/spec/replicas").is_none() {
            // deploying hands the field over before it lets go of it
            planned.fields.retain(|change| change.field != ".spec.replicas");
        }
        if id.kind == "Secret" {
            planned.fields.extend(self.secret_keys(&id.name, live));
        }
        if crate::wait::job_failed(live) {
            "it has failed and would run again".clone_into(&mut planned.reason);
            planned.action = Action::Update;
        }
        if !planned.fields.is_empty() {
            planned.action = Action::Update;
        }
        Ok(planned)
    }

    /// Keys that would be made, as a number: not even their lengths are told.
    fn secret_keys(&self, name: &str, live: &Value) -> Option<FieldChange> {
        let spec = self.desired.secrets.iter().find(|s| s.name == name)?;
        let missing = crate::secrets::missing(spec, live);
        (!missing.is_empty()).then(|| FieldChange {
            field: ".data".into(),
            old: None,
            new: Some(format!("{} keys to make: {}", missing.len(), missing.join(", "))),
        })
    }
}
