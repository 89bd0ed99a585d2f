//! The objects, their history and the writes that they take.

use super::controllers::Behaviour;
use super::fields::{self, Set};
use super::schema::{self, Resource};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An answer that is to be given instead of the real one.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) status: u16,
    pub(crate) times: u32,
}

/// What the caller may not do: (verb, plural).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deny(pub(crate) &'static str, pub(crate) &'static str);

/// A refused write, as a `Status`.
pub(crate) struct Refusal(pub(crate) u16, pub(crate) Value);

pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) object: Value,
}

type Key = (&'static str, String, String);

pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) objects: BTreeMap<Key, Value>,
    pub(crate) history: Vec<Change>,
    /// Watches from before this version get 410.
    pub(crate) forgotten: u64,
    pub(crate) requests: Vec<String>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) denied: BTreeSet<Deny>,
    pub(crate) behaviours: BTreeMap<String, Behaviour>,
    /// Log of a pod by a part of its name.
    pub(crate) logs: BTreeMap<String, String>,
    /// Without aggregated discovery, as servers before 1.27.
    pub(crate) old_discovery: bool,
    /// Watches end after this many events.
    pub(crate) short_watches: Option<usize>,
    /// Largest page of a list.
    pub(crate) page: usize,
    pub(crate) minor: String,
}

pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> Refusal {
    Refusal(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}),
    )
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            version: 100,
            objects: BTreeMap::new(),
            history: Vec::new(),
            forgotten: 0,
            requests: Vec::new(),
            faults: Vec::new(),
            denied: BTreeSet::new(),
            behaviours: BTreeMap::new(),
            logs: BTreeMap::new(),
            old_discovery: false,
            short_watches: None,
            page: 500,
            minor: "36".into(),
        }
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        let plural = schema::by_plural(plural)?.plural;
        self.objects.get(&(plural, namespace.into(), name.into()))
    }

    pub(crate) fn all(&self, plural: &str, namespace: Option<&str>) -> Vec<&Value> {
        let wanted = |(p, n, _): &Key| *p == plural && namespace.is_none_or(|wanted| wanted == n);
        self.objects.iter().filter(|(key, _)| wanted(key)).map(|(_, object)| object).collect()
    }

    fn check_namespace(&self, resource: &Resource, namespace: &str) -> Result<(), Refusal> {
        if !resource.namespaced {
            return Ok(());
        }
        match self.get("namespaces", "", namespace) {
            None => Err(refusal(404, "NotFound", &format!("namespaces \"{namespace}\" not found"))),
            Some(live) if live["status"]["phase"] == "Terminating" => Err(refusal(
                403,
                "Forbidden",
                &format!(
                    "object is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
                ),
            )),
            Some(_) => match self.all("resourcequotas", Some(namespace)).iter().find(|q| q.get("status").is_none()) {
                Some(quota) if resource.plural == "secrets" => {
                    let message = format!(
                        "secrets is forbidden: status unknown for quota: {}, resources: secrets",
                        quota["metadata"]["name"]
                    );
                    Err(refusal(403, "Forbidden", &message))
                }
                _ => Ok(()),
            },
        }
    }

    /// Server-side apply. The flag says whether the object is new.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    pub(crate) fn apply(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        applied: &Value,
        manager: &str,
        force: bool,
        dry_run: bool,
    ) -> Result<(Value, bool), Refusal> {
        if applied["kind"] != resource.kind || applied["apiVersion"] != resource.api_version() {
            return Err(refusal(400, "BadRequest", "the object's kind does not fit the address"));
        }
        if applied.pointer("/metadata/managedFields").is_some() {
            return Err(refusal(400, "BadRequest", "metadata.managedFields must be nil"));
        }
        if let Some(field) = schema::unknown_field(applied) {
            let message = format!(
                "failed to create typed patch object ({namespace}/{name}; {}, Kind={}): {field}: field not declared in schema",
                resource.api_version(),
                resource.kind
            );
            return Err(refusal(500, "InternalError", &message));
        }
        let key = (resource.plural, namespace.to_owned(), name.to_owned());
        let wanted = fields::set_of(applied);
        let Some(live) = self.objects.get(&key).cloned() else {
            self.check_namespace(resource, namespace)?;
            let mut object = applied.clone();
            object["metadata"]["name"] = name.into();
            if resource.namespaced {
                object["metadata"]["namespace"] = namespace.into();
            }
            let entry = entry(manager, "Apply", "", &wanted, resource);
            object["metadata"]["managedFields"] = json!([entry]);
            return Ok((self.create(resource, object, dry_run), true));
        };
        let mut entries = managers(&live);
        let mut conflicts = Vec::new();
        for entry in
            entries.iter_mut().filter(|e| !(e.name == manager && e.operation == "Apply" && e.subresource.is_empty()))
        {
            let clash: Vec<_> = entry
                .set
                .intersection(&wanted)
                .filter(|path| path.last().is_some_and(|e| e.starts_with("f:")))
                .filter(|path| fields::at(&live, path) != fields::at(applied, path))
                .cloned()
                .collect();
            for path in clash {
                if force {
                    entry.set.remove(&path);
                } else {
                    conflicts.push(json!({
                        "reason": "FieldManagerConflict", "field": fields::display(&path), "message": entry.conflict(),
                    }));
                }
            }
        }
        if !conflicts.is_empty() {
            let many = conflicts.len();
            let mut status = refusal(409, "Conflict", &format!("Apply failed with {many} conflicts"));
            status.1["details"] = json!({"causes": conflicts});
            return Err(status);
        }
        let mine = entries.iter().position(|e| e.name == manager && e.operation == "Apply" && e.subresource.is_empty());
        let before = mine.map(|at| entries[at].set.clone()).unwrap_or_default();
        let mut object = live.clone();
        // the longest paths first: an item of a list goes after what is in it
        let mut dropped: Vec<_> = before.difference(&wanted).cloned().collect();
        dropped.sort_by_key(|p| std::cmp::Reverse(p.len()));
        for path in dropped {
            let others = entries
                .iter()
                .enumerate()
                .any(|(at, e)| Some(at) != mine && e.set.iter().any(|p| p.starts_with(&path)));
            let kept = wanted.iter().any(|p| p.starts_with(&path));
            if !others && !kept {
                fields::remove(&mut object, &path);
            }
        }
        let mut body = applied.clone();
        for own in ["name", "namespace"] {
            body["metadata"].as_object_mut().unwrap().remove(own);
        }
        fields::merge(&mut object, &body, &mut Vec::new());
        schema::default(&mut object);
        if let Some((field, message)) = schema::incomplete(&object).or_else(|| schema::immutable(&live, &object)) {
            let text = format!("{}.{} \"{name}\" is invalid: {message}", resource.kind, resource.group);
            let mut status = refusal(422, "Invalid", &text);
            status.1["details"] =
                json!({"causes": [{"reason": "FieldValueInvalid", "field": field, "message": message}]});
            return Err(status);
        }
        let changed = without_fields(&object) != without_fields(&live);
        let same_owner = mine.is_some_and(|at| entries[at].set == wanted);
        if !changed && same_owner {
            return Ok((live, false));
        }
        match mine {
            Some(at) => {
                entries[at].set = wanted;
                entries[at].time = now();
            }
            None => entries.push(Manager::new(manager, "Apply", "", wanted)),
        }
        write_managers(&mut object, &entries, resource);
        Ok((self.replace(resource, &live, object, dry_run), false))
    }

    pub(crate) fn create(&mut self, resource: &'static Resource, mut object: Value, dry_run: bool) -> Value {
        self.version += u64::from(!dry_run);
        let metadata = &mut object["metadata"];
        metadata["uid"] = format!("uid-{}-{}", resource.plural, self.version).into();
        metadata["resourceVersion"] = self.version.to_string().into();
        metadata["creationTimestamp"] = now().into();
        if resource.has_generation() {
            metadata["generation"] = 1.into();
        }
        schema::default(&mut object);
        if !dry_run {
            self.store("ADDED", resource, object.clone());
        }
        object
    }

    /// Puts a changed object in the place of the live one, and counts.
    fn replace(&mut self, resource: &'static Resource, live: &Value, mut object: Value, dry_run: bool) -> Value {
        if resource.has_generation() && object.get("spec") != live.get("spec") {
            object["metadata"]["generation"] = (live["metadata"]["generation"].as_i64().unwrap_or(1) + 1).into();
        }
        if dry_run {
            return object;
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.store("MODIFIED", resource, object.clone());
        object
    }

    fn store(&mut self, kind: &'static str, resource: &'static Resource, object: Value) {
        let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        self.objects.insert((resource.plural, name("namespace"), name("name")), object.clone());
        self.history.push(Change { version: self.version, kind, plural: resource.plural, object });
    }

    /// A change by another program, or by a controller through a subresource.
    pub(crate) fn edit(
        &mut self,
        plural: &str,
        namespace: &str,
        name: &str,
        manager: &str,
        subresource: &str,
        edit: impl FnOnce(&mut Value),
    ) {
        let resource = schema::by_plural(plural).unwrap();
        let Some(live) = self.get(plural, namespace, name).cloned() else { return };
        let mut object = live.clone();
        edit(&mut object);
        if object == live {
            return;
        }
        let (old, new) = (fields::set_of(&live), fields::set_of(&object));
        let changed: Set =
            new.iter().filter(|path| fields::at(&live, path) != fields::at(&object, path)).cloned().collect();
        let mut entries = managers(&live);
        for entry in &mut entries {
            entry.set.retain(|path| !changed.contains(path) && (new.contains(path) || !old.contains(path)));
        }
        match entries.iter_mut().find(|e| e.name == manager && e.operation == "Update" && e.subresource == subresource)
        {
            Some(entry) => {
                entry.set.extend(changed);
                entry.time = now();
            }
            None => entries.push(Manager::new(manager, "Update", subresource, changed)),
        }
        write_managers(&mut object, &entries, resource);
        self.replace(resource, &live, object, false);
    }

    pub(crate) fn delete(&mut self, resource: &'static Resource, namespace: &str, name: &str) {
        let Some(object) = self.objects.remove(&(resource.plural, namespace.to_owned(), name.to_owned())) else {
            return;
        };
        self.version += 1;
        let uid = object["metadata"]["uid"].clone();
        self.history.push(Change { version: self.version, kind: "DELETED", plural: resource.plural, object });
        let inside = |(plural, ns, _): &Key| resource.plural == "namespaces" && ns == name && *plural != "namespaces";
        let owned = |value: &Value| {
            value["metadata"]["ownerReferences"].as_array().is_some_and(|o| o.iter().any(|o| o["uid"] == uid))
        };
        let follow: Vec<Key> = self
            .objects
            .iter()
            .filter(|(key, value)| inside(key) || owned(value))
            .map(|(key, _)| key.clone())
            .collect();
        for (plural, namespace, name) in follow {
            self.delete(schema::by_plural(plural).unwrap(), &namespace, &name);
        }
    }
}

/// One entry of managedFields.
struct Manager {
    name: String,
    operation: String,
    subresource: String,
    time: String,
    set: Set,
}

impl Manager {
    fn new(name: &str, operation: &str, subresource: &str, set: Set) -> Self {
        let [name, operation, subresource] = [name, operation, subresource].map(str::to_owned);
        Self { name, operation, subresource, time: now(), set }
    }

    /// As the server words it.
    fn conflict(&self) -> String {
        let subresource = if self.subresource.is_empty() {
            String::new()
        } else {
            format!(" with subresource {:?}", self.subresource)
        };
        let using = if self.operation == "Update" { format!(" using v1 at {}", self.time) } else { String::new() };
        format!("conflict with {:?}{subresource}{using}", self.name)
    }
}

pub(crate) fn entry(name: &str, operation: &str, subresource: &str, set: &Set, resource: &Resource) -> Value {
    let mut entry = json!({
        "manager": name, "operation": operation, "apiVersion": resource.api_version(), "time": now(),
        "fieldsType": "FieldsV1", "fieldsV1": fields::to_json(set),
    });
    if !subresource.is_empty() {
        entry["subresource"] = subresource.into();
    }
    entry
}

fn managers(object: &Value) -> Vec<Manager> {
    let text = |v: &Value, k: &str| v[k].as_str().unwrap_or_default().to_owned();
    let entries = object["metadata"]["managedFields"].as_array();
    entries
        .into_iter()
        .flatten()
        .map(|e| Manager {
            name: text(e, "manager"),
            operation: text(e, "operation"),
            subresource: text(e, "subresource"),
            time: text(e, "time"),
            set: fields::from_json(&e["fieldsV1"]),
        })
        .collect()
}

fn write_managers(object: &mut Value, entries: &[Manager], resource: &Resource) {
    let list: Vec<Value> = entries
        .iter()
        .filter(|e| !e.set.is_empty())
        .map(|e| {
            let mut value = entry(&e.name, &e.operation, &e.subresource, &e.set, resource);
            value["time"] = e.time.clone().into();
            value
        })
        .collect();
    object["metadata"]["managedFields"] = list.into();
}

fn without_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    object
}

pub(crate) fn now() -> String {
    use mainstay_kernel::clock::{Clock as _, SystemClock};
    format!("{:.0}", SystemClock.now())
}
