//! What the Secrets must hold, and the Secret objects without values.

use super::common::annotate;
use crate::settings::{DatabaseKind, SecretsFrom, TlsMode};
use crate::system::{Component, System};
use k8s_openapi::api::core::v1::Secret;
use mainstay_manifest::{Object, Phase, SecretKey, SecretSpec, Source, keys};
use serde_json::json;

/// Login of the data role.
const DATA_LOGIN: &str = "authenticator";
/// Login of the auth role.
const AUTH_LOGIN: &str = "supabase_auth_admin";
/// Login of the PostgreSQL exporter.
const MONITOR_LOGIN: &str = "mainstay_monitor";

fn key(name: &str, source: Source) -> SecretKey {
    SecretKey { name: name.to_owned(), source }
}

fn given(variable: &str, required: bool) -> Source {
    Source::Given { variable: variable.to_owned(), required }
}

/// Every Secret of a system and where its values come from.
#[must_use]
pub fn secrets(system: &System) -> Vec<SecretSpec> {
    let mut all = Vec::new();
    if system.workloads().any(Component::needs_database) {
        all.push(SecretSpec { name: system.project.database.secret_name.clone(), keys: database(system) });
        all.push(SecretSpec { name: system.init_secret(), keys: init(system) });
    }
    for component in system.workloads() {
        let keys = workload(system, component);
        if !keys.is_empty() {
            all.push(SecretSpec { name: system.secret_name(component), keys });
        }
    }
    if system.component("postgres-exporter").is_some() {
        let password = Source::Template(format!("{{{}/MONITOR_PASSWORD}}", system.project.database.secret_name));
        all.push(SecretSpec {
            name: "postgres-exporter-secret".to_owned(),
            // the exporter stops when one of its two files is missing
            keys: vec![
                key("DATA_SOURCE_USER", Source::Plain(MONITOR_LOGIN.to_owned())),
                key("DATA_SOURCE_PASS", password),
            ],
        });
    }
    if system.component("grafana").is_some() {
        let admin = key("GF_SECURITY_ADMIN_PASSWORD", Source::Random(24));
        all.push(SecretSpec { name: "grafana-secret".to_owned(), keys: vec![admin] });
    }
    if system.component("alertmanager").is_some() {
        all.push(SecretSpec { name: "alertmanager-secret".to_owned(), keys: receivers(system) });
    }
    if system.project.tls.mode == TlsMode::Manual {
        let hosts = system.certificate_hosts();
        let keys = vec![key("tls.crt", Source::Certificate(hosts.clone())), key("tls.key", Source::Certificate(hosts))];
        all.push(SecretSpec { name: system.tls_secret(), keys });
    }
    // two workloads may share a Secret by name: its keys are then those of both
    let mut merged: Vec<SecretSpec> = Vec::new();
    for spec in all {
        match merged.iter_mut().find(|other| other.name == spec.name) {
            Some(other) => {
                let new: Vec<_> =
                    spec.keys.into_iter().filter(|k| !other.keys.iter().any(|o| o.name == k.name)).collect();
                other.keys.extend(new);
            }
            None => merged.push(spec),
        }
    }
    merged
}

fn database(system: &System) -> Vec<SecretKey> {
    let settings = &system.project.database;
    let mut keys = Vec::new();
    match settings.kind {
        DatabaseKind::External => keys.push(key("DATABASE_URL", given("DATABASE_URL", true))),
        kind => {
            keys.push(key("POSTGRES_DB", Source::Plain(system.database_name())));
            keys.push(key("POSTGRES_USER", Source::Plain(settings.user.clone())));
            keys.push(key("POSTGRES_PASSWORD", Source::Random(32)));
            if kind == DatabaseKind::CloudNativePg {
                // the operator reads these two names
                keys.push(key("username", Source::Plain(settings.user.clone())));
                keys.push(key("password", Source::Template(format!("{{{}/POSTGRES_PASSWORD}}", settings.secret_name))));
            }
        }
    }
    for name in ["AUTHENTICATOR_PASSWORD", "AUTH_ADMIN_PASSWORD"] {
        keys.push(key(name, Source::Random(32)));
    }
    if system.component("postgres-exporter").is_some() {
        keys.push(key("MONITOR_PASSWORD", Source::Random(32)));
    }
    keys
}

/// The Job that prepares the database logs in as its owner and sets the passwords of the roles' logins.
fn init(system: &System) -> Vec<SecretKey> {
    let settings = &system.project.database;
    let owner = match settings.kind {
        DatabaseKind::External => Source::Template(format!("{{{}/DATABASE_URL}}", settings.secret_name)),
        _ => url(system, &settings.user, "POSTGRES_PASSWORD"),
    };
    let mut keys = vec![
        key("DATABASE_URL", owner),
        key("MAINSTAY_DATABASE_DATA_URL", url(system, DATA_LOGIN, "AUTHENTICATOR_PASSWORD")),
        key("MAINSTAY_DATABASE_AUTH_URL", url(system, AUTH_LOGIN, "AUTH_ADMIN_PASSWORD")),
    ];
    if system.component("postgres-exporter").is_some() {
        keys.push(key("MAINSTAY_DATABASE_MONITOR_URL", url(system, MONITOR_LOGIN, "MONITOR_PASSWORD")));
    }
    keys
}

/// A connection URL with the password of another key. Random passwords need no escaping.
fn url(system: &System, user: &str, password: &str) -> Source {
    let secret = &system.project.database.secret_name;
    let mode = system.project.database.ssl_mode.as_ref().map(|mode| format!("?sslmode={mode}")).unwrap_or_default();
    Source::Template(format!(
        "postgresql://{user}:{{{secret}/{password}}}@{}:{}/{}{mode}",
        system.database_host(),
        system.database_port(),
        system.database_name()
    ))
}

/// What the roles of a workload must know.
fn workload(system: &System, component: &Component) -> Vec<SecretKey> {
    let has = |name: &str| component.roles().iter().any(|role| role.name == name);
    let jwt = &system.project.kubernetes.jwt_variable;
    let mut keys = Vec::new();
    if component.needs_database() {
        // `data` and every other role under row-level security share a login; `auth` has one of its own
        if component.roles().iter().any(|role| role.database && role.name != "auth") {
            keys.push(key("DATABASE_URL", url(system, DATA_LOGIN, "AUTHENTICATOR_PASSWORD")));
        }
        if has("auth") {
            keys.push(key("MAINSTAY_DATABASE_AUTH_URL", url(system, AUTH_LOGIN, "AUTH_ADMIN_PASSWORD")));
        }
    }
    keys.extend(login(system, component));
    if has("gateway") || component.needs_database() {
        keys.push(key(jwt, shared(system, component, jwt, Source::Random(48))));
    }
    if has("gateway") || has("portal") {
        let name = "MAINSTAY_IDENTITY_PUBLISHABLE_KEY";
        keys.push(key(name, shared(system, component, name, Source::PublishableKey)));
    }
    if has("gateway") {
        keys.push(key("MAINSTAY_IDENTITY_SECRET_KEY", Source::SecretApiKey));
    }
    if has("auth") {
        for id in &system.project.roles.providers {
            let variable = format!("MAINSTAY_AUTH_EXTERNAL_{}_SECRET", id.to_uppercase().replace('-', "_"));
            keys.push(key(&variable, given(&variable, false)));
        }
    }
    for variable in system.settings_of(component).given {
        if !keys.iter().any(|k| k.name == variable) {
            keys.push(key(&variable, given(&variable, false)));
        }
    }
    keys
}

/// Name and password of the workload's login apart, for programs that do not read a URL.
fn login(system: &System, component: &Component) -> Vec<SecretKey> {
    if !component.needs_database() {
        return Vec::new();
    }
    let settings = system.settings_of(component);
    let others = component.roles().iter().any(|role| role.database && role.name != "auth");
    let (user, password) =
        if others { (DATA_LOGIN, "AUTHENTICATOR_PASSWORD") } else { (AUTH_LOGIN, "AUTH_ADMIN_PASSWORD") };
    let secret = &system.project.database.secret_name;
    let user = settings.user_key.map(|name| key(&name, Source::Plain(user.to_owned())));
    let password = settings.password_key.map(|name| key(&name, Source::Template(format!("{{{secret}/{password}}}"))));
    user.into_iter().chain(password).collect()
}

/// A value that several workloads know is made in the gateway's Secret and copied to the others.
fn shared(system: &System, component: &Component, name: &str, made: Source) -> Source {
    match system.home_of("gateway") {
        Some(gateway) if system.secret_name(gateway) != system.secret_name(component) => {
            Source::Template(format!("{{{}/{name}}}", system.secret_name(gateway)))
        }
        _ => made,
    }
}

fn receivers(system: &System) -> Vec<SecretKey> {
    let names = system.project.alerts.secrets();
    names.into_iter().map(|name| key(name, given(&format!("MAINSTAY_{name}"), true))).collect()
}

/// The Secret objects, without values: with `generate` `mainstay deploy` fills them, with `external` an operator does.
pub(super) fn objects(system: &System) -> Vec<Object> {
    let from = system.project.kubernetes.secrets;
    if from == SecretsFrom::Existing {
        return Vec::new();
    }
    secrets(system)
        .iter()
        .filter(|spec| !spec.keys.is_empty())
        .map(|spec| {
            let is_tls = spec.keys.iter().any(|k| k.name == "tls.crt");
            if from == SecretsFrom::External && !is_tls { external(system, spec) } else { empty(system, spec, is_tls) }
        })
        .collect()
}

fn path(system: &System, name: &str) -> String {
    for component in system.workloads() {
        if system.secret_name(component) == name {
            return format!("{}/secret.yaml", system.folder(component));
        }
    }
    match name {
        _ if name == system.project.database.secret_name => "db/secret.yaml".to_owned(),
        _ if name == system.init_secret() => "db/init/secret.yaml".to_owned(),
        _ if name == system.tls_secret() => "tls/secret.yaml".to_owned(),
        _ => format!("monitoring/{}/secret.yaml", name.trim_end_matches("-secret")),
    }
}

fn empty(system: &System, spec: &SecretSpec, is_tls: bool) -> Object {
    let mut meta = system.meta(&spec.name, &system.project.name, "configuration");
    annotate(&mut meta, keys::KEEP, "true");
    let (required, optional): (Vec<_>, Vec<_>) =
        spec.keys.iter().partition(|k| !matches!(k.source, Source::Given { required: false, .. }));
    let names = |list: &[&SecretKey]| list.iter().map(|k| k.name.as_str()).collect::<Vec<_>>().join(",");
    annotate(&mut meta, keys::SECRET_KEYS, &names(&required));
    let kind = if is_tls { "kubernetes.io/tls" } else { "Opaque" };
    let mut why = format!(
        "No values here: `mainstay deploy` generates what is missing, once, and never changes or prints it.\n\
         With another tool, fill the keys first (`mainstay render --secrets` writes a file of new values): {}.",
        names(&required).replace(',', ", ")
    );
    if is_tls {
        why.push_str(
            "\nThe API server wants both keys of this type from the start: without `mainstay deploy`, make it with\n\
             `kubectl create secret tls` instead of applying this file.",
        );
    }
    if !optional.is_empty() {
        why.push_str(&format!(
            "\nOptional, taken from the environment of `mainstay deploy`: {}.",
            names(&optional).replace(',', ", ")
        ));
    }
    let typed = Secret { metadata: meta, type_: Some(kind.to_owned()), ..Secret::default() };
    Object::new(Phase::Configuration, path(system, &spec.name), why, &typed)
}

/// An `ExternalSecret`: the External Secrets Operator makes the Secret from a store.
fn external(system: &System, spec: &SecretSpec) -> Object {
    let store = &system.project.kubernetes.secret_store;
    let (kind, name) = store.split_once('/').unwrap_or(("SecretStore", store));
    let address = format!("{}/{}", system.namespace, spec.name);
    let is_optional = |k: &&SecretKey| matches!(k.source, Source::Given { required: false, .. });
    let data: Vec<_> = spec
        .keys
        .iter()
        .filter(|k| !is_optional(k))
        .map(|k| json!({ "secretKey": k.name, "remoteRef": { "key": address, "property": k.name } }))
        .collect();
    let mut value = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": system.meta(&spec.name, &system.project.name, "configuration"),
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": { "kind": kind, "name": name },
            "target": { "name": spec.name, "creationPolicy": "Owner", "deletionPolicy": "Retain" },
        },
    });
    if !data.is_empty() {
        value["spec"]["data"] = json!(data);
    }
    if spec.keys.iter().any(|k| is_optional(&k)) {
        // a property that is asked for by name and missing keeps the whole Secret from being made: what is optional comes
        // with everything that the store has under this key
        value["spec"]["dataFrom"] = json!([{ "extract": { "key": address } }]);
    }
    Object::new(
        Phase::Configuration,
        path(system, &spec.name),
        "The External Secrets Operator makes this Secret from the store; docs/kubernetes/secrets.md says which values it needs.",
        &value,
    )
}

impl System {
    /// Secret of the Job that prepares the database.
    #[must_use]
    pub fn init_secret(&self) -> String {
        format!("{}-secret", self.project.database.init_name)
    }

    /// Secret with the certificate.
    #[must_use]
    pub fn tls_secret(&self) -> String {
        self.project.tls.secret_name.clone().unwrap_or_else(|| format!("{}-tls", self.project.name))
    }

    /// Names that the certificate is for.
    #[must_use]
    pub fn certificate_hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.project.expose.host.iter().cloned().collect();
        if hosts.is_empty() {
            hosts.push("localhost".to_owned());
        }
        for component in self.workloads().filter(|c| c.roles().iter().any(|role| role.name == "gateway")) {
            hosts.extend(
                self.services_of(component).into_iter().map(|(name, _)| format!("{name}.{}.svc", self.namespace)),
            );
        }
        hosts
    }
}
