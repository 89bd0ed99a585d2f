//! Configuration and secrets: everything referred to is there, changes roll pods, and no value of a secret is anywhere.

use crate::seed::{ALL, Seed, changed, list, seed, text};
use mainstay_deploy::render;
use mainstay_kernel::config::Seconds;
use mainstay_manifest::Source;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn everything_that_pods_refer_to_is_there() {
    for name in ALL {
        let seed = seed(name);
        let specs: BTreeSet<_> = seed.secrets.iter().filter(|s| !s.keys.is_empty()).map(|s| s.name.as_str()).collect();
        let there = |kind: &str, wanted: &str| seed.find(kind, wanted).is_some();
        for pods in seed.pods() {
            let who = format!("{name}: {}", pods.who());
            let own = seed.system.project.services.get(pods.name);
            let volumes = list(pods.spec(), "/volumes");
            for volume in volumes {
                if let Some(map) = volume.pointer("/configMap/name").and_then(Value::as_str) {
                    assert!(there("ConfigMap", map), "{who}: ConfigMap {map}");
                }
                if let Some(secret) = volume.pointer("/secret/secretName").and_then(Value::as_str) {
                    assert!(specs.contains(secret) && there("Secret", secret), "{who}: Secret {secret}");
                    assert_eq!(volume["secret"]["defaultMode"], 0o440, "{who}: {secret}");
                }
                if let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) {
                    assert!(there("PersistentVolumeClaim", claim), "{who}: claim {claim}");
                }
            }
            for container in pods.all() {
                for source in list(container, "/envFrom") {
                    match source.pointer("/configMapRef/name").and_then(Value::as_str) {
                        Some(map) => assert!(there("ConfigMap", map), "{who}: ConfigMap {map}"),
                        // only what the user brings reads a Secret as environment
                        None => assert!(own.is_some_and(|own| own.secret_name.is_some()), "{who}: {source}"),
                    }
                }
                for variable in list(container, "/env") {
                    assert!(variable["valueFrom"].is_null(), "{who}: {variable}");
                }
                let claims = list(pods.owner, "/spec/volumeClaimTemplates").iter().map(|c| &c["metadata"]["name"]);
                let names: Vec<_> = volumes.iter().map(|v| &v["name"]).chain(claims).collect();
                for mount in list(container, "/volumeMounts") {
                    assert!(names.contains(&&mount["name"]), "{who}: {mount}");
                }
            }
        }
    }
}

#[test]
fn files_that_programs_are_told_to_read_are_keys_of_the_mounted_secret() {
    for name in ALL {
        let seed = seed(name);
        for pods in seed.pods() {
            for container in pods.containers() {
                for variable in list(container, "/env") {
                    let (key, path) = (text(variable, "/name"), text(variable, "/value"));
                    if !key.ends_with("_FILE") || !path.starts_with("/run/secrets/") {
                        continue;
                    }
                    let (folder, file) = path.rsplit_once('/').unwrap();
                    let mount = list(container, "/volumeMounts").iter().find(|m| m["mountPath"] == folder).unwrap();
                    let volume = list(pods.spec(), "/volumes").iter().find(|v| v["name"] == mount["name"]).unwrap();
                    let secret = seed.secret(text(volume, "/secret/secretName"));
                    assert!(secret.contains_key(file), "{name}: {} reads {path}, which no key makes", pods.who());
                }
            }
        }
    }
}

#[test]
fn names_of_environment_variables_are_names() {
    for name in ALL {
        let seed = seed(name);
        for pods in seed.pods() {
            for container in pods.all() {
                let mut names: Vec<String> =
                    list(container, "/env").iter().map(|v| text(v, "/name").to_owned()).collect();
                for source in list(container, "/envFrom") {
                    if let Some(map) = source.pointer("/configMapRef/name").and_then(Value::as_str) {
                        names.extend(seed.get("ConfigMap", map)["data"].as_object().unwrap().keys().cloned());
                    }
                }
                for variable in names {
                    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                    let first = variable.chars().next().unwrap_or('0');
                    assert!(!first.is_ascii_digit() && variable.chars().all(fits), "{name}: {variable:?}");
                }
            }
        }
    }
}

#[test]
fn secrets_have_no_values() {
    for name in ALL {
        let seed = seed(name);
        assert!(seed.of_kind("Secret").count() >= 4, "{name}");
        for secret in seed.of_kind("Secret") {
            let who = text(secret, "/metadata/name");
            assert!(secret["data"].is_null() && secret["stringData"].is_null(), "{name}: {who}");
            assert_eq!(secret["metadata"]["annotations"]["mainstay.dev/keep"], "true", "{name}: {who}");
            let spec = seed.secrets.iter().find(|spec| spec.name == who).unwrap();
            let told: BTreeSet<_> = text(secret, "/metadata/annotations/mainstay.dev~1keys").split(',').collect();
            for key in &spec.keys {
                let optional = matches!(key.source, Source::Given { required: false, .. });
                assert_eq!(told.contains(key.name.as_str()), !optional, "{name}: {who}/{}", key.name);
            }
        }
    }
}

#[test]
fn generated_values_are_long_and_templates_lead_to_keys() {
    for name in ALL {
        let seed = seed(name);
        let exists = |secret: &str, key: &str| {
            seed.secrets.iter().any(|s| s.name == secret && s.keys.iter().any(|k| k.name == key))
        };
        for spec in &seed.secrets {
            for key in &spec.keys {
                match &key.source {
                    Source::Random(bytes) => assert!(*bytes >= 24, "{name}: {}/{}", spec.name, key.name),
                    Source::Template(template) => {
                        for part in template.split('{').skip(1) {
                            let (secret, wanted) = part.split('}').next().unwrap().split_once('/').unwrap();
                            assert!(exists(secret, wanted), "{name}: {template}");
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn nothing_that_is_rendered_looks_like_a_secret() {
    for name in ALL {
        let seed = seed(name);
        for file in render::tree(&seed.system).unwrap() {
            for line in file.text.lines().filter(|line| !line.trim_start().starts_with('#')) {
                let small = line.to_lowercase();
                let marks = ["sb_secret_", "-----begin", "hunter2", "changeme", "admin/admin"];
                assert!(!marks.iter().any(|mark| small.contains(mark)), "{name}: {}: {line}", file.path);
                // an address with a password in it
                if let Some((_, rest)) = small.split_once("://") {
                    let authority = rest.split(['/', ' ', '"']).next().unwrap_or_default();
                    let login = authority.rsplit_once('@').map(|(login, _)| login);
                    assert!(!login.is_some_and(|l| l.contains(':')), "{name}: {}: {line}", file.path);
                }
                for word in ["password", "secret", "token"] {
                    let Some((key, value)) = small.split_once([':', '=']) else { continue };
                    let value = value.trim().trim_matches(['"', '\'']);
                    let is_key = key.trim_end_matches(['"', ' ']).ends_with(word);
                    let harmless =
                        value.is_empty() || value.starts_with(['/', '$']) || value == "false" || value == "true";
                    assert!(!is_key || harmless, "{name}: {}: {line}", file.path);
                }
            }
        }
    }
}

#[test]
fn accounts_for_samples_stay_on_the_machine() {
    let seed = seed("systems/budget-app");
    let file = text(seed.get("ConfigMap", "project"), "/data/mainstay.toml");
    let table: toml::Table = file.parse().unwrap();
    let whole: toml::Table = seed.system.project.file.parse().unwrap();
    assert!(whole.contains_key("seed"), "the test has nothing to look for");
    let mut expected = whole;
    for section in ["seed", "kubernetes", "workloads", "expose", "monitoring", "database"] {
        assert!(expected.remove(section).is_some(), "{section}: the test has nothing to look for");
    }
    assert_eq!(table, expected, "all but [seed] and what only the deployer reads, and nothing else");
}

/// Hash of what the pods of a workload read.
fn read(seed: &Seed, kind: &str, name: &str) -> Value {
    let value = seed.get(kind, name)["spec"]["template"]["metadata"]["annotations"]["mainstay.dev/config-hash"].clone();
    assert!(value.is_string(), "{kind} {name}");
    value
}

#[test]
fn pods_are_rolled_when_what_they_read_changes() {
    let name = "fixtures/image-portal";
    let before = seed(name);
    let roles = ["gateway", "auth", "data", "images", "portal"];
    let same = |other: &Seed, kind: &str, which: &str| read(&before, kind, which) == read(other, kind, which);
    let file = changed(name, |project| project.file.push_str("\n[log]\nlevel = \"debug\"\n"));
    assert!(roles.iter().all(|role| !same(&file, "Deployment", role)));
    assert!(!same(&file, "Job", "db-init"));
    // what only the deployer reads restarts nobody and runs no Job again
    let deployer =
        changed(name, |project| project.file.push_str("\n[workloads.auth]\nreplicas = 3\n[tls]\nmode = \"off\"\n"));
    assert!(roles.iter().all(|role| same(&deployer, "Deployment", role)) && same(&deployer, "Job", "db-init"));
    assert!(same(&file, "Deployment", "grafana") && same(&file, "Deployment", "prometheus"));
    let env = changed(name, |project| {
        project.workloads.get_mut("images").unwrap().env.insert("LIMIT".into(), "1".into());
    });
    assert!(!same(&env, "Deployment", "images") && same(&env, "Deployment", "auth"));
    let sql = changed(name, |project| project.migrations[0].1.push_str("select 1;\n"));
    assert!(!same(&sql, "Job", "db-init") && same(&sql, "Deployment", "data"));
    let pace = changed(name, |project| project.monitoring.scrape_interval = Seconds::new(30));
    assert!(!same(&pace, "Deployment", "prometheus") && same(&pace, "Deployment", "gateway"));
    let told = changed(name, |project| project.alerts.repeat_interval = "1h".into());
    assert!(!same(&told, "Deployment", "alertmanager") && same(&told, "Deployment", "gateway"));
}

#[test]
fn a_config_map_that_is_shared_rolls_all_who_read_it() {
    let before = seed("fixtures/xray-api");
    let after = changed("fixtures/xray-api", |project| project.database.database = Some("other".into()));
    expect_change(&before, &after, "ConfigMap", "db-config");
    for name in ["auth", "data", "models"] {
        assert_ne!(read(&before, "Deployment", name), read(&after, "Deployment", name), "{name} reads db-config");
    }
    assert_eq!(read(&before, "Deployment", "portal"), read(&after, "Deployment", "portal"));
}

fn expect_change(before: &Seed, after: &Seed, kind: &str, name: &str) {
    assert_ne!(before.get(kind, name)["data"], after.get(kind, name)["data"]);
}

#[test]
fn a_new_version_rolls_pods_by_itself() {
    let after = changed("systems/budget-app", |project| project.version = "9.9.9".into());
    let main = after.container("Deployment", "gateway");
    assert_eq!(main["image"], "budget-app:9.9.9");
    assert_eq!(
        after.get("Deployment", "gateway")["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"],
        json!("9.9.9")
    );
}

#[test]
fn only_the_table_of_samples_is_cut_out() {
    let text = "name = \"x\"\n\n# kept\n[log]\nlevel = \"info\"\n\n# gone\n[seed] # gone\nusers = [\n  { password = \"p\" },\n]\n\
                [seed.more]\na = 1\n[[seeds]]\nb = [\n  [1, 2],\n]\n[workloads.\"a\"]\nc = 2\n[database.storage]\nsize = \"1Gi\"\n\
                [database]\npool_size = 3\n";
    let seed = changed("systems/budget-app", |project| project.file = text.to_owned());
    let file = text_of(&seed);
    assert_eq!(
        file,
        "name = \"x\"\n\n# kept\n[log]\nlevel = \"info\"\n\n[[seeds]]\nb = [\n  [1, 2],\n]\n[database]\npool_size = 3\n"
    );
}

fn text_of(seed: &Seed) -> &str {
    text(seed.get("ConfigMap", "project"), "/data/mainstay.toml")
}
