//! Recording and alert rules, with the names that kubernetes-mixin and postgres_exporter's mixin use where they have
//! one.

mod kubernetes;
mod mixin;
mod postgres;
mod roles;

use crate::facts::Facts;
use crate::query::in_namespace;
use serde_json::{Map, Value, json};

/// Share of requests that must not fail through our fault: what the burn rates of `HighErrorRate` are measured against.
pub const OBJECTIVE: f64 = 0.999;

/// All rules of a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Groups in order. A group's rules are evaluated one after another.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A result that is kept under a name.
    Record(Record),
    /// A condition that somebody hears of.
    Alert(Alert),
}

/// A recording rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// `level:metric:operations`.
    pub name: String,
    /// PromQL.
    pub expr: String,
}

/// An alert rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Name.
    pub name: String,
    /// PromQL: true for what is wrong.
    pub expr: String,
    /// How long it must be wrong.
    pub wait: String,
    /// How bad it is.
    pub severity: Severity,
    /// Labels beside `severity` and `namespace`.
    pub labels: Vec<(String, String)>,
    /// One sentence.
    pub summary: String,
    /// What is wrong where, and where to look; a template.
    pub description: String,
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Always firing by design; routed away.
    None,
    /// Worth knowing beside another alert.
    Info,
    /// Somebody should look soon.
    Warning,
    /// Somebody must look now.
    Critical,
}

/// The rules of a system. A rule that could never have data there is not among them.
#[must_use]
pub fn rules(facts: &Facts) -> Rules {
    let mut groups = roles::groups(facts);
    if !facts.kubernetes_mixin {
        groups.extend(mixin::recordings(facts));
        groups.extend(kubernetes::groups(facts));
        groups.push(meta(facts));
    }
    groups.push(kubernetes::jobs(facts));
    groups.extend(postgres::group(facts));
    groups.retain(|group| !group.rules.is_empty());
    for rule in groups.iter_mut().flat_map(|group| &mut group.rules) {
        match rule {
            Rule::Record(record) => record.expr = in_namespace(&record.expr, &facts.namespace),
            Rule::Alert(alert) => {
                alert.expr = in_namespace(&alert.expr, &facts.namespace);
                // a label of the rule, so that alerts about what is absent have it too and can be routed by it
                alert.labels.insert(0, ("namespace".to_owned(), facts.namespace.clone()));
            }
        }
    }
    Rules { groups }
}

/// Alerts about alerting. The inhibitor is there where alerts of severity info are: with kube-state-metrics or nodes.
fn meta(facts: &Facts) -> Group {
    let watchdog = alert("Watchdog", Severity::None, "0s", "vector(1)").says(
        "Alerting works.",
        "This alert always fires. When it stops arriving at a receiver that waits for it, Prometheus or Alertmanager does \
         not work.",
    );
    let inhibitor = alert(
        "InfoInhibitor",
        Severity::None,
        "0s",
        r#"ALERTS{@ns, severity="info"} == 1 unless on (namespace)
           ALERTS{@ns, alertname!="InfoInhibitor", severity=~"warning|critical", alertstate="firing"} == 1"#,
    )
    .says(
        "Alerts of severity info are held back.",
        "Fires while nothing worse does. Alertmanager then sends no alert of severity info; route this one nowhere.",
    );
    let informs = facts.kube_state_metrics || facts.cadvisor;
    group(
        "mainstay.meta",
        [Some(watchdog), informs.then_some(inhibitor)].into_iter().flatten().map(Rule::from).collect(),
    )
}

pub(crate) fn group(name: &str, rules: Vec<Rule>) -> Group {
    Group { name: name.to_owned(), rules }
}

pub(crate) fn record(name: &str, expr: &str) -> Rule {
    Rule::Record(Record { name: name.to_owned(), expr: expr.to_owned() })
}

pub(crate) fn alert(name: &str, severity: Severity, wait: &str, expr: &str) -> Alert {
    Alert {
        name: name.to_owned(),
        expr: expr.to_owned(),
        wait: wait.to_owned(),
        severity,
        labels: Vec::new(),
        summary: String::new(),
        description: String::new(),
    }
}

// === impl Rules ===

impl Rules {
    /// The content of a Prometheus rule file, and the `spec` of a `PrometheusRule`: they are the same.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "groups": self.groups.iter().map(Group::to_value).collect::<Vec<_>>() })
    }

    /// All alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
            Rule::Alert(alert) => Some(alert),
            Rule::Record(_) => None,
        })
    }

    /// All recordings.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.groups.iter().flat_map(|group| &group.rules).filter_map(|rule| match rule {
            Rule::Record(record) => Some(record),
            Rule::Alert(_) => None,
        })
    }

    /// A page in Markdown about every alert, in order of name: the place that `runbook_url` points to.
    #[must_use]
    pub fn page(&self) -> String {
        let mut alerts: Vec<&Alert> = self.alerts().collect();
        alerts.sort_by(|a, b| (&a.name, b.severity).cmp(&(&b.name, a.severity)));
        let mut page = String::from("# Alerts\n\nMade from the rules by `mainstay`; not edited by hand.\n");
        let mut last = "";
        for alert in alerts {
            if alert.name != last {
                page.push_str(&format!("\n## {}\n\n{}\n", alert.name, alert.summary));
            }
            last = &alert.name;
            let (severity, wait) = (alert.severity.text(), &alert.wait);
            page.push_str(&format!(
                "\nSeverity {severity}, after {wait}. {}\n\n```promql\n{}\n```\n",
                alert.description, alert.expr
            ));
        }
        page
    }
}

// === impl Group ===

impl Group {
    fn to_value(&self) -> Value {
        json!({ "name": self.name, "rules": self.rules.iter().map(Rule::to_value).collect::<Vec<_>>() })
    }
}

// === impl Rule ===

impl Rule {
    fn to_value(&self) -> Value {
        match self {
            Self::Record(record) => json!({ "record": record.name, "expr": record.expr }),
            Self::Alert(alert) => alert.to_value(),
        }
    }
}

impl From<Alert> for Rule {
    fn from(alert: Alert) -> Self {
        Self::Alert(alert)
    }
}

// === impl Alert ===

impl Alert {
    pub(crate) fn says(mut self, summary: &str, description: &str) -> Self {
        summary.clone_into(&mut self.summary);
        description.clone_into(&mut self.description);
        self
    }

    pub(crate) fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    fn to_value(&self) -> Value {
        let mut labels: Map<String, Value> =
            self.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        labels.insert("severity".to_owned(), json!(self.severity.text()));
        let mut rule = json!({
            "alert": self.name,
            "expr": self.expr,
            "labels": labels,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": format!("docs/kubernetes/alerts.md#{}", self.name.to_lowercase()),
            },
        });
        if self.wait != "0s" {
            rule["for"] = json!(self.wait);
        }
        rule
    }
}

// === impl Severity ===

impl Severity {
    /// Value of the label `severity`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
