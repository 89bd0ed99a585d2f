//! Project folders as the deployer is given them: those of `systems/` and the fixtures, one for each seed.

use mainstay_deploy::{Project, RoleFacts};
use mainstay_kernel::config::Section;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Folders with projects, from the crate's own.
const SHELVES: [&str; 2] = ["../../systems", "tests/fixtures"];

/// Every project folder there is: `systems/budget-app`, `fixtures/xray-api`.
pub(crate) fn all() -> BTreeSet<String> {
    let folders = SHELVES.iter().flat_map(|shelf| std::fs::read_dir(crate_folder().join(shelf)).unwrap());
    let folders = folders.map(|entry| entry.unwrap().path()).filter(|folder| folder.join("mainstay.toml").exists());
    let name = |folder: &Path| {
        let mut parts = folder.components().rev().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let (folder, shelf) = (parts.next().unwrap(), parts.next().unwrap());
        format!("{shelf}/{folder}")
    };
    folders.map(|folder| name(&folder)).collect()
}

/// Reads a project's settings as far as its edges depend on them.
pub(crate) fn read(name: &str) -> Project {
    let (shelf, folder) = name.split_once('/').unwrap();
    let shelf = SHELVES.iter().find(|known| known.ends_with(shelf)).unwrap();
    let file = std::fs::read_to_string(crate_folder().join(shelf).join(folder).join("mainstay.toml")).unwrap();
    let root: Table = file.parse().unwrap();
    let facts = RoleFacts::default();
    let port = |section: &str, default: u16| {
        let port = table(&root, section).and_then(|table| table.get("port")?.as_integer());
        port.map_or(default, |port| u16::try_from(port).unwrap())
    };
    let providers = table(&root, "auth.external").map(|table| table.keys().cloned().collect()).unwrap_or_default();
    Project {
        name: root["name"].as_str().unwrap().to_owned(),
        version: "0.1.0".to_owned(),
        roles: RoleFacts { gateway_port: port("gateway", facts.gateway_port), providers, ..facts },
        kubernetes: section(&root),
        database: section(&root),
        storage: section(&root),
        expose: section(&root),
        tls: section(&root),
        monitoring: section(&root),
        alerts: section(&root),
        logging: section(&root),
        backup: section(&root),
        workloads: entries(&root, "workloads"),
        services: entries(&root, "services"),
        jobs: entries(&root, "jobs"),
        file,
        ..Project::default()
    }
}

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn table<'a>(root: &'a Table, path: &str) -> Option<&'a Table> {
    path.split('.').try_fold(root, |table, key| table.get(key)?.as_table())
}

fn section<S: Section>(root: &Table) -> S {
    let info = S::info();
    let mut section = S::default();
    for (key, value) in table(root, info.name).into_iter().flatten() {
        // a table in this one that is a section of its own is read as such
        if info.keys.iter().any(|known| known.name == key) {
            section.assign(key, value.clone()).unwrap_or_else(|problem| panic!("{}.{key}: {problem}", info.name));
        }
    }
    section
}

fn entries<T: serde::de::DeserializeOwned>(root: &Table, name: &str) -> BTreeMap<String, T> {
    root.get(name).cloned().unwrap_or_else(|| Value::Table(Table::new())).try_into().unwrap()
}
