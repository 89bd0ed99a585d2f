//! Secrets where they do not belong, and Secrets that cannot be right.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error};
use base64::Engine as _;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Secrets",
    checks: &[
        check(
            "ML631",
            Error,
            "secret in plain sight",
            "Who may read the object, its history or the repository has the secret.",
            "Put it into a Secret and mount that; change the value, because it has been seen.",
        ),
        check(
            "ML632",
            Advice,
            "Secret with its values in the files",
            "base64 is no encryption: the repository holds the secret.",
            "Make the Secret outside of the files, or use SealedSecret, ExternalSecret or SOPS.",
        ),
        check(
            "ML633",
            Error,
            "Secret value that is not base64",
            "The API server refuses the Secret.",
            "Encode the value, or put it under stringData.",
        ),
        check(
            "ML634",
            Error,
            "Secret without the keys of its type",
            "The API server refuses it, or its users fail.",
            "Add the keys that the type demands.",
        ),
    ],
    run: &[plain, committed, encoding, types],
};

/// Words that make a key's value a secret.
const WORDS: &[&str] =
    &["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "PRIVATEKEY", "ACCESSKEY", "CREDENTIALS"];

/// Endings that make it something about a secret.
const ABOUT: &[&str] = &[
    "FILE",
    "PATH",
    "DIR",
    "NAME",
    "URL",
    "URI",
    "ENDPOINT",
    "TTL",
    "SECONDS",
    "MINUTES",
    "HOURS",
    "DAYS",
    "LENGTH",
    "SIZE",
    "MIN",
    "MAX",
    "LIMIT",
    "ENABLED",
    "POLICY",
    "TYPE",
    "ALGORITHM",
    "HEADER",
    "ISSUER",
    "AUDIENCE",
    "REF",
    "ID",
    "KEYS",
    "EXPIRY",
    "LIFETIME",
    "DURATION",
    "METHOD",
    "ROTATION",
    "ENCRYPTION",
    "HASH",
    "COST",
    "VERSION",
    "PREFIX",
    "FORMAT",
    "REQUIRED",
    "COUNT",
    "INTERVAL",
];

/// Whether a key announces a secret: `DB_PASSWORD` does, `PASSWORD_FILE` and `TOKEN_TTL` do not.
fn announces(key: &str) -> bool {
    let key = key.trim_start_matches('-').replace(['-', '.'], "_").to_ascii_uppercase();
    let last = key.rsplit('_').next().unwrap_or_default();
    let joined = key.replace('_', "");
    !ABOUT.contains(&last) && WORDS.iter().any(|word| joined.ends_with(word))
}

/// Whether a value may be a secret itself: not a reference, a switch, a number, a path or a blank.
fn is_literal(value: &str) -> bool {
    let value = value.trim();
    let switch = matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "true" | "false" | "yes" | "no" | "none" | "null" | "on" | "off"
    );
    let reference = value.starts_with("$(")
        || value.starts_with("${")
        || value.starts_with("{{")
        || value.contains("<")
        || value.starts_with("@");
    let path = value.starts_with('/') || value.starts_with("./") || value.starts_with("file:");
    // a word in capitals names a variable
    let variable = value.len() > 3
        && value.contains('_')
        && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    !switch && !reference && !path && !variable
}

/// Whether a text has a URL with a password in it.
fn has_credentials(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "\"'`,;".contains(c)).any(|token| {
        let Some((_, rest)) = token.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else { return false };
        let password = user.split_once(':').map_or("", |(_, password)| password);
        is_literal(password) && !password.chars().all(|c| c == '*' || c == 'x' || c == '.')
    })
}

fn has_private_key(text: &str) -> bool {
    text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----")
}

fn says(key: &str, value: &str) -> Option<String> {
    if announces(key) && is_literal(value) && !value.contains('\n') {
        Some(format!("{key} holds its value in plain sight."))
    } else if has_credentials(value) {
        Some(format!("{key} holds a URL with a password."))
    } else if has_private_key(value) {
        Some(format!("{key} holds a private key."))
    } else {
        None
    }
}

fn plain(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("ConfigMap") {
        for (key, value) in lookup::entries(world.items[*index].value, "data") {
            if let Some(message) = value.as_str().and_then(|value| says(key, value)) {
                lint.report("ML631", *index, format!("data[{key}]"), message);
            }
        }
    }
    for workload in &world.workloads {
        for container in &workload.containers {
            for (e, entry) in lookup::list(container.value, "env").iter().enumerate() {
                let value = lookup::word(entry, "value");
                if let Some(message) = says(lookup::word(entry, "name"), value) {
                    lint.report("ML631", workload.item, format!("{}.env[{e}].value", container.path), message);
                }
            }
            for field in ["command", "args"] {
                let words = lookup::words(container.value, field);
                for (w, word) in words.iter().enumerate() {
                    let (key, value) =
                        word.split_once('=').unwrap_or((word, words.get(w + 1).copied().unwrap_or_default()));
                    let flag = key.starts_with("--") && !value.starts_with('-');
                    let found = if flag { says(key, value) } else { None };
                    let found = found
                        .or_else(|| has_credentials(word).then(|| format!("{field} holds a URL with a password.")));
                    if let Some(message) = found {
                        lint.report("ML631", workload.item, format!("{}.{field}[{w}]", container.path), message);
                    }
                }
            }
        }
    }
}

/// Values that stand where the real one will be.
fn is_placeholder(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    let words = ["change", "replace", "example", "placeholder", "todo", "your", "dummy", "redacted", "xxx", "<", "***"];
    lower.len() < 4 || words.iter().any(|word| lower.contains(word))
}

fn committed(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Secret") {
        let item = &world.items[*index];
        let public = |key: &str| key.ends_with(".crt") || key == "username" || key == "ca.pem";
        let decoded = lookup::entries(item.value, "data").filter(|(key, _)| !public(key)).filter_map(|(key, value)| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str()?.trim()).ok()?;
            Some((key, String::from_utf8_lossy(&bytes).into_owned()))
        });
        let written = lookup::entries(item.value, "stringData")
            .filter(|(key, _)| !public(key))
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
        let real: Vec<&str> =
            decoded.chain(written).filter(|(_, value)| !is_placeholder(value)).map(|(key, _)| key).collect();
        if !real.is_empty() {
            lint.report("ML632", *index, "data", format!("The files hold the values of {}.", real.join(", ")));
        }
    }
}

fn encoding(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Secret") {
        for (key, value) in lookup::entries(world.items[*index].value, "data") {
            // line breaks come from folded texts, and the API server skips them
            let text: String =
                value.as_str().unwrap_or_default().chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            if value.is_string() && base64::engine::general_purpose::STANDARD.decode(&text).is_err() {
                lint.report("ML633", *index, format!("data[{key}]"), format!("The value of {key} is not base64."));
            }
        }
    }
}

fn types(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("Secret") {
        let item = &world.items[*index];
        let needed: &[&str] = match lookup::word(item.value, "type") {
            "kubernetes.io/tls" => &["tls.crt", "tls.key"],
            "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
            "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
            _ => continue,
        };
        let announced = item.annotation(mainstay_manifest::keys::SECRET_KEYS).unwrap_or_default();
        let empty = ["data", "stringData"]
            .iter()
            .all(|field| lookup::map(item.value, field).is_none_or(serde_json::Map::is_empty));
        let has = |key: &str| {
            let of = |field: &str| {
                lookup::map(item.value, field)
                    .is_some_and(|data: &serde_json::Map<String, Value>| data.contains_key(key))
            };
            of("data") || of("stringData") || announced.split(',').any(|one| one.trim() == key)
        };
        // one that something else fills says so by announcing its keys
        let filled_later = empty && !announced.is_empty();
        for key in needed.iter().filter(|key| !has(key) && !filled_later) {
            lint.report("ML634", *index, "data", format!("A Secret of this type needs the key {key}."));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_is_about_them() {
        for (key, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("password", "admin"),
            ("API_TOKEN", "abc"),
            ("jwt-secret", "x1"),
            ("stripe.apiKey", "sk_live_1"),
            ("DATABASE_URL", "postgres://u:p4ss@db/x"),
            ("config.toml", "url = \"amqp://a:b1@mq\""),
            ("AWS_SECRET_ACCESS_KEY", "abc/def"),
        ] {
            assert!(says(key, value).is_some(), "{key}={value}");
        }
        for (key, value) in [
            ("DB_PASSWORD", "$(PW)"),
            ("DB_PASSWORD_FILE", "/run/x"),
            ("DB_PASSWORD", "/run/x"),
            ("TOKEN_TTL", "15m"),
            ("PASSWORD_MIN_LENGTH", "8"),
            ("TOKEN_URL", "https://x/token"),
            ("DATABASE_URL", "postgres://u@db/x"),
            ("DATABASE_URL", "postgres://u:${PW}@db/x"),
            ("SECRET_NAME", "db"),
            ("AUTH_TOKEN", ""),
            ("USE_TOKEN", "true"),
            ("LOG", "debug"),
            ("KEYBOARD", "x"),
            ("SECRETS_DIR", "/run/x"),
        ] {
            assert!(says(key, value).is_none(), "{key}={value}");
        }
    }
}
