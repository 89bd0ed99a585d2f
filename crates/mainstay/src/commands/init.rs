//! `mainstay init`: a project that works at once and shows how things are done.

use crate::failure::Outcome;
use crate::project::FILE;
use crate::terminal;
use anyhow::Context as _;
use std::path::Path;

const FILES: &[(&str, &str)] = &[
    (FILE, include_str!("init/mainstay.toml")),
    ("migrations/0001_notes.sql", include_str!("init/0001_notes.sql")),
    ("seed.sql", include_str!("init/seed.sql")),
    ("web/index.html", include_str!("init/index.html")),
    (".gitignore", ".mainstay/\n"),
];

pub(super) fn run(dir: &Path) -> Outcome {
    if dir.join(FILE).exists() {
        return Err(anyhow::anyhow!("{} holds a project already", dir.display()).into());
    }
    if let Some(taken) = FILES.iter().map(|(name, _)| dir.join(name)).find(|path| path.exists()) {
        return Err(anyhow::anyhow!(
            "{} exists already and would be overwritten; choose an empty folder",
            taken.display()
        )
        .into());
    }
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let name = project_name(&std::fs::canonicalize(dir)?);
    for (file, text) in FILES {
        let path = dir.join(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text.replace("{name}", &name)).with_context(|| path.display().to_string())?;
        terminal::done(file);
    }
    terminal::say(&format!("made a project; run it with\n\n    mainstay up {} --seed\n", dir.display()));
    Ok(())
}

/// The folder's name as a project name.
fn project_name(dir: &Path) -> String {
    let folder = dir.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = folder.chars().map(fits).take(63).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}
