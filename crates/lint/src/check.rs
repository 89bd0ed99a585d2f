//! The table of checks, and what a check writes its findings to.

use crate::checks;
use crate::network::Network;
use crate::report::{Finding, Severity};
use crate::world::World;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

/// One check: what it is called and how to get rid of its finding.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Stable code; never reused.
    pub code: &'static str,
    /// Usual severity. A check may report less where the case is milder.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why that is a problem.
    pub why: &'static str,
    /// What to do.
    pub way_out: &'static str,
}

/// Checks of one theme, in one file.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Heading.
    pub name: &'static str,
    /// Its checks, by code.
    pub checks: &'static [Check],
    /// The functions that look.
    pub(crate) run: &'static [fn(&mut Lint<'_>)],
}

/// All checks by theme, in the order of their codes. Documentation is generated from it.
pub static CHECKS: &[Theme] = &[
    checks::document::THEME,
    checks::references::THEME,
    checks::targets::THEME,
    checks::certificates::THEME,
    checks::storage::THEME,
    checks::selectors::THEME,
    checks::ports::THEME,
    checks::policies::THEME,
    checks::edges::THEME,
    checks::disruption::THEME,
    checks::scaling::THEME,
    checks::probes::THEME,
    checks::rollout::THEME,
    checks::resources::THEME,
    checks::quota::THEME,
    checks::security::THEME,
    checks::hardening::THEME,
    checks::secrets::THEME,
    checks::images::THEME,
    checks::exposure::THEME,
    checks::names::THEME,
    checks::contents::THEME,
    checks::jobs::THEME,
    checks::rbac::THEME,
];

static BY_CODE: LazyLock<HashMap<&'static str, &'static Check>> =
    LazyLock::new(|| CHECKS.iter().flat_map(|theme| theme.checks).map(|check| (check.code, check)).collect());

/// The check of a code.
#[must_use]
pub fn find_check(code: &str) -> Option<&'static Check> {
    BY_CODE.get(code).copied()
}

/// Collects findings.
pub(crate) struct Lint<'a> {
    pub(crate) world: &'a World<'a>,
    findings: Vec<(usize, Finding)>,
    network: OnceCell<Rc<Network<'a>>>,
}

impl<'a> Lint<'a> {
    pub(crate) fn new(world: &'a World<'a>) -> Self {
        Self { world, findings: Vec::new(), network: OnceCell::new() }
    }

    /// The evaluator of the network policies, made when somebody asks.
    pub(crate) fn network(&self) -> Rc<Network<'a>> {
        Rc::clone(self.network.get_or_init(|| Rc::new(Network::new(self.world))))
    }

    /// A finding with its usual severity.
    pub(crate) fn report(
        &mut self,
        code: &'static str,
        item: usize,
        path: impl Into<String>,
        message: impl Into<String>,
    ) {
        let severity = find_check(code).map_or(Severity::Error, |check| check.severity);
        self.report_as(severity, code, item, path, message);
    }

    /// A finding with the severity of this case.
    pub(crate) fn report_as(
        &mut self,
        severity: Severity,
        code: &'static str,
        item: usize,
        path: impl Into<String>,
        message: impl Into<String>,
    ) {
        let of = &self.world.items[item];
        let finding = Finding {
            code,
            severity,
            source: of.source.to_owned(),
            line: of.line,
            object: of.title(),
            path: path.into(),
            message: message.into(),
            way_out: find_check(code).map_or("", |check| check.way_out),
        };
        self.findings.push((item, finding));
    }

    pub(crate) fn into_findings(self) -> Vec<(usize, Finding)> {
        self.findings
    }
}
