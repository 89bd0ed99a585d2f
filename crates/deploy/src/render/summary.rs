//! What a system takes: pods, CPU, memory, volumes, each summed up.

use crate::tables::{Size, size_of};
use crate::{Component, Controller, Kind, System};
use mainstay_manifest::Quantity;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt::Write as _;

/// The resource table of a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Name of the project.
    pub project: String,
    /// Namespace.
    pub namespace: String,
    /// What runs all the time, with the sizes of one pod's main container.
    pub components: Vec<Row>,
    /// Sum of [`Summary::components`] with the pods that they begin with.
    pub total: Total,
    /// The same sum with every autoscaler at its most pods; absent without autoscalers.
    pub at_most: Option<Total>,
    /// What runs until it is done: Jobs, CronJobs, init containers. Not in the sums.
    pub until_done: Vec<Row>,
    /// What the namespace's ResourceQuota allows.
    pub quota: Option<Quota>,
    /// Volumes that outlive pods.
    pub volumes: Vec<Volume>,
    /// Size of all volumes together.
    #[serde(serialize_with = "memory")]
    pub storage: Quantity,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Name of the component, or of the init container.
    pub name: String,
    /// What makes its pods: `Deployment`, `Job`, `init container`.
    pub kind: &'static str,
    /// Pods to begin with. A DaemonSet is counted with one node.
    pub pods: u32,
    /// Most pods.
    pub most: u32,
    /// CPU request of one pod.
    #[serde(serialize_with = "cpu")]
    pub cpu: Quantity,
    /// CPU limit of one pod; absent when CPU is not limited.
    #[serde(serialize_with = "cpu_limit")]
    pub cpu_limit: Option<Quantity>,
    /// Memory request of one pod.
    #[serde(serialize_with = "memory")]
    pub memory: Quantity,
    /// Memory limit of one pod.
    #[serde(serialize_with = "memory")]
    pub memory_limit: Quantity,
}

/// A sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Pods.
    pub pods: u32,
    /// CPU requests.
    #[serde(serialize_with = "cpu")]
    pub cpu: Quantity,
    /// CPU limits; absent when CPU is not limited.
    #[serde(serialize_with = "cpu_limit")]
    pub cpu_limit: Option<Quantity>,
    /// Memory requests.
    #[serde(serialize_with = "memory")]
    pub memory: Quantity,
    /// Memory limits.
    #[serde(serialize_with = "memory")]
    pub memory_limit: Quantity,
}

/// What a ResourceQuota allows, as it is written in the object; empty texts for what it does not bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Name of the object.
    pub name: String,
    /// Pods.
    pub pods: String,
    /// CPU requests.
    pub cpu: String,
    /// CPU limits.
    pub cpu_limit: String,
    /// Memory requests.
    pub memory: String,
    /// Memory limits.
    pub memory_limit: String,
    /// Size of all claims.
    pub storage: String,
}

/// A volume that outlives its pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Component that writes to it.
    pub component: String,
    /// How many of them.
    pub count: u32,
    /// Size of one, as it is written in the settings.
    pub size: String,
}

fn cpu<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&quantity.cpu_milli())
}

fn cpu_limit<S: Serializer>(quantity: &Option<Quantity>, serializer: S) -> Result<S::Ok, S::Error> {
    match quantity {
        Some(quantity) => cpu(quantity, serializer),
        None => serializer.serialize_none(),
    }
}

fn memory<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&mebi(*quantity))
}

fn mebi(quantity: Quantity) -> String {
    quantity.memory_mebi()
}

/// Sums a system up.
#[must_use]
pub fn summary(system: &System) -> Summary {
    let limited = system.project.kubernetes.cpu_limits;
    let lasting: Vec<&Component> = system.components.iter().filter(|c| c.is_lasting()).collect();
    let sum = |pods: &dyn Fn(&Component) -> u32| {
        let size = lasting.iter().map(|c| c.size.times(pods(c))).fold(Size::default(), Size::plus);
        Total {
            pods: lasting.iter().map(|c| pods(c)).sum(),
            cpu: size.cpu,
            cpu_limit: limited.then_some(size.cpu_limit),
            memory: size.memory,
            memory_limit: size.memory_limit,
        }
    };
    let mut until_done: Vec<Row> =
        system.components.iter().filter(|c| !c.is_lasting()).map(|c| row(c, kind(c.controller), limited)).collect();
    if system.workloads().any(Component::needs_database) {
        let size = size_of("wait-for-postgres");
        until_done.push(sized("wait-for-postgres", "init container", (1, 1), size, limited));
    }
    let volumes: Vec<Volume> = system
        .components
        .iter()
        .filter_map(|c| Some(Volume { component: c.name.clone(), count: count(c), size: c.volume.clone()? }))
        .collect();
    Summary {
        project: system.project.name.clone(),
        namespace: system.namespace.clone(),
        components: lasting.iter().map(|c| row(c, kind(c.controller), limited)).collect(),
        total: sum(&|c| c.replicas),
        at_most: lasting.iter().any(|c| c.most() > c.replicas).then(|| sum(&Component::most)),
        until_done,
        quota: quota(system),
        storage: volumes.iter().filter_map(|v| Some(v.size.parse::<Quantity>().ok()?.times(v.count))).sum(),
        volumes,
    }
}

/// Only an operator makes a volume for each of several pods; a backup has one for all its runs.
fn count(component: &Component) -> u32 {
    if component.kind == Kind::Database { component.replicas } else { 1 }
}

fn row(component: &Component, kind: &'static str, limited: bool) -> Row {
    sized(&component.name, kind, (component.replicas, component.most()), component.size, limited)
}

fn sized(name: &str, kind: &'static str, (pods, most): (u32, u32), size: Size, limited: bool) -> Row {
    Row {
        name: name.to_owned(),
        kind,
        pods,
        most,
        cpu: size.cpu,
        cpu_limit: limited.then_some(size.cpu_limit),
        memory: size.memory,
        memory_limit: size.memory_limit,
    }
}

pub(super) fn kind(controller: Controller) -> &'static str {
    match controller {
        Controller::Deployment => "Deployment",
        Controller::StatefulSet => "StatefulSet",
        Controller::DaemonSet => "DaemonSet",
        Controller::Job => "Job",
        Controller::CronJob => "CronJob",
        Controller::Operator => "Operator",
    }
}

fn quota(system: &System) -> Option<Quota> {
    let object = crate::objects(system).into_iter().find(|object| object.kind() == "ResourceQuota")?;
    let hard = object.value.pointer("/spec/hard")?;
    let text = |key: &str| hard.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let amount = |key: &str, show: fn(Quantity) -> String| text(key).parse().map_or_else(|_| text(key), show);
    Some(Quota {
        name: object.name().to_owned(),
        pods: text("pods"),
        cpu: amount("requests.cpu", Quantity::cpu_milli),
        cpu_limit: amount("limits.cpu", Quantity::cpu_milli),
        memory: amount("requests.memory", Quantity::memory_mebi),
        memory_limit: amount("limits.memory", Quantity::memory_mebi),
        storage: text("requests.storage"),
    })
}

impl Summary {
    /// The table for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = Table::new(["COMPONENT", "PODS", "CPU REQUEST", "CPU LIMIT", "MEMORY REQUEST", "MEMORY LIMIT"]);
        for row in &self.components {
            table.row(row.cells());
        }
        table.line();
        table.row(self.total.cells("TOTAL"));
        if let Some(most) = &self.at_most {
            table.row(most.cells("AT MOST"));
        }
        if let Some(quota) = &self.quota {
            table.row(quota.cells());
        }
        if !self.until_done.is_empty() {
            table.title("Until done, not in the sums");
            for row in &self.until_done {
                table.row(row.cells());
            }
        }
        let mut out = format!("{} in the namespace {}\n\n{}", self.project, self.namespace, table.text());
        if !self.volumes.is_empty() {
            let mut volumes = Table::new(["VOLUMES", "COUNT", "SIZE"]);
            for volume in &self.volumes {
                volumes.row([volume.component.clone(), volume.count.to_string(), volume.size.clone()]);
            }
            volumes.line();
            let count: u32 = self.volumes.iter().map(|volume| volume.count).sum();
            volumes.row(["TOTAL".to_owned(), count.to_string(), self.storage.memory()]);
            let _ = write!(out, "\n{}", volumes.text());
        }
        out.push_str("\nRows are for one pod, sums for all of them. 1000m is one core.");
        if self.components.iter().any(|row| row.kind == "DaemonSet") {
            out.push_str("\nA DaemonSet has one pod on each node; one node is counted.");
        }
        out.push('\n');
        out
    }
}

fn optional(quantity: Option<Quantity>) -> String {
    quantity.map_or_else(|| "-".to_owned(), Quantity::cpu_milli)
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let pods = match self.kind {
            "DaemonSet" => "1/node".to_owned(),
            _ if self.most > self.pods => format!("{} to {}", self.pods, self.most),
            _ => self.pods.to_string(),
        };
        let name = match self.kind {
            "Job" | "CronJob" | "init container" => format!("{} ({})", self.name, self.kind),
            _ => self.name.clone(),
        };
        [name, pods, self.cpu.cpu_milli(), optional(self.cpu_limit), mebi(self.memory), mebi(self.memory_limit)]
    }
}

impl Total {
    fn cells(&self, name: &str) -> [String; 6] {
        [
            name.to_owned(),
            self.pods.to_string(),
            self.cpu.cpu_milli(),
            optional(self.cpu_limit),
            mebi(self.memory),
            mebi(self.memory_limit),
        ]
    }
}

impl Quota {
    fn cells(&self) -> [String; 6] {
        let or_dash = |text: &String| if text.is_empty() { "-".to_owned() } else { text.clone() };
        [
            "QUOTA".to_owned(),
            or_dash(&self.pods),
            or_dash(&self.cpu),
            or_dash(&self.cpu_limit),
            or_dash(&self.memory),
            or_dash(&self.memory_limit),
        ]
    }
}

/// Columns as wide as their widest cell; the first flush left, numbers flush right.
struct Table<const N: usize> {
    rows: Vec<Line<N>>,
}

enum Line<const N: usize> {
    Cells([String; N]),
    Rule,
    Title(&'static str),
}

impl<const N: usize> Table<N> {
    fn new(head: [&str; N]) -> Self {
        Self { rows: vec![Line::Cells(head.map(str::to_owned)), Line::Rule] }
    }

    fn row(&mut self, cells: [String; N]) {
        self.rows.push(Line::Cells(cells));
    }

    fn line(&mut self) {
        self.rows.push(Line::Rule);
    }

    fn title(&mut self, text: &'static str) {
        self.rows.push(Line::Title(text));
    }

    fn text(&self) -> String {
        let mut widths = [0; N];
        for line in &self.rows {
            if let Line::Cells(cells) = line {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(cell.chars().count());
                }
            }
        }
        let whole = widths.iter().sum::<usize>() + 2 * (N - 1);
        let mut out = String::new();
        for line in &self.rows {
            match line {
                Line::Rule => out.push_str(&"─".repeat(whole)),
                Line::Title(text) => {
                    let _ = write!(out, "\n{text}");
                }
                Line::Cells(cells) => {
                    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
                        let _ =
                            if index == 0 { write!(out, "{cell:<width$}") } else { write!(out, "  {cell:>width$}") };
                    }
                }
            }
            out.push('\n');
        }
        out
    }
}
