//! Service accounts and ConfigMaps.

use super::common::Map;
use super::pod::OWN_UID;
use crate::system::{Component, System};
use crate::tables::ROLES;
use k8s_openapi::api::core::v1::{ConfigMap, LocalObjectReference, ServiceAccount};
use mainstay_manifest::{Object, Phase};

/// ConfigMap with the project file.
pub(super) const PROJECT_FILE: &str = "project";
/// Most bytes of a ConfigMap that we fill; the API server's own limit is 1 MiB for the whole object.
pub(super) const CONFIG_LIMIT: usize = 900 * 1024;

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    for component in &system.components {
        if component.controller != crate::system::Controller::Operator {
            all.push(account(system, component));
        }
    }
    for component in system.workloads() {
        all.push(config(system, component));
    }
    all.push(project_file(system));
    if let Some(name) = &system.project.database.config_name {
        let typed = ConfigMap {
            metadata: system.meta(name, "postgres", "database"),
            data: Some(database_variables(system)),
            ..ConfigMap::default()
        };
        all.push(Object::new(
            Phase::Configuration,
            "db/configmap.yaml",
            "Where the database is. Nothing here is secret.",
            &typed,
        ));
    }
    all
}

/// One account for each component, without a token unless it talks to the API server.
fn account(system: &System, component: &Component) -> Object {
    let secrets: Vec<_> = system
        .project
        .kubernetes
        .image_pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() })
        .collect();
    let typed = ServiceAccount {
        metadata: system.meta_of(&component.name, component),
        automount_service_account_token: Some(false),
        image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
        secrets: None,
    };
    Object::new(
        Phase::Configuration,
        format!("{}/serviceaccount.yaml", system.folder(component)),
        format!("An identity of its own for {}. Its pods get no token of the API server from it.", component.name),
        &typed,
    )
}

/// The environment of a workload's roles.
fn config(system: &System, component: &Component) -> Object {
    let name = system.config_name(component);
    let typed = ConfigMap {
        metadata: system.meta_of(&name, component),
        data: Some(system.variables(component)),
        ..ConfigMap::default()
    };
    Object::new(
        Phase::Configuration,
        format!("{}/configmap.yaml", system.folder(component)),
        format!(
            "Environment of {}. Everything that is not secret; `mainstay config reference` explains the names.",
            component.name
        ),
        &typed,
    )
}

fn project_file(system: &System) -> Object {
    let typed = ConfigMap {
        metadata: system.meta(PROJECT_FILE, &system.project.name, "configuration"),
        data: Some(Map::from([("mainstay.toml".to_owned(), for_pods(&system.project.file))])),
        ..ConfigMap::default()
    };
    Object::new(
        Phase::Configuration,
        "project.yaml",
        format!(
            "The project file, mounted into every role's pod (user id {OWN_UID}) over the one in the image, so that a setting\nneeds no new image."
        ),
        &typed,
    )
}

/// Sections that only the deployer reads. The pods do without them, so that a changed replica count restarts nobody.
const DEPLOYER_ONLY: &[&str] = &[
    "kubernetes",
    "workloads",
    "expose",
    "tls",
    "database.storage",
    "monitoring",
    "alerts",
    "logging",
    "backup",
    "services",
    "jobs",
];

/// The project file as the pods read it: without what only the deployer reads, and without `[seed]`, whose accounts are for
/// `up --seed` and whose passwords belong in no ConfigMap.
pub(super) fn for_pods(file: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in file.split_inclusive('\n') {
        if let Some(table) = header(line) {
            let is_of = |section: &str| {
                table == section || table.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
            };
            skipping = is_of("seed") || DEPLOYER_ONLY.iter().any(|section| is_of(section));
            // what is said above it is about it
            while skipping && kept.last().is_some_and(|above| above.trim_start().starts_with('#')) {
                kept.pop();
            }
        }
        if !skipping {
            kept.push(line);
        }
    }
    kept.concat()
}

/// The name of the table that a line begins.
fn header(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let name = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name).trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '"' | '\'' | ' ');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// Host, port and name of the database, under the names that the seeds' applications use.
pub(super) fn database_variables(system: &System) -> Map {
    Map::from([
        ("DB_HOST".to_owned(), system.database_host()),
        ("DB_PORT".to_owned(), system.database_port().to_string()),
        ("DB_NAME".to_owned(), system.database_name()),
    ])
}

impl System {
    /// Folder of a component's files in a rendered tree.
    #[must_use]
    pub fn folder(&self, component: &Component) -> String {
        use crate::system::Kind;
        match component.kind {
            Kind::Database => "db".to_owned(),
            Kind::Init => "db/init".to_owned(),
            Kind::Backup => format!("backup/{}", component.name),
            Kind::Monitoring => format!("monitoring/{}", component.name),
            Kind::Logging => format!("logging/{}", component.name),
            Kind::Service => format!("services/{}", component.name),
            Kind::Job => format!("jobs/{}", component.name),
            Kind::Roles(_) => component.name.clone(),
        }
    }

    /// Name of a workload's ConfigMap.
    #[must_use]
    pub fn config_name(&self, component: &Component) -> String {
        self.settings_of(component).config_name.unwrap_or_else(|| format!("{}-config", component.name))
    }

    /// Name of a workload's Secret.
    #[must_use]
    pub fn secret_name(&self, component: &Component) -> String {
        self.settings_of(component).secret_name.unwrap_or_else(|| format!("{}-secret", component.name))
    }

    /// The Services of a workload: (name, port). The gateway's Service is the entry; a workload of several roles has one
    /// Service for each role, so that the gateway's addresses stay the same when roles move into Deployments of their own.
    #[must_use]
    pub fn services_of(&self, component: &Component) -> Vec<(String, u16)> {
        let settings = self.settings_of(component);
        let is_gateway = component.roles().iter().any(|role| role.name == "gateway");
        let port =
            settings.service_port.unwrap_or(if is_gateway { self.project.expose.port } else { component.port("http") });
        match settings.service_name {
            Some(name) => vec![(name, port)],
            None if is_gateway || component.roles().len() == 1 => vec![(component.name.clone(), port)],
            None => component.roles().iter().map(|role| (role.name.to_owned(), port)).collect(),
        }
    }

    /// Where a role answers inside the namespace.
    #[must_use]
    pub fn url_of(&self, role: &str) -> Option<String> {
        let home = self.home_of(role)?;
        let services = self.services_of(home);
        let (name, port) = services.iter().find(|(name, _)| name == role).or_else(|| services.first())?;
        Some(format!("http://{name}:{port}"))
    }

    /// The environment of a workload, without secrets.
    #[must_use]
    pub fn variables(&self, component: &Component) -> Map {
        let roles = &self.project.roles;
        let mut variables = Map::from([
            ("HOST".to_owned(), "0.0.0.0".to_owned()),
            ("PORT".to_owned(), component.port("http").to_string()),
            ("LOG_LEVEL".to_owned(), roles.log_level.clone()),
            ("MAINSTAY_LOG_FORMAT".to_owned(), "json".to_owned()),
            ("MAINSTAY_ADMIN_HOST".to_owned(), "0.0.0.0".to_owned()),
            ("MAINSTAY_ADMIN_PORT".to_owned(), component.port("metrics").to_string()),
        ]);
        let has = |name: &str| component.roles().iter().any(|role| role.name == name);
        if let Some(url) = roles.public_url.clone().or_else(|| self.public_url()).or_else(|| roles.site_url.clone()) {
            // a hand-made address stands in the project file already
            if roles.public_url.is_none() {
                variables.insert("MAINSTAY_GATEWAY_PUBLIC_URL".to_owned(), url);
            }
        }
        if has("gateway") {
            for role in ROLES.iter().filter(|role| !role.url_variable.is_empty() && !has(role.name)) {
                if let Some(url) = self.url_of(role.name) {
                    variables.insert(role.url_variable.to_owned(), format!("{url}{}", role.prefix));
                }
            }
            let services: Vec<_> = self
                .components
                .iter()
                .filter(|c| c.kind == crate::system::Kind::Service)
                .map(|c| format!("{} = \"http://{0}:{}\"", c.name, c.port("http")))
                .collect();
            if !services.is_empty() {
                variables.insert("MAINSTAY_GATEWAY_SERVICES".to_owned(), format!("{{ {} }}", services.join(", ")));
            }
            if self.tls_at_gateway() {
                variables.insert("MAINSTAY_GATEWAY_TLS_CERTIFICATE".to_owned(), "/run/secrets/tls/tls.crt".to_owned());
                variables.insert("MAINSTAY_GATEWAY_TLS_KEY".to_owned(), "/run/secrets/tls/tls.key".to_owned());
            }
        }
        if component.needs_database() && self.project.database.config_name.is_none() {
            variables.extend(database_variables(self));
        }
        variables.extend(self.settings_of(component).env);
        variables
    }

    /// The address that people use, when `[expose]` tells.
    #[must_use]
    pub fn public_url(&self) -> Option<String> {
        use crate::settings::TlsMode;
        let expose = &self.project.expose;
        let host = expose.host.as_ref()?;
        let scheme = if self.project.tls.mode == TlsMode::Off { "http" } else { "https" };
        Some(format!("{scheme}://{host}"))
    }
}
