//! `mainstay config check|show|reference|errors`.

use crate::cli::{self, ConfigAction};
use crate::config::{Config, document};
use crate::failure::Outcome;
use crate::project::Project;
use crate::{reference, terminal};
use mainstay_kernel::config::{Document, Key, SectionInfo};

pub(super) fn run(action: ConfigAction) -> Outcome {
    match action {
        ConfigAction::Check { project } => check(&project),
        ConfigAction::Show { project } => show(&project),
        ConfigAction::Reference => {
            terminal::say(reference::configuration().trim_end());
            Ok(())
        }
        ConfigAction::Alerts => {
            terminal::say(reference::alerts().trim_end());
            Ok(())
        }
        ConfigAction::Errors => {
            terminal::say(reference::errors().trim_end());
            Ok(())
        }
    }
}

fn check(arguments: &cli::Project) -> Outcome {
    let project = Project::open(arguments)?;
    Config::load(&project, Vec::new())?;
    terminal::done("the configuration is fine");
    Ok(())
}

fn show(arguments: &cli::Project) -> Outcome {
    let project = Project::open(arguments)?;
    let document = document(&project, Vec::new())?;
    Config::typed(&document)?;
    for section in document.sections() {
        if !section.name.is_empty() {
            terminal::say(&format!("\n[{}]", section.name));
        }
        for key in &section.keys {
            terminal::say(&line(&document, section, key));
        }
    }
    Ok(())
}

/// `key = value  # where from`, secrets masked.
fn line(document: &Document, section: &SectionInfo, key: &Key) -> String {
    let Some(entry) = document.entry(section.name, key.name) else {
        let default = if key.default.is_empty() { "(unset)" } else { &key.default };
        return format!("{} = {default}  # default", key.name);
    };
    let value = if key.secret { "********".to_owned() } else { masked(&entry.value).to_string() };
    format!("{} = {value}  # {}", key.name, entry.origin)
}

/// Hides secrets inside tables of named entries, and passwords of sample accounts.
fn masked(value: &toml::Value) -> toml::Value {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .map(|(name, value)| {
                let hidden = (name.contains("secret") || name.contains("password")) && !name.ends_with("_name");
                (name.clone(), if hidden { toml::Value::String("********".into()) } else { masked(value) })
            })
            .collect::<toml::Table>()
            .into(),
        toml::Value::Array(items) => toml::Value::Array(items.iter().map(masked).collect()),
        other => other.clone(),
    }
}
