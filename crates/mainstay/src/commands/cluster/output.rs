//! How plans, events and outcomes are shown.

use crate::terminal;
use mainstay_cluster::{Action, Applied, Change, Event, Observer, Plan, ReleaseStatus};
use mainstay_manifest::Phase;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most changed fields that are listed for one object.
const FIELDS: usize = 12;

/// A plan as text: what changes, field by field.
pub(super) fn plan_text(plan: &Plan) -> String {
    let mut text = String::new();
    let shared = shared_reasons(plan);
    for item in plan.items.iter().filter(|item| !matches!(item.action, Action::Unchanged)) {
        let mark = match item.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Keep => '=',
            Action::Conflict | Action::Refused => '!',
            Action::Unchanged => ' ',
        };
        let mut notes = Vec::new();
        let is_shared = shared.iter().any(|(reason, _)| *reason == item.reason);
        if !item.reason.is_empty() && !is_shared {
            notes.push(item.reason.clone());
        }
        if !item.verified && item.action == Action::Create && !is_shared {
            notes.push("not tried by the server yet".to_owned());
        }
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
        let _ = writeln!(text, "{mark} {}{notes}", item.object);
        if item.action == Action::Update {
            for field in item.fields.iter().take(FIELDS) {
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "(absent)".to_owned());
                let _ = writeln!(text, "    {}: {} → {}", field.field, side(&field.old), side(&field.new));
            }
            if item.fields.len() > FIELDS {
                let _ = writeln!(text, "    … and {} more fields", item.fields.len() - FIELDS);
            }
        }
    }
    for (reason, count) in shared {
        let _ = writeln!(text, "note: {reason} ({count} objects)");
    }
    for note in &plan.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let count = |action| plan.count(action);
    let _ = writeln!(
        text,
        "{} to create, {} to change, {} to remove, {} unchanged",
        count(Action::Create),
        count(Action::Update),
        count(Action::Delete),
        count(Action::Unchanged)
    );
    let stopped = count(Action::Conflict) + count(Action::Refused);
    if stopped > 0 {
        let _ = writeln!(text, "{stopped} cannot be applied as they are; deploying would stop there");
    }
    text
}

/// Reasons of many objects, such as a namespace that is yet to come: said once, below.
fn shared_reasons(plan: &Plan) -> Vec<(&str, usize)> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for item in plan.items.iter().filter(|item| item.action == Action::Create && !item.reason.is_empty()) {
        *counts.entry(item.reason.as_str()).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 3).collect()
}

/// Lines for people, or JSON lines for programs.
pub(super) struct Narrator {
    json: bool,
    /// Whether a phase has begun.
    begun: AtomicBool,
    /// The last thing said about each object that is waited for, so that nothing is said twice.
    said: Mutex<Vec<(String, String)>>,
}

impl Narrator {
    pub(super) fn new(json: bool) -> Self {
        Self { json, begun: AtomicBool::new(false), said: Mutex::new(Vec::new()) }
    }

    /// Whether a phase has begun: from then on the lock is held.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a sentence about an object is new.
    fn is_news(&self, object: &str, sentence: &str) -> bool {
        let Ok(mut said) = self.said.lock() else { return true };
        match said.iter_mut().find(|(known, _)| known == object) {
            Some((_, last)) if last == sentence => false,
            Some((_, last)) => {
                sentence.clone_into(last);
                true
            }
            None => {
                said.push((object.to_owned(), sentence.to_owned()));
                true
            }
        }
    }
}

impl Observer for Narrator {
    fn event(&self, event: &Event) {
        if matches!(event, Event::PhaseBegan { .. }) {
            self.begun.store(true, Ordering::Relaxed);
        }
        if self.json {
            terminal::say(&serde_json::to_string(event).unwrap_or_default());
            return;
        }
        match event {
            Event::PhaseBegan { phase, objects } => {
                let number = Phase::ALL.iter().position(|p| p == phase).unwrap_or(0) + 1;
                let noun = if *objects == 1 { "object" } else { "objects" };
                terminal::progress(&format!("phase {number}/{} {phase}: {objects} {noun}", Phase::ALL.len()));
            }
            Event::PhaseEnded { phase, seconds } => terminal::done(&format!("{phase} ({seconds:.1} s)")),
            Event::Applied(applied) => {
                if applied.change != Change::Unchanged || !applied.note.is_empty() {
                    terminal::progress(&applied_text(applied));
                }
            }
            Event::SecretMade { secret, keys } => {
                terminal::progress(&format!("  Secret {secret}: made {}", keys.join(", ")));
            }
            Event::Waiting { object, state } => {
                if self.is_news(object, state) {
                    terminal::progress(&format!("  waiting for {object}: {state}"));
                }
            }
            Event::Ready { object } => terminal::progress(&format!("  {object} is ready")),
            Event::Trouble(trouble) => {
                let text = trouble.to_string();
                if self.is_news(&trouble.object, &text) {
                    terminal::warn(&text);
                }
            }
            Event::Note { text } => terminal::warn(text),
            Event::Released { release, status: ReleaseStatus::Deployed } => {
                terminal::done(&format!("release {release} is recorded"));
            }
            Event::Released { release, status: ReleaseStatus::Failed } => {
                terminal::warn(&format!("release {release} is recorded as failed"));
            }
        }
    }
}

fn applied_text(applied: &Applied) -> String {
    let note = if applied.note.is_empty() { String::new() } else { format!(" ({})", applied.note) };
    format!("  {} {}{note}", applied.object, applied.change)
}
