//! `mainstay render`.

use crate::cli::{Format, Picture, Render};
use crate::failure::{Failure, Outcome};
use crate::kubernetes;
use crate::terminal;
use anyhow::Context as _;
use mainstay_deploy::System;
use mainstay_deploy::render::{self, File};
use mainstay_identity::{KeyKind, KeySet, generate_api_key};
use mainstay_kernel::config::Flag;
use mainstay_manifest::yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// First line of a file that marks a folder as written by `render`.
const MARK: &str = ".mainstay-rendered";

pub(super) fn run(arguments: &Render) -> Outcome {
    let flags = arguments.image.iter().map(|image| Flag {
        flag: "--image",
        section: "kubernetes",
        key: "image",
        value: image.clone().into(),
    });
    let system = kubernetes::system(&arguments.project, flags.collect())?;
    if arguments.summary {
        let summary = render::summary(&system);
        let text = if arguments.json { serde_json::to_string_pretty(&summary)? } else { summary.text() };
        terminal::say(text.trim_end());
        return Ok(());
    }
    if let Some(picture) = arguments.picture {
        let text = match picture {
            Picture::Svg => render::picture_svg(&system),
            Picture::Text => render::picture_text(&system),
        };
        terminal::say(text.trim_end());
        return Ok(());
    }
    if arguments.secrets {
        terminal::say(secrets(&system)?.trim_end());
        return Ok(());
    }
    let files = match arguments.format {
        Format::Yaml => render::tree(&system)?,
        Format::Kustomize => render::kustomize(&system)?,
        Format::Helm => render::helm(&system)?,
    };
    let Some(out) = &arguments.out else {
        for file in files.iter().filter(|file| file.path.ends_with(".yaml")) {
            // a text at the end may end with lines that are empty and belong to it
            let text = file.text.strip_suffix('\n').unwrap_or(&file.text);
            terminal::say(&format!("---\n# file: {}\n{text}", file.path));
        }
        return Ok(());
    };
    if arguments.check {
        return check(&files, out);
    }
    let (written, removed) = write(&files, out)?;
    terminal::done(&format!("{}: {written} files written, {removed} removed, {} in all", out.display(), files.len()));
    Ok(())
}

/// Every file below a folder, relative to it; none when the folder is not there.
fn existing(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && next == folder => break,
            Err(error) => return Err(anyhow::Error::new(error).context(next.display().to_string())),
        };
        for entry in entries {
            let entry = entry.with_context(|| next.display().to_string())?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(folder) {
                found.insert(path.to_owned());
            }
        }
    }
    found.remove(Path::new(MARK));
    Ok(found)
}

fn check(files: &[File], out: &Path) -> Outcome {
    let mut differences = Vec::new();
    for file in files {
        match std::fs::read_to_string(out.join(&file.path)) {
            Ok(text) if text == file.text => {}
            Ok(_) => differences.push(format!("changed  {}", file.path)),
            Err(_) => differences.push(format!("missing  {}", file.path)),
        }
    }
    let known: BTreeSet<_> = files.iter().map(|file| PathBuf::from(&file.path)).collect();
    differences.extend(existing(out)?.difference(&known).map(|path| format!("extra    {}", path.display())));
    if differences.is_empty() {
        terminal::done(&format!("{} is current", out.display()));
        return Ok(());
    }
    differences.iter().for_each(|line| terminal::say(line));
    terminal::complain(&format!("{} is stale; render it again without --check", out.display()));
    Err(Failure::Found)
}

/// Removes what an earlier run wrote and this one does not, then writes what is different, each file whole or not at all.
/// In this order nothing is written through a link that stands where a folder should be.
/// A folder with files of somebody else is not touched.
fn write(files: &[File], out: &Path) -> anyhow::Result<(usize, usize)> {
    let before = existing(out)?;
    if !before.is_empty() && !out.join(MARK).exists() {
        anyhow::bail!(
            "{} holds files that `mainstay render` did not write; choose another folder, or empty it",
            out.display()
        );
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    std::fs::write(out.join(MARK), "Written by `mainstay render`; files here are replaced and removed by it.\n")?;
    let known: BTreeSet<_> = files.iter().map(|file| PathBuf::from(&file.path)).collect();
    let stale: Vec<_> = before.difference(&known).collect();
    for path in &stale {
        std::fs::remove_file(out.join(path)).with_context(|| path.display().to_string())?;
        // folders that are empty now go too; a folder that is not stays, and the error says nothing new
        let mut folder = path.parent();
        while let Some(parent) = folder.filter(|p| !p.as_os_str().is_empty()) {
            if std::fs::remove_dir(out.join(parent)).is_err() {
                break;
            }
            folder = parent.parent();
        }
    }
    let mut written = 0;
    for file in files {
        let path = out.join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let part = path.with_extension("part");
        std::fs::write(&part, &file.text).with_context(|| part.display().to_string())?;
        std::fs::rename(&part, &path).with_context(|| path.display().to_string())?;
        written += 1;
    }
    Ok((written, stale.len()))
}

/// Secrets with new values as YAML, for those who apply the tree with another tool. Values that people give are taken from
/// the environment, as `deploy` does.
fn secrets(system: &System) -> Outcome<String> {
    use mainstay_manifest::Source;
    let specs = mainstay_deploy::secrets(system);
    let mut values: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut certificate = None;
    for spec in &specs {
        for key in &spec.keys {
            let value = match &key.source {
                Source::Random(bytes) => random(*bytes)?,
                Source::Plain(text) => text.clone(),
                Source::Template(_) => continue,
                Source::PublishableKey => generate_api_key(KeyKind::Publishable)?,
                Source::SecretApiKey => generate_api_key(KeyKind::Secret)?,
                Source::SigningKeys => KeySet::generate()?,
                Source::Given { variable, required } => match std::env::var(variable).ok().filter(|v| !v.is_empty()) {
                    Some(value) => value,
                    None if *required => {
                        return Err(anyhow::anyhow!("set {variable}: the Secret {} needs it", spec.name).into());
                    }
                    None => continue,
                },
                Source::Certificate(hosts) => {
                    if certificate.is_none() {
                        use mainstay_kernel::clock::Clock as _;
                        let now = mainstay_kernel::clock::SystemClock.unix();
                        certificate = Some(mainstay_kernel::tls::self_signed_pem(hosts, None, now, 397)?);
                    }
                    let Some(pair) = &certificate else { continue };
                    use mainstay_kernel::config::ExposeSecret as _;
                    if key.name == "tls.crt" { pair.certificate.clone() } else { pair.key.expose_secret().to_owned() }
                }
            };
            values.insert((spec.name.clone(), key.name.clone()), value);
        }
    }
    // templates may name what other templates made: every round fills at least one
    let mut open: Vec<(&str, &str, &str)> = Vec::new();
    for spec in &specs {
        open.extend(spec.keys.iter().filter_map(|key| match &key.source {
            Source::Template(template) => Some((spec.name.as_str(), key.name.as_str(), template.as_str())),
            _ => None,
        }));
    }
    while !open.is_empty() {
        let before = open.len();
        open.retain(|(secret, key, template)| match fill(template, &values) {
            Some(value) => {
                values.insert(((*secret).to_owned(), (*key).to_owned()), value);
                false
            }
            None => true,
        });
        if let Some((secret, key, _)) = open.first().filter(|_| open.len() == before) {
            return Err(anyhow::anyhow!("the value of {secret}/{key} refers to one that is not known").into());
        }
    }
    let mut out =
        String::from("# Secrets with newly generated values. Apply them once, keep them safe, never commit them.\n");
    for spec in &specs {
        let data: BTreeMap<_, _> =
            values.iter().filter(|((s, _), _)| *s == spec.name).map(|((_, k), v)| (k.clone(), v.clone())).collect();
        let kind = if data.contains_key("tls.crt") { "kubernetes.io/tls" } else { "Opaque" };
        let value = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": { "name": spec.name, "namespace": system.namespace },
            "stringData": data,
        });
        out.push_str("---\n");
        out.push_str(&yaml::write_value(&value));
    }
    Ok(out)
}

/// A template with every `{secret/key}` replaced; nothing while one of them is not known. Values may have braces themselves.
fn fill(template: &str, values: &BTreeMap<(String, String), String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (reference, behind) = after.split_once('}')?;
        let (secret, key) = reference.split_once('/')?;
        text.push_str(before);
        text.push_str(values.get(&(secret.to_owned(), key.to_owned()))?);
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

/// Random bytes as base64url text, through the generator of API keys (16 bytes each).
fn random(bytes: usize) -> Outcome<String> {
    let mut text = String::new();
    while text.len() * 3 / 4 < bytes {
        let key = generate_api_key(KeyKind::Secret)?;
        text.push_str(&key.split('_').skip(2).collect::<String>());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_with_values_as_they_are() {
        let at = |secret: &str, key: &str| (secret.to_owned(), key.to_owned());
        let values = BTreeMap::from([
            (at("db", "PASSWORD"), "a{b/c}d".to_owned()),
            (at("api", "KEYS"), "[{\"kid\":\"1\"}]".to_owned()),
        ]);
        assert_eq!(fill("x:{db/PASSWORD}@y", &values).as_deref(), Some("x:a{b/c}d@y"));
        assert_eq!(fill("{api/KEYS}", &values).as_deref(), Some("[{\"kid\":\"1\"}]"));
        assert_eq!(fill("plain", &values).as_deref(), Some("plain"));
        assert_eq!(fill("{db/OTHER}", &values), None);
    }
}
