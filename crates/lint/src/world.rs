//! All objects with the indexes that the checks look things up in.

use crate::kinds;
use crate::lookup;
use crate::selector::{Labels, Selector};
use crate::workload::Workload;
use mainstay_manifest::yaml::Document;
use serde_json::Value;
use std::collections::HashMap;

/// One object.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) value: &'a Value,
    pub(crate) source: &'a str,
    pub(crate) line: usize,
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    /// The kind as written.
    pub(crate) kind: &'a str,
    /// The kind for matching: empty when another group uses a built-in kind's name (Knative's `Service`).
    pub(crate) is: &'a str,
    /// Empty when not written.
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Item<'_> {
    /// `Deployment shop/gateway`.
    pub(crate) fn title(&self) -> String {
        let kind = if self.kind.is_empty() { "Document" } else { self.kind };
        match (self.namespace, self.name) {
            ("", "") => kind.to_owned(),
            ("", name) => format!("{kind} {name}"),
            (namespace, name) => format!("{kind} {namespace}/{name}"),
        }
    }

    /// An annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        lookup::map(self.value, "metadata.annotations")?.get(key)?.as_str()
    }
}

/// The objects and their indexes.
#[derive(Debug, Default)]
pub(crate) struct World<'a> {
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) workloads: Vec<Workload<'a>>,
    by_kind: HashMap<&'a str, Vec<usize>>,
    /// Position of a kind's list in a namespace; the lists stand beside so that they outlive the words asked with.
    by_kind_in: HashMap<(&'a str, &'a str), usize>,
    lists: Vec<Vec<usize>>,
    by_id: HashMap<(&'a str, &'a str, &'a str), usize>,
    workloads_in: HashMap<&'a str, Vec<usize>>,
    workload_of: HashMap<usize, usize>,
    by_label: HashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    /// Services by the labels that they have themselves.
    labelled_services: HashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    /// For each workload the Services that select it.
    services_of: HashMap<usize, Vec<usize>>,
    /// For each workload its autoscaler.
    autoscaler_of: HashMap<usize, usize>,
    /// Namespaces that hold custom resources, which may bring pods that nobody sees in the files.
    operated: HashMap<&'a str, usize>,
}

impl<'a> World<'a> {
    pub(crate) fn new(documents: &'a [Document]) -> Self {
        let mut world = Self::default();
        for document in documents {
            world.add(document);
        }
        world.link();
        world
    }

    fn add(&mut self, document: &'a Document) {
        let value = &document.value;
        let api_version = lookup::word(value, "apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = lookup::word(value, "kind");
        let is = if kinds::is_foreign(group, kind) { "" } else { kind };
        let namespace = if kinds::is_cluster_wide(kind) { "" } else { lookup::word(value, "metadata.namespace") };
        let name = lookup::word(value, "metadata.name");
        let index = self.items.len();
        self.items.push(Item {
            value,
            source: &document.source,
            line: document.line,
            group,
            version,
            kind,
            is,
            namespace,
            name,
        });
        self.by_kind.entry(is).or_default().push(index);
        let next = self.lists.len();
        let list = *self.by_kind_in.entry((is, namespace)).or_insert(next);
        if list == next {
            self.lists.push(Vec::new());
        }
        self.lists[list].push(index);
        self.by_id.entry((is, namespace, name)).or_insert(index);
        if kinds::may_bring_pods(group, kind) {
            *self.operated.entry(namespace).or_default() += 1;
        }
        if let Some(workload) = Workload::of(index, is, namespace, name, value) {
            let position = self.workloads.len();
            for (key, value) in &workload.labels {
                self.by_label.entry((namespace, key, value)).or_default().push(position);
            }
            self.workloads_in.entry(namespace).or_default().push(position);
            self.workload_of.insert(index, position);
            self.workloads.push(workload);
        }
    }

    fn link(&mut self) {
        for service in self.of_kind("Service").to_vec() {
            let item = &self.items[service];
            for (key, value) in lookup::texts(item.value, "metadata.labels") {
                self.labelled_services.entry((item.namespace, key, value)).or_default().push(service);
            }
            for workload in self.selected_by_service(service) {
                self.services_of.entry(workload).or_default().push(service);
            }
        }
        for scaler in self.of_kind("HorizontalPodAutoscaler").to_vec() {
            if let Some(workload) = self.scale_target(scaler) {
                self.autoscaler_of.entry(workload).or_insert(scaler);
            }
        }
    }

    /// Positions of the objects of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> &[usize] {
        self.by_kind.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Positions of the objects of a kind in a namespace.
    pub(crate) fn of_kind_in(&self, kind: &str, namespace: &str) -> &[usize] {
        let list = self.by_kind_in.get(&(kind, namespace)).copied();
        list.map_or(&[], |list| self.lists[list].as_slice())
    }

    /// The object with this identity.
    pub(crate) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<usize> {
        self.by_id.get(&(kind, namespace, name)).copied()
    }

    /// Whether an object is the first with its identity.
    pub(crate) fn first_of(&self, item: usize) -> usize {
        let of = &self.items[item];
        self.find(of.is, of.namespace, of.name).unwrap_or(item)
    }

    /// Positions of the workloads in a namespace.
    pub(crate) fn workloads_in(&self, namespace: &str) -> &[usize] {
        self.workloads_in.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// All namespaces with workloads, sorted.
    pub(crate) fn namespaces(&self) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = self.workloads_in.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// The workload of an object.
    pub(crate) fn workload_of(&self, item: usize) -> Option<usize> {
        self.workload_of.get(&item).copied()
    }

    /// Workloads in a namespace whose pods a selector matches. Looks at the rarest label's pods only.
    pub(crate) fn pods_matching(&self, namespace: &str, selector: &Selector<'_>) -> Vec<usize> {
        let rarest = selector
            .labels
            .iter()
            .map(|(key, value)| listed(&self.by_label, namespace, key, value))
            .min_by_key(|positions| positions.len());
        let candidates: Vec<usize> = match (rarest, selector.one_of()) {
            (Some(positions), _) => positions.to_vec(),
            (None, Some(labels)) => {
                let mut positions: Vec<usize> = labels
                    .iter()
                    .flat_map(|(key, value)| listed(&self.by_label, namespace, key, value))
                    .copied()
                    .collect();
                positions.sort_unstable();
                positions.dedup();
                positions
            }
            (None, None) => self.workloads_in(namespace).to_vec(),
        };
        candidates.into_iter().filter(|position| selector.matches(&self.workloads[*position].labels)).collect()
    }

    /// Workloads behind a Service.
    pub(crate) fn selected_by_service(&self, service: usize) -> Vec<usize> {
        let item = &self.items[service];
        let labels = lookup::texts(item.value, "spec.selector");
        if labels.is_empty() {
            return Vec::new();
        }
        let found = self.pods_matching(item.namespace, &Selector::of_labels(labels));
        // finished pods serve nobody
        found.into_iter().filter(|w| !matches!(self.workloads[*w].kind, "Job" | "CronJob")).collect()
    }

    /// Services in a namespace whose own labels a selector matches.
    pub(crate) fn services_matching(&self, namespace: &str, selector: &Selector<'_>) -> Vec<usize> {
        let rarest = selector
            .labels
            .iter()
            .map(|(key, value)| listed(&self.labelled_services, namespace, key, value))
            .min_by_key(|services| services.len());
        let candidates = rarest.unwrap_or_else(|| self.of_kind_in("Service", namespace));
        let labels = |service: &usize| lookup::texts(self.items[*service].value, "metadata.labels");
        candidates.iter().copied().filter(|service| selector.matches(&labels(service))).collect()
    }

    /// Services that select a workload's pods.
    pub(crate) fn services_of(&self, workload: usize) -> &[usize] {
        self.services_of.get(&workload).map_or(&[], Vec::as_slice)
    }

    /// The workload that an autoscaler scales.
    pub(crate) fn scale_target(&self, scaler: usize) -> Option<usize> {
        let item = &self.items[scaler];
        let kind = lookup::text(item.value, "spec.scaleTargetRef.kind")?;
        let name = lookup::text(item.value, "spec.scaleTargetRef.name")?;
        self.workload_of(self.find(kind, item.namespace, name)?)
    }

    /// A workload's autoscaler.
    pub(crate) fn autoscaler_of(&self, workload: usize) -> Option<&Item<'a>> {
        self.autoscaler_of.get(&workload).map(|scaler| &self.items[*scaler])
    }

    /// The fewest pods that a workload has while nothing is wrong.
    pub(crate) fn fewest(&self, workload: usize) -> i64 {
        self.autoscaler_of(workload).map_or_else(
            || self.workloads[workload].replicas(),
            |scaler| lookup::number(scaler.value, "spec.minReplicas").unwrap_or(1),
        )
    }

    /// The most pods that a workload has outside of a roll-out.
    pub(crate) fn most(&self, workload: usize) -> i64 {
        self.autoscaler_of(workload)
            .and_then(|scaler| lookup::number(scaler.value, "spec.maxReplicas"))
            .unwrap_or_else(|| self.workloads[workload].replicas())
    }

    /// Labels of a namespace: those of its object, and the one that every namespace has.
    pub(crate) fn namespace_labels<'b>(&'b self, namespace: &'b str) -> Labels<'b> {
        let mut labels = self
            .find("Namespace", "", namespace)
            .map(|item| lookup::texts(self.items[item].value, "metadata.labels"))
            .unwrap_or_default();
        if !namespace.is_empty() {
            labels.insert("kubernetes.io/metadata.name", namespace);
        }
        labels
    }

    /// Whether custom resources in a namespace may bring pods that the files do not show.
    pub(crate) fn is_operated(&self, namespace: &str) -> bool {
        self.operated.contains_key(namespace)
    }
}

/// The list of a label in a namespace.
fn listed<'a>(
    lists: &'a HashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    namespace: &'a str,
    key: &'a str,
    value: &'a str,
) -> &'a [usize] {
    lists.get(&(namespace, key, value)).map_or(&[], Vec::as_slice)
}
