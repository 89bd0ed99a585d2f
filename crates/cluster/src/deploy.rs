//! A deployment from beginning to end: look, lock, apply phase by phase, wait, prune, record.

use crate::api::{PARALLEL, Patch, text};
use crate::applyset::{ApplySet, PART_OF, Scope};
use crate::discovery::{Discovery, Resource};
use crate::lock::Lock;
use crate::members::{Depth, Key, Members, key_of};
use crate::observe::{Applied, Change, Event, Observer};
use crate::patch::{Applier, Done, scaled};
use crate::release::{self, Ending, Record, Release, ReleaseStatus};
use crate::secrets::{Maker, Vault};
use crate::wait::{Target, Waiter, completed};
use crate::{Cluster, Desired, Error, Options};
use futures_util::{StreamExt as _, stream};
use mainstay_manifest::{Id, Object, Phase, SecretSpec};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::time::Instant;

/// Annotation of a namespace that existed before: `destroy` never deletes it.
pub(crate) const ADOPTED: &str = "mainstay.dev/adopted";

/// What a deployment did.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Every object and what happened to it.
    pub changes: Vec<Applied>,
    /// Number of the release that is current now; none when the record could not be written.
    pub release: Option<u32>,
    /// How long it took.
    pub seconds: f64,
    /// How many requests were sent.
    pub requests: u64,
    /// Sentences worth knowing.
    pub notes: Vec<String>,
}

impl Outcome {
    /// Whether anything on the cluster is different now.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changes.iter().any(|a| !matches!(a.change, Change::Unchanged | Change::Kept))
    }
}

/// Why a deployment did not end well, and what became of the cluster.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// Number of the release that an atomic deployment went back to.
    pub rolled_back_to: Option<u32>,
    /// Why going back failed, when it did.
    pub rollback: Option<Box<Error>>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, rolled_back_to: None, rollback: None }
    }
}

/// Brings the cluster to the desired state.
///
/// # Errors
/// With the first thing that cannot be done; what was applied until then stays, unless `options.atomic` says to go back.
pub async fn deploy(
    cluster: &Cluster,
    desired: &Desired,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Outcome, Failure> {
    let run = Run { cluster, desired, options, observer, rollback_of: None };
    run.from_beginning_to_end().await
}

/// Goes back to an earlier release; without a number to the last good one before the current.
///
/// # Errors
/// When there is no such release, or the database has migrations that do not continue those of the release.
pub async fn rollback(
    cluster: &Cluster,
    namespace: &str,
    number: Option<u32>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Outcome, Failure> {
    let releases = release::history(cluster, namespace).await?;
    let good = |r: &&Release| r.status == ReleaseStatus::Deployed;
    let current = releases.iter().find(good);
    let found = match number {
        Some(number) => releases.iter().find(|r| r.number == number),
        None => releases.iter().filter(good).find(|r| current.is_some_and(|c| r.hash != c.hash)),
    };
    let Some(found) = found else {
        let known = releases.iter().map(|r| r.number.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = number.map_or_else(|| "before the current one".to_owned(), |n| n.to_string());
        return Err(Error::NoRelease { wanted, known: if known.is_empty() { "none".into() } else { known } }.into());
    };
    let record = release::load(cluster, namespace, found.number).await?;
    let mut newest = Vec::new();
    // failed releases count too: their migrations may have run
    for release in releases.iter().filter(|r| r.number > found.number) {
        let migrations = release::load(cluster, namespace, release.number).await?.migrations;
        if migrations.len() > newest.len() {
            newest = migrations;
        }
    }
    let notes = forward(found.number, &record.migrations, &newest)?;
    let desired = record.desired();
    for text in &notes {
        observer.event(&Event::Note { text: text.clone() });
    }
    let run = Run { cluster, desired: &desired, options, observer, rollback_of: Some(found.number) };
    let mut outcome = run.from_beginning_to_end().await?;
    outcome.notes.extend(notes);
    Ok(outcome)
}

/// Whether a release can live with the migrations that have run since; with what to know about it.
fn forward(release: u32, then: &[String], now: &[String]) -> Result<Vec<String>, Error> {
    let same = then.iter().zip(now).take_while(|(a, b)| a == b).count();
    if same < then.len().min(now.len()) {
        return Err(Error::MigrationsAhead { release, unknown: now[same..].to_vec() });
    }
    let ahead = &now[then.len().min(now.len())..];
    if ahead.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![format!("The database stays as it is: migrations are never undone ({}).", ahead.join(", "))])
}

struct Run<'a> {
    cluster: &'a Cluster,
    desired: &'a Desired,
    options: &'a Options,
    observer: &'a dyn Observer,
    rollback_of: Option<u32>,
}

/// What is found out before anything is changed, and what happens on the way.
struct Course {
    set: ApplySet,
    releases: Vec<Release>,
    vault: Vault,
    changes: Vec<Applied>,
    jobs: BTreeSet<String>,
    notes: Vec<String>,
    deadline: Instant,
}

impl Run<'_> {
    async fn from_beginning_to_end(&self) -> Result<Outcome, Failure> {
        let (began, requests) = (Instant::now(), self.cluster.requests());
        let discovery = self.cluster.discovery().await?;
        let unknown: Vec<Error> = self.desired.objects.iter().filter_map(|o| discovery.of(&o.id()).err()).collect();
        if !unknown.is_empty() {
            return Err(once_each(unknown).into());
        }
        let (members, mut first) = self.namespaces(discovery).await?;
        let who = self.options.who.clone().unwrap_or_else(|| self.cluster.origin().user.clone());
        let lock = Lock::take(self.cluster, &self.desired.project, &self.desired.namespace, &who).await?;
        let ended = tokio::select! {
            ended = self.locked(discovery, members, &mut first, &who) => ended,
            lost = lock.keep() => Err(lost.into()),
        };
        lock.release().await;
        let (changes, release, notes) = ended?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(Outcome { changes, release, seconds, requests: self.cluster.requests() - requests, notes })
    }

    /// Looks at the namespaces, and makes those that are ours: everything else, the lock included, lives in them.
    async fn namespaces(&self, discovery: &Discovery) -> Result<(Members, Vec<Applied>), Error> {
        let resource = Resource::core("", "v1", "Namespace", "namespaces");
        let set = crate::applyset::id(&self.desired.namespace);
        let mut members = Members::default();
        let mut objects: Vec<Object> =
            self.desired.objects.iter().filter(|o| o.kind() == "Namespace").cloned().collect();
        let mut names: Vec<String> = objects.iter().map(|o| o.name().to_owned()).collect();
        if !names.contains(&self.desired.namespace) {
            names.push(self.desired.namespace.clone());
        }
        for name in names {
            let wanted = objects.iter_mut().find(|o| o.name() == name);
            match self.cluster.api.get(&resource.path(None, Some(&name))).await {
                Ok(live) => {
                    if text(&live, "/status/phase") == "Terminating" {
                        return Err(Error::NamespaceTerminating(name));
                    }
                    let adopted = is_adopted(&live);
                    if let Some(object) = wanted {
                        let ours = crate::prune::is_ours(&live, &self.desired.project);
                        if !ours && !self.options.adopt_namespace {
                            return Err(Error::NamespaceNotOurs(name));
                        }
                        if adopted || !ours {
                            object.value["metadata"]["annotations"][ADOPTED] = "true".into();
                        }
                    }
                    members.insert(live, resource.clone());
                }
                Err(fault) if fault.is_not_found() && wanted.is_some() => {}
                Err(fault) if fault.is_not_found() => return Err(Error::NamespaceMissing(name)),
                // whoever may only work inside the namespace may not look at it either
                Err(fault) if fault.code() == 403 && wanted.is_none() => {}
                Err(fault) => return Err(fault.explain("get", "Namespace", None, &name)),
            }
        }
        let mut applied = Vec::new();
        let applier = self.applier(discovery, &set, &members);
        for object in &objects {
            let done = applier.apply(object).await?;
            self.observer.event(&Event::Applied(done.applied.clone()));
            applied.push(done.applied);
        }
        Ok((members, applied))
    }

    fn applier<'b>(&'b self, discovery: &'b Discovery, set: &'b str, members: &'b Members) -> Applier<'b> {
        Applier {
            cluster: self.cluster,
            discovery,
            options: self.options,
            namespace: &self.desired.namespace,
            set,
            members,
            scaled: scaled(&self.desired.objects),
        }
    }

    async fn locked(
        &self,
        discovery: &Discovery,
        _namespaces: Members,
        first: &mut Vec<Applied>,
        who: &str,
    ) -> Result<(Vec<Applied>, Option<u32>, Vec<String>), Failure> {
        let (cluster, namespace) = (self.cluster, self.desired.namespace.as_str());
        let (set, releases) = tokio::try_join!(
            ApplySet::read(&cluster.api, &self.desired.project, namespace),
            release::history(cluster, namespace),
        )?;
        let jobs =
            releases.iter().filter(|r| r.status == ReleaseStatus::Deployed).flat_map(|r| r.jobs.clone()).collect();
        let deadline = Instant::now() + self.options.deadline;
        let changes = std::mem::take(first);
        let mut course = Course { set, releases, vault: Vault::default(), changes, jobs, notes: Vec::new(), deadline };
        let result = self.phases(discovery, &mut course).await;
        let error = match result {
            Ok(()) => {
                let release = self.record(&course, who, None).await?;
                return Ok((course.changes, release, course.notes));
            }
            Err(error) => error,
        };
        let mut failure = Failure::from(error);
        let note = course.vault.redact(&failure.error.to_string());
        if let Err(error) = self.record(&course, who, Some(note)).await {
            tracing::warn!(%error, "the failed release was not recorded");
        }
        if self.options.atomic && self.rollback_of.is_none() {
            match self.back(discovery, &mut course).await {
                Ok(release) => failure.rolled_back_to = release,
                Err(error) => failure.rollback = Some(Box::new(error)),
            }
        }
        Err(failure)
    }

    /// Applies the last good release again, under the same lock.
    async fn back(&self, discovery: &Discovery, course: &mut Course) -> Result<Option<u32>, Error> {
        let good = course.releases.iter().find(|r| r.status == ReleaseStatus::Deployed).map(|r| r.number);
        let Some(number) = good else { return Ok(None) };
        let record = release::load(self.cluster, &self.desired.namespace, number).await?;
        forward(number, &record.migrations, &self.desired.migrations)?;
        self.observer.event(&Event::Note { text: format!("Going back to release {number}.") });
        let desired = record.desired();
        let run = Run { desired: &desired, rollback_of: Some(number), ..*self };
        course.deadline = Instant::now() + self.options.deadline;
        course.set = ApplySet::read(&self.cluster.api, &desired.project, &desired.namespace).await?;
        run.phases(discovery, course).await?;
        Ok(Some(number))
    }

    async fn phases(&self, discovery: &Discovery, course: &mut Course) -> Result<(), Error> {
        let (cluster, desired) = (self.cluster, self.desired);
        let wanted = Scope::of(&desired.objects, &desired.namespace);
        let scope = course.set.recorded.as_ref().map_or_else(|| wanted.clone(), |old| old.union(&wanted));
        let members = Members::read(cluster, discovery, &scope, &desired.namespace, Depth::Metadata).await?;
        course.set.record(&cluster.api, &scope).await?;
        let set = course.set.id.clone();
        let applier = self.applier(discovery, &set, &members);
        let mut new_database = false;
        for phase in Phase::ALL {
            let objects: Vec<&Object> =
                desired.objects.iter().filter(|o| phase_of(o) == phase && o.kind() != "Namespace").collect();
            let specs = if phase == Phase::Configuration { desired.secrets.as_slice() } else { &[] };
            if objects.is_empty() && specs.is_empty() {
                continue;
            }
            self.observer.event(&Event::PhaseBegan { phase, objects: objects.len() });
            let began = Instant::now();
            let targets = self.apply_all(&applier, objects, course, new_database).await?;
            new_database |= phase == Phase::Database && course.changes.iter().any(|a| is_new_data(a));
            self.secrets(specs, course).await?;
            if self.options.wait {
                let waiter = Waiter {
                    cluster,
                    observer: self.observer,
                    project: &desired.project,
                    selector: format!("{PART_OF}={set}"),
                    deadline: course.deadline,
                    total: self.options.deadline,
                };
                let jobs: Vec<String> =
                    targets.iter().map(|t| &t.object).filter(|o| text(o, "/kind") == "Job").map(job_name).collect();
                waiter.until_ready(targets, &course.vault).await?;
                course.jobs.extend(jobs);
            } else {
                course.jobs.extend(targets.iter().filter(|t| completed(&t.object)).map(|t| job_name(&t.object)));
            }
            self.observer.event(&Event::PhaseEnded { phase, seconds: began.elapsed().as_secs_f64() });
        }
        if self.options.prune {
            let keep: BTreeSet<Key> = desired.objects.iter().map(|o| self.key(o, discovery)).collect();
            let pruned = crate::prune::prune(cluster, &members, &set, &keep, self.observer).await?;
            let mut left = wanted;
            // what is kept stays a member, and must stay findable
            left.kinds.extend(pruned.iter().filter(|a| a.change == Change::Kept).filter_map(|a| {
                let kind = a.object.split(' ').next()?;
                scope.kinds.iter().find(|k| k.split('.').next() == Some(kind)).cloned()
            }));
            left.namespaces.extend(
                pruned
                    .iter()
                    .filter(|a| a.change == Change::Kept && scope.namespaces.contains(&a.namespace))
                    .map(|a| a.namespace.clone()),
            );
            course.changes.extend(pruned);
            course.set.record(&cluster.api, &left).await?;
        }
        Ok(())
    }

    fn key(&self, object: &Object, discovery: &Discovery) -> Key {
        let mut id = object.id();
        match discovery.of(&id) {
            Ok(resource) if !resource.namespaced => id.namespace.clear(),
            _ if id.namespace.is_empty() => id.namespace.clone_from(&self.desired.namespace),
            _ => {}
        }
        key_of(&id)
    }

    async fn apply_all(
        &self,
        applier: &Applier<'_>,
        objects: Vec<&Object>,
        course: &mut Course,
        new_database: bool,
    ) -> Result<Vec<Target>, Error> {
        let mut todo = Vec::new();
        for object in objects {
            let key = self.key(object, applier.discovery);
            let ran =
                object.kind() == "Job" && applier.members.get(&key).is_none() && course.jobs.contains(object.name());
            if ran && !new_database && !self.options.rerun_jobs {
                let note = "it has run before and its time to live is over".to_owned();
                let applied =
                    Applied { object: object.id().to_string(), namespace: key.2, change: Change::Unchanged, note };
                self.observer.event(&Event::Applied(applied.clone()));
                course.changes.push(applied);
            } else {
                todo.push(object);
            }
        }
        let results: Vec<Result<Done, Error>> = stream::iter(todo)
            .map(|object| async move {
                let done = applier.apply(object).await;
                if let Ok(done) = &done {
                    self.observer.event(&Event::Applied(done.applied.clone()));
                }
                done
            })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let (mut targets, mut errors) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(Done { applied, mut live, resource }) => {
                    if applied.object.starts_with("Secret ") {
                        course.vault.take_in(&mut live);
                    }
                    course.changes.push(applied);
                    targets.push(Target { object: live, resource });
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(targets) } else { Err(Error::of_many(errors)) }
    }

    /// Fills the Secrets, and checks those that must exist already.
    async fn secrets(&self, specs: &[SecretSpec], course: &mut Course) -> Result<(), Error> {
        let namespace = self.desired.namespace.as_str();
        let ours =
            |spec: &&SecretSpec| self.desired.objects.iter().any(|o| o.kind() == "Secret" && o.name() == spec.name);
        for spec in specs.iter().filter(|spec| !ours(spec)) {
            let path = crate::secrets::resource().path(Some(namespace), Some(&spec.name));
            let missing = match self.cluster.api.get(&path).await {
                Ok(mut live) => {
                    let missing = crate::secrets::missing(spec, &live);
                    course.vault.take_in(&mut live);
                    if missing.is_empty() { continue } else { missing }
                }
                Err(fault) if fault.is_not_found() => Vec::new(),
                Err(fault) => return Err(fault.explain("get", "Secret", Some(namespace), &spec.name)),
            };
            return Err(Error::SecretIncomplete { secret: spec.name.clone(), missing });
        }
        let specs: Vec<&SecretSpec> = specs.iter().filter(ours).collect();
        let maker = Maker {
            cluster: self.cluster,
            namespace,
            given: &self.options.given,
            certificates: self.options.certificates.as_ref(),
        };
        for (secret, keys) in maker.fill(&specs, &mut course.vault).await? {
            self.observer.event(&Event::SecretMade { secret, keys });
        }
        Ok(())
    }

    /// Writes the release down; an unchanged deployment adds none.
    async fn record(&self, course: &Course, who: &str, failed: Option<String>) -> Result<Option<u32>, Error> {
        let (cluster, namespace) = (self.cluster, self.desired.namespace.as_str());
        let record = Record::of(self.desired);
        let newest = course.releases.first();
        if let Some(last) = newest
            && failed.is_none()
            && last.status == ReleaseStatus::Deployed
            && last.hash == record.hash()
        {
            if !course.jobs.is_subset(&last.jobs) {
                release::note_jobs(cluster, namespace, last.number, &course.jobs).await?;
            }
            return Ok(Some(last.number));
        }
        let number = newest.map_or(1, |r| r.number + 1);
        let status = if failed.is_some() { ReleaseStatus::Failed } else { ReleaseStatus::Deployed };
        let back = self.rollback_of.map(|n| format!("back to release {n}"));
        let ending = Ending { status, note: failed.or(back).unwrap_or_default(), who, jobs: &course.jobs };
        release::write(cluster, namespace, number, &record, &ending, &course.releases).await?;
        self.observer.event(&Event::Released { release: number });
        Ok(Some(number))
    }
}

/// Secrets come with the configuration, whatever part they are for: templates refer from one to the other.
pub(crate) fn phase_of(object: &Object) -> Phase {
    if object.kind() == "Secret" { Phase::Configuration } else { object.phase }
}

pub(crate) fn is_adopted(namespace: &Value) -> bool {
    namespace.pointer("/metadata/annotations").and_then(|a| a.get(ADOPTED)).and_then(Value::as_str) == Some("true")
}

fn is_new_data(applied: &Applied) -> bool {
    let data =
        ["StatefulSet ", "PersistentVolumeClaim ", "Cluster "].iter().any(|kind| applied.object.starts_with(kind));
    data && applied.change == Change::Created
}

fn job_name(object: &Value) -> String {
    text(object, "/metadata/name").to_owned()
}

/// Unknown kinds are told once, not once per object.
fn once_each(errors: Vec<Error>) -> Error {
    let mut told = BTreeSet::new();
    Error::of_many(errors.into_iter().filter(|e| told.insert(e.to_string())).collect())
}

/// Restarts the pods of Deployments and StatefulSets, one after the other as their strategy says; after a rotation.
///
/// # Errors
/// When one may not be changed or is not there.
pub async fn restart(cluster: &Cluster, namespace: &str, workloads: &[(String, String)]) -> Result<(), Error> {
    let discovery = cluster.discovery().await?;
    let now = format!("{:.0}", cluster.clock.now());
    for (kind, name) in workloads {
        let id = Id {
            group: "apps".into(),
            version: "v1".into(),
            kind: kind.clone(),
            namespace: namespace.into(),
            name: name.clone(),
        };
        let path = discovery.of(&id)?.path(Some(namespace), Some(name));
        let body = json!({"spec": {"template": {"metadata": {"annotations": {"mainstay.dev/restarted-at": now}}}}});
        let patch = Patch::Merge { manager: "mainstay-restart" };
        cluster
            .api
            .patch(&path, &body, patch)
            .await
            .map_err(|fault| fault.explain("patch", kind, Some(namespace), name))?;
    }
    Ok(())
}

/// Makes generated values of Secrets anew: whole Secrets by name, or single keys as `secret/key`. What follows from them by a
/// template follows. Values that a person gives, and plain ones, stay. Returns what was made: (Secret, keys).
///
/// # Errors
/// When a name has nothing that is generated, or a Secret cannot be written.
pub async fn rotate(
    cluster: &Cluster,
    desired: &Desired,
    names: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<(String, Vec<String>)>, Error> {
    let namespace = desired.namespace.as_str();
    let mut vault = Vault::default();
    for spec in &desired.secrets {
        let path = crate::secrets::resource().path(Some(namespace), Some(&spec.name));
        match cluster.api.get(&path).await {
            Ok(mut live) => vault.take_in(&mut live),
            Err(fault) if fault.is_not_found() => {}
            Err(fault) => return Err(fault.explain("get", "Secret", Some(namespace), &spec.name)),
        }
    }
    let certificates = options.certificates.as_ref();
    let maker = Maker { cluster, namespace, given: &options.given, certificates };
    let made = maker.rotate(&desired.secrets, names, &mut vault).await?;
    for (secret, keys) in &made {
        observer.event(&Event::SecretMade { secret: secret.clone(), keys: keys.clone() });
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_may_only_lack_the_last_migrations() {
        let names = |n: &[&str]| n.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(forward(1, &names(&["a", "b"]), &names(&["a", "b"])).unwrap().len(), 0);
        assert!(forward(1, &names(&["a"]), &names(&["a", "b"])).unwrap()[0].contains("(b)"));
        assert!(matches!(forward(1, &names(&["a", "x"]), &names(&["a", "b"])), Err(Error::MigrationsAhead { .. })));
        // the newer release knew fewer: nothing ran that the older does not know
        assert_eq!(forward(1, &names(&["a", "b"]), &names(&["a"])).unwrap().len(), 0);
    }
}
