//! The layered document: which value is in force for each key, and where it came from.

use super::section::nearest;
use super::{ConfigError, Key, Section, SectionInfo, secret_files};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Value;
use toml::de::{DeTable, DeValue};

/// Where a value came from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Declared by the program.
    Default,
    /// Line of the project file, counted from 1.
    File(PathBuf, usize),
    /// File of a folder that `MAINSTAY_SECRETS_DIR` names. Messages about such a value never show it.
    SecretFile(String),
    /// Environment variable.
    Environment(String),
    /// Command-line flag.
    Flag(&'static str),
}

/// A value given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as typed, for messages: `--port`.
    pub flag: &'static str,
    /// Section name.
    pub section: &'static str,
    /// Key name.
    pub key: &'static str,
    /// The value.
    pub value: Value,
}

/// All that configuration is read from.
#[derive(Debug, Default)]
pub struct Sources<'a> {
    /// Path and text of the project file, when there is one.
    pub file: Option<(&'a Path, &'a str)>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Files that stand for environment variables of their name; a variable that is really there wins.
    pub secret_files: Vec<(String, String)>,
    /// Plain variable names that stand for keys: `("PORT", "gateway", "port")`. `MAINSTAY_…` wins over them.
    pub aliases: &'a [(&'static str, &'static str, &'static str)],
    /// Command-line flags.
    pub flags: Vec<Flag>,
}

/// One key in force.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The value, when the project or its environment sets one.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// A variable by whichever way it came.
struct Variable<'a> {
    name: &'a str,
    text: &'a str,
    origin: Origin,
}

/// The layered configuration, not yet typed.
#[derive(Debug)]
pub struct Document {
    sections: Vec<SectionInfo>,
    entries: BTreeMap<(&'static str, &'static str), Entry>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::SecretFile(name) => f.write_str(&secret_files::place(name)),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

impl Document {
    /// Reads all layers. Unknown keys in the file are refused with file and line.
    ///
    /// # Errors
    /// The first problem found, with its place.
    pub fn read(sections: Vec<SectionInfo>, sources: Sources<'_>) -> Result<Self, ConfigError> {
        let mut document = Self { sections, entries: BTreeMap::new() };
        if let Some((path, text)) = sources.file {
            document.read_file(path, text)?;
        }
        document.read_variables(&variables(&sources.secret_files, &sources.environment), sources.aliases)?;
        for flag in sources.flags {
            document
                .entries
                .insert((flag.section, flag.key), Entry { value: flag.value, origin: Origin::Flag(flag.flag) });
        }
        Ok(document)
    }

    /// The typed section.
    ///
    /// # Errors
    /// When a value does not fit its key, or the section's own check refuses the combination.
    pub fn section<S: Section>(&self) -> Result<S, ConfigError> {
        let info = S::info();
        let mut section = S::default();
        for key in &info.keys {
            if let Some(entry) = self.entries.get(&(info.name, key.name)) {
                section.assign(key.name, entry.value.clone()).map_err(|problem| {
                    let problem = entry.origin.conceal(key, problem);
                    ConfigError::new(entry.origin.to_string(), format!("`{}`: {problem}", info.path(key.name)))
                })?;
            }
        }
        section.validate().map_err(|(key, problem)| {
            let place = self.entries.get(&(info.name, key)).map_or(Origin::Default, |entry| entry.origin.clone());
            // a section that checks a secret cannot print it by accident; its sentence may stay
            let declared = info.keys.iter().find(|declared| declared.name == key && !declared.secret);
            let problem = declared.map_or(problem.clone(), |declared| place.conceal(declared, problem));
            ConfigError::new(place.to_string(), format!("`{}`: {problem}", info.path(key)))
        })?;
        Ok(section)
    }

    /// What is known about the sections.
    #[must_use]
    pub fn sections(&self) -> &[SectionInfo] {
        &self.sections
    }

    /// The value in force for a key, when it is not the default.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|((s, k), _)| *s == section && *k == key).map(|(_, entry)| entry)
    }

    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let place = |offset: usize| format!("{}:{}", path.display(), line_of(text, offset));
        let table = DeTable::parse(text).map_err(|error| {
            ConfigError::new(place(error.span().map_or(0, |span| span.start)), error.message().to_owned())
        })?;
        let root = self.sections.iter().find(|s| s.name.is_empty()).cloned();
        for (name, value) in table.get_ref() {
            let (name, at) = (name.get_ref().as_ref(), name.span().start);
            if let Some(root) = root.as_ref().filter(|root| root.keys.iter().any(|key| key.name == name)) {
                self.set_from_file(root, name, value.get_ref(), path, line_of(text, at))?;
                continue;
            }
            let Some(info) = self.sections.iter().find(|s| s.name == name && !name.is_empty()).cloned() else {
                let known =
                    self.sections.iter().map(|s| s.name).chain(root.iter().flat_map(|r| r.keys.iter().map(|k| k.name)));
                let hint = nearest(name, known).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                return Err(ConfigError::new(place(at), format!("unknown section or key `{name}`{hint}")));
            };
            self.read_section(&info, value.get_ref(), at, path, text)?;
        }
        Ok(())
    }

    /// The keys of one section; a key that is none may be a section below it (`[database.storage]`).
    fn read_section(
        &mut self,
        info: &SectionInfo,
        value: &DeValue<'_>,
        at: usize,
        path: &Path,
        text: &str,
    ) -> Result<(), ConfigError> {
        let place = |offset: usize| format!("{}:{}", path.display(), line_of(text, offset));
        let DeValue::Table(keys) = value else {
            return Err(ConfigError::new(place(at), format!("`{0}` is a section; write it as [{0}]", info.name)));
        };
        for (key, value) in keys {
            let (key_name, at) = (key.get_ref().as_ref(), key.span().start);
            let below = format!("{}.{key_name}", info.name);
            if let Some(below) = self.sections.iter().find(|s| s.name == below).cloned() {
                self.read_section(&below, value.get_ref(), at, path, text)?;
                continue;
            }
            if !info.keys.iter().any(|k| k.name == key_name) {
                let hint = info.nearest(key_name).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                let problem = format!("unknown key `{key_name}` in [{}]{hint}", info.name);
                return Err(ConfigError::new(place(at), problem));
            }
            self.set_from_file(info, key_name, value.get_ref(), path, line_of(text, at))?;
        }
        Ok(())
    }

    fn set_from_file(
        &mut self,
        info: &SectionInfo,
        key: &str,
        value: &DeValue<'_>,
        path: &Path,
        line: usize,
    ) -> Result<(), ConfigError> {
        let origin = Origin::File(path.to_owned(), line);
        let Some(declared) = info.keys.iter().find(|k| k.name == key) else { return Ok(()) };
        if declared.secret {
            return Err(ConfigError::new(
                origin.to_string(),
                format!(
                    "`{}` is a secret and must not stand in a project file; set {} instead",
                    info.path(key),
                    info.variable(key)
                ),
            ));
        }
        let value = plain(value).map_err(|problem| ConfigError::new(origin.to_string(), problem))?;
        if let Some((entry, field)) = value.as_table().filter(|_| declared.map).and_then(secret_field) {
            let variable = format!("{}_{entry}_{field}", info.variable(key)).to_uppercase();
            let problem = format!(
                "`{}.{entry}.{field}` is a secret and must not stand in a project file; set {variable} instead",
                info.path(key)
            );
            return Err(ConfigError::new(origin.to_string(), problem));
        }
        self.entries.insert((info.name, declared.name), Entry { value, origin });
        Ok(())
    }

    fn read_variables(
        &mut self,
        variables: &[Variable<'_>],
        aliases: &[(&'static str, &'static str, &'static str)],
    ) -> Result<(), ConfigError> {
        let find = |name: &str| variables.iter().find(|variable| variable.name == name);
        for (name, section, key) in aliases {
            if let Some(variable) = find(name) {
                let (key, field) = key.split_once('.').map_or((*key, None), |(key, field)| (key, Some(field)));
                self.set_from_text(section, key, field, variable)?;
            }
        }
        for info in self.sections.clone() {
            for key in &info.keys {
                let name = info.variable(key.name);
                if let Some(variable) = find(&name) {
                    self.set_from_text(info.name, key.name, None, variable)?;
                }
                if key.map {
                    let prefix = format!("{name}_");
                    for variable in variables {
                        // MAINSTAY_AUTH_EXTERNAL_GOOGLE_CLIENT_ID → external.google.client_id
                        let inside = variable.name.strip_prefix(&prefix).and_then(|inside| inside.split_once('_'));
                        let Some((entry, field)) = inside else { continue };
                        let field = format!("{}.{}", entry.to_lowercase(), field.to_lowercase());
                        self.set_from_text(info.name, key.name, Some(&field), variable)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets a key, or with `field` (`entry.field`) one field of a table of named entries.
    fn set_from_text(
        &mut self,
        section: &str,
        key: &str,
        field: Option<&str>,
        variable: &Variable<'_>,
    ) -> Result<(), ConfigError> {
        let Variable { text, origin, .. } = variable;
        let Some((info, declared)) = self
            .sections
            .iter()
            .find(|s| s.name == section)
            .and_then(|s| Some((s.name, s.keys.iter().find(|k| k.name == key)?)))
        else {
            return Ok(());
        };
        let slot = (info, declared.name);
        let Some((entry_name, field)) = field.and_then(|f| f.split_once('.')) else {
            let value = value_from_text(text, declared.kind);
            self.entries.insert(slot, Entry { value, origin: origin.clone() });
            return Ok(());
        };
        let empty = || Entry { value: Value::Table(toml::Table::new()), origin: origin.clone() };
        let entry = self.entries.entry(slot).or_insert_with(empty);
        if matches!(origin, Origin::SecretFile(_)) {
            // one concealed field conceals what is said about the table
            entry.origin = origin.clone();
        }
        if let Value::Table(map) = &mut entry.value {
            let named = map.entry(entry_name.to_owned()).or_insert_with(|| Value::Table(toml::Table::new()));
            if let Value::Table(fields) = named {
                fields.insert(field.to_owned(), value_from_text(text, "String"));
            }
        }
        Ok(())
    }
}

impl Origin {
    /// What may be said about a value from here that does not fit: messages about the type quote the value.
    fn conceal(&self, key: &Key, problem: String) -> String {
        match self {
            Self::SecretFile(_) => format!("the value does not fit (its kind is {}); it is not shown", key.kind),
            Self::Default | Self::File(..) | Self::Environment(_) | Self::Flag(_) => problem,
        }
    }
}

/// Files and environment together, each name once. An empty variable counts as unset.
fn variables<'a>(files: &'a [(String, String)], environment: &'a [(String, String)]) -> Vec<Variable<'a>> {
    let is_set = |(_, text): &&(String, String)| !text.is_empty();
    let mut all: Vec<Variable<'a>> = Vec::new();
    for (name, text) in environment.iter().filter(is_set) {
        all.push(Variable { name, text, origin: Origin::Environment(name.clone()) });
    }
    for (name, text) in files.iter().filter(is_set) {
        if !all.iter().any(|variable| variable.name == name) {
            all.push(Variable { name, text, origin: Origin::SecretFile(name.clone()) });
        }
    }
    all
}

/// The first entry of a table of named entries that holds a secret. A field that ends in `_name` holds the name of one,
/// such as that of a Kubernetes Secret.
fn secret_field(table: &toml::Table) -> Option<(&str, &str)> {
    table.iter().find_map(|(entry, fields)| {
        let fields = fields.as_table()?;
        let holds = |field: &&String| field.contains("secret") && !field.ends_with("_name");
        fields.keys().find(holds).map(|field| (entry.as_str(), field.as_str()))
    })
}

/// Environment variables are text; what they mean depends on the key's type.
fn value_from_text(text: &str, kind: &str) -> Value {
    let bare = kind.trim_start_matches("Option<");
    if bare.starts_with("String") || bare.starts_with("SecretString") || bare.starts_with("PathBuf") {
        return Value::String(text.to_owned());
    }
    if bare.starts_with("Vec") && !text.trim_start().starts_with('[') {
        return Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect());
    }
    match text.trim().parse::<Value>() {
        Ok(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_))) => {
            value
        }
        _ => Value::String(text.to_owned()),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Drops the spans of a parsed value.
fn plain(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(when) => Value::Datetime(*when),
        DeValue::Integer(number) => Value::Integer(
            i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| "the number is too large".to_owned())?,
        ),
        DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| "not a number".to_owned())?),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| plain(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), plain(value.get_ref())?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Seconds, SecretString};

    crate::section! {
        /// Test section.
        struct Example in "example" {
            /// A port.
            port: u16 = 1,
            /// Names.
            names: Vec<String> = vec![],
            /// A wait.
            wait: Seconds = Seconds::new(60),
            /// Hidden.
            token: Option<SecretString> = None,
            /// Entries.
            external: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new(),
        }
        validate(this) {
            if this.port == 13 { return Err(("port", "13 brings no luck; choose another".into())); }
            Ok(())
        }
    }

    crate::section! {
        /// A section below another.
        struct Below in "example.below" {
            /// A size.
            size: u16 = 1,
        }
    }

    #[test]
    fn a_section_may_lie_below_another() {
        let read = |text: &str, env: &[(&str, &str)]| {
            let environment = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let file = Some((Path::new("mainstay.toml"), text));
            let sources = Sources { file, environment, ..Sources::default() };
            Document::read(vec![Example::info(), Below::info()], sources)?.section::<Below>()
        };
        assert_eq!(read("[example]\nport = 2\n[example.below]\nsize = 3", &[]).unwrap().size, 3);
        assert_eq!(read("", &[("MAINSTAY_EXAMPLE_BELOW_SIZE", "4")]).unwrap().size, 4);
        let error = read("[example.below]\nsizs = 3", &[]).unwrap_err().to_string();
        assert_eq!(error, "mainstay.toml:2: unknown key `sizs` in [example.below]; did you mean `size`?");
        let error = read("[example]\nbelow = 3", &[]).unwrap_err().to_string();
        assert_eq!(error, "mainstay.toml:2: `example.below` is a section; write it as [example.below]");
    }

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Example, ConfigError> {
        read_with_files(text, &[], env)
    }

    fn read_with_files(text: &str, files: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Example, ConfigError> {
        let path = Path::new("mainstay.toml");
        let owned = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (secret_files, environment) = (owned(files), owned(env));
        let aliases = &[("PORT", "example", "port"), ("GOOGLE_ID", "example", "external.google.id")];
        let sources = Sources { file: Some((path, text)), environment, secret_files, aliases, flags: vec![] };
        Document::read(vec![Example::info()], sources)?.section()
    }

    #[test]
    fn layers_win_in_order() {
        assert_eq!(read("", &[]).unwrap().port, 1);
        assert_eq!(read("[example]\nport = 2", &[]).unwrap().port, 2);
        assert_eq!(read("[example]\nport = 2", &[("PORT", "3")]).unwrap().port, 3);
        assert_eq!(read("", &[("PORT", "3"), ("MAINSTAY_EXAMPLE_PORT", "4")]).unwrap().port, 4);
        assert_eq!(read("", &[("MAINSTAY_EXAMPLE_NAMES", "a, b")]).unwrap().names, ["a", "b"]);
        assert_eq!(read("", &[("MAINSTAY_EXAMPLE_WAIT", "5m")]).unwrap().wait, Seconds::new(300));
    }

    #[test]
    fn entries_of_a_map_come_from_the_environment_too() {
        let example = read(
            "[example.external.google]\nname = 'G'",
            &[("GOOGLE_ID", "1"), ("MAINSTAY_EXAMPLE_EXTERNAL_GOOGLE_CLIENT_SECRET", "2")],
        );
        let google = example.unwrap().external.remove("google").unwrap();
        assert_eq!(
            google.into_iter().map(|(k, v)| k + "=" + &v).collect::<Vec<_>>(),
            ["client_secret=2", "id=1", "name=G"]
        );
    }

    #[test]
    fn a_secret_file_is_a_variable_that_the_environment_overrides() {
        let files = [
            ("PORT", "2"),
            ("MAINSTAY_EXAMPLE_TOKEN", "t"),
            ("MAINSTAY_EXAMPLE_NAMES", "a,b"),
            ("GOOGLE_ID", "file"),
            ("MAINSTAY_EXAMPLE_EXTERNAL_GOOGLE_CLIENT_SECRET", "s"),
            ("MAINSTAY_EXAMPLE_WAIT", "5s"),
        ];
        let env = [("GOOGLE_ID", "environment"), ("MAINSTAY_EXAMPLE_WAIT", ""), ("MAINSTAY_EXAMPLE_NAMES", "c")];
        let example = read_with_files("[example]\nport = 9", &files, &env).unwrap();
        assert_eq!((example.port, example.names, example.wait), (2, vec!["c".to_owned()], Seconds::new(5)));
        assert!(example.token.is_some());
        assert_eq!(example.external["google"]["id"], "environment");
        assert_eq!(example.external["google"]["client_secret"], "s");
        // the name of the key decides, not the way it came
        assert_eq!(read_with_files("", &[("MAINSTAY_EXAMPLE_PORT", "3")], &[("PORT", "2")]).unwrap().port, 3);
    }

    #[test]
    fn what_is_said_about_a_secret_file_never_shows_its_value() {
        for (name, text, expected) in [
            (
                "PORT",
                "geheim",
                "file PORT in MAINSTAY_SECRETS_DIR: `example.port`: the value does not fit (its kind is u16); it is not shown",
            ),
            (
                "PORT",
                "13",
                "file PORT in MAINSTAY_SECRETS_DIR: `example.port`: the value does not fit (its kind is u16); it is not shown",
            ),
            (
                "MAINSTAY_EXAMPLE_WAIT",
                "geheim",
                "file MAINSTAY_EXAMPLE_WAIT in MAINSTAY_SECRETS_DIR: `example.wait`: the value does not fit (its kind is Seconds); it is not shown",
            ),
        ] {
            assert_eq!(read_with_files("", &[(name, text)], &[]).unwrap_err().to_string(), expected);
        }
        let file = [("MAINSTAY_EXAMPLE_EXTERNAL_GOOGLE_SECRET", "geheim")];
        let broken = read_with_files("[example.external]\ngoogle = { size = 1 }", &file, &[]).unwrap_err().to_string();
        assert!(
            broken.starts_with("file MAINSTAY_EXAMPLE_EXTERNAL_GOOGLE_SECRET in ") && !broken.contains("geheim"),
            "{broken}"
        );
    }

    #[test]
    fn the_name_of_a_secret_may_stand_in_the_file() {
        let example = read("[example.external.google]\nsecret_name = 'google-login'", &[]).unwrap();
        assert_eq!(example.external["google"]["secret_name"], "google-login");
        for hidden in ["secret", "client_secret", "secret_names", "name_secret"] {
            assert!(read(&format!("[example.external.google]\n{hidden} = 'x'"), &[]).is_err(), "{hidden}");
        }
    }

    #[test]
    fn mistakes_are_told_with_place_and_way_out() {
        for (text, expected) in [
            ("x = 1", "mainstay.toml:1: unknown section or key `x`"),
            ("[exampel]", "mainstay.toml:1: unknown section or key `exampel`; did you mean `example`?"),
            ("[example]\n\nprot = 1", "mainstay.toml:3: unknown key `prot` in [example]; did you mean `port`?"),
            ("[example]\nport = 'a'", "mainstay.toml:2: `example.port`: invalid type: string \"a\", expected u16"),
            ("[example]\nport = 13", "mainstay.toml:2: `example.port`: 13 brings no luck; choose another"),
            (
                "[example]\nwait = '1 year'",
                "mainstay.toml:2: `example.wait`: \"1 year\" is not a duration; write for example \"60s\" or \"15m\"",
            ),
            (
                "[example]\ntoken = 'x'",
                "mainstay.toml:2: `example.token` is a secret and must not stand in a project file; set MAINSTAY_EXAMPLE_TOKEN instead",
            ),
            (
                "[example.external.google]\nclient_secret = 'x'",
                "mainstay.toml:1: `example.external.google.client_secret` is a secret and must not stand in a project file; set MAINSTAY_EXAMPLE_EXTERNAL_GOOGLE_CLIENT_SECRET instead",
            ),
            ("example = 1", "mainstay.toml:1: `example` is a section; write it as [example]"),
        ] {
            assert_eq!(read(text, &[]).unwrap_err().to_string(), expected);
        }
        assert!(read("[example", &[]).unwrap_err().to_string().starts_with("mainstay.toml:1: "));
        assert_eq!(
            read("", &[("PORT", "many")]).unwrap_err().to_string(),
            "environment variable PORT: `example.port`: invalid type: string \"many\", expected u16"
        );
    }
}
