//! A deployment from beginning to end: look, lock, apply phase by phase, wait, prune, record.

use crate::api::{PARALLEL, text};
use crate::applyset::{ApplySet, PART_OF, Scope};
use crate::discovery::{Discovery, Resource};
use crate::lock::Lock;
use crate::members::{Depth, Key, Members, key_of};
use crate::observe::{Applied, Change, Event, Observer};
use crate::patch::{Applier, Done, job_identity, scaled};
use crate::release::{self, Ending, Record, Release, ReleaseStatus};
use crate::secrets::{Maker, Vault};
use crate::wait::{Target, Waiter, completed};
use crate::{Cluster, Desired, Error, Options};
use futures_util::{StreamExt as _, stream};
use mainstay_manifest::{Object, Phase, SecretSpec};
use serde::Serialize;
use serde_json::Value;
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
    run.go().await
}

/// One deployment.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) desired: &'a Desired,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
    /// The release that it goes back to.
    pub(crate) rollback_of: Option<u32>,
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
    pub(crate) async fn go(&self) -> Result<Outcome, Failure> {
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
        let vault = Vault::knowing(&self.desired.secrets);
        let mut course = Course { set, releases, vault, changes, jobs, notes: Vec::new(), deadline };
        let result = self.phases(discovery, &mut course).await;
        let error = match result {
            Ok(()) => {
                // everything is deployed; a record that cannot be written (a quota on Secrets) does not undo that
                let release = self.record(&course, who, None).await.unwrap_or_else(|error| {
                    let text = format!("The release could not be recorded, so there is no way back to it: {error}");
                    self.observer.event(&Event::Note { text: text.clone() });
                    course.notes.push(text);
                    None
                });
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
        crate::rollback::forward(number, &record.migrations, &self.desired.migrations)?;
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
        let members = Members::read(cluster, discovery, &scope, &desired.namespace, Depth::Light).await?;
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
            new_database |= phase == Phase::Database && course.changes.iter().any(is_new_data);
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
                    targets.iter().map(|t| &t.object).filter(|o| text(o, "/kind") == "Job").map(job_identity).collect();
                waiter.until_ready(targets, &course.vault).await?;
                course.jobs.extend(jobs);
            } else {
                course.jobs.extend(targets.iter().filter(|t| completed(&t.object)).map(|t| job_identity(&t.object)));
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
            let ran = object.kind() == "Job"
                && applier.members.get(&key).is_none()
                && course.jobs.contains(&job_identity(&object.value));
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

    /// Checks a Secret that somebody else makes. One that an operator of the cluster makes from an object of ours is waited
    /// for, because it takes its time.
    async fn expect(&self, spec: &SecretSpec, course: &mut Course) -> Result<(), Error> {
        let namespace = self.desired.namespace.as_str();
        let path = crate::secrets::resource().path(Some(namespace), Some(&spec.name));
        let is_made =
            self.desired.objects.iter().any(|o| {
                matches!(o.kind(), "ExternalSecret" | "SealedSecret" | "Certificate") && o.name() == spec.name
            });
        let mut told = false;
        loop {
            let missing = match self.cluster.api.get(&path).await {
                Ok(mut live) => {
                    let missing = crate::secrets::missing(spec, &live);
                    course.vault.take_in(&mut live);
                    if missing.is_empty() {
                        return Ok(());
                    }
                    missing
                }
                Err(fault) if fault.is_not_found() => Vec::new(),
                Err(fault) => return Err(fault.explain("get", "Secret", Some(namespace), &spec.name)),
            };
            if !is_made || (self.options.wait && Instant::now() >= course.deadline) {
                return Err(Error::SecretIncomplete { secret: spec.name.clone(), missing });
            }
            if !self.options.wait {
                let text = format!("The Secret {} is not there yet; the object of its name makes it.", spec.name);
                self.observer.event(&Event::Note { text: text.clone() });
                course.notes.push(text);
                return Ok(());
            }
            if !told {
                let object = format!("Secret {}", spec.name);
                self.observer.event(&Event::Waiting { object, state: "not made by its operator yet".into() });
                told = true;
            }
            tokio::time::sleep(self.cluster.pace.look).await;
        }
    }

    /// Fills the Secrets, and checks those that must exist already.
    async fn secrets(&self, specs: &[SecretSpec], course: &mut Course) -> Result<(), Error> {
        let namespace = self.desired.namespace.as_str();
        let ours =
            |spec: &&SecretSpec| self.desired.objects.iter().any(|o| o.kind() == "Secret" && o.name() == spec.name);
        for spec in specs.iter().filter(|spec| !ours(spec)) {
            self.expect(spec, course).await?;
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
        self.observer.event(&Event::Released { release: number, status });
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

/// Unknown kinds are told once, not once per object.
fn once_each(errors: Vec<Error>) -> Error {
    let mut told = BTreeSet::new();
    Error::of_many(errors.into_iter().filter(|e| told.insert(e.to_string())).collect())
}
