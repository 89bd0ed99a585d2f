//! The declaration of a section and its keys.

use super::ConfigError;

/// One key as declared: the source of the environment variable, the reference page and the checks.
#[derive(Debug, Clone)]
pub struct Key {
    /// Name inside the section.
    pub name: &'static str,
    /// What it means, from the doc comment.
    pub doc: String,
    /// Rust type, shown in the reference.
    pub kind: &'static str,
    /// Default as it would be written in the file; empty when there is none.
    pub default: String,
    /// True when the value must never be shown.
    pub secret: bool,
    /// True when the value is a table of named entries (`[auth.external.google]`).
    pub map: bool,
}

/// A section without its type: what the loader and the reference need.
#[derive(Debug, Clone)]
pub struct SectionInfo {
    /// Name of the table in `mainstay.toml`; empty for the top level.
    pub name: &'static str,
    /// What the section is about.
    pub doc: String,
    /// Its keys in order of declaration.
    pub keys: Vec<Key>,
}

/// A part of the configuration that one room owns.
pub trait Section: Default {
    /// Name, documentation and keys.
    fn info() -> SectionInfo;

    /// Sets one key from a value.
    ///
    /// # Errors
    /// A sentence about the value when it does not fit.
    fn assign(&mut self, key: &str, value: toml::Value) -> Result<(), String>;

    /// Checks what no single key can: ranges and combinations. Returns the key at fault and the sentence.
    ///
    /// # Errors
    /// When the section cannot be used as it is.
    fn validate(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
}

impl SectionInfo {
    /// The environment variable of a key.
    #[must_use]
    pub fn variable(&self, key: &str) -> String {
        let section = if self.name.is_empty() { String::new() } else { format!("{}_", self.name) };
        format!("MAINSTAY_{section}{key}").to_uppercase().replace(['.', '-'], "_")
    }

    /// The key as it is called in messages: `gateway.port`, or `name` at the top level.
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// The declared key nearest to a misspelt one.
    #[must_use]
    pub fn nearest(&self, wrong: &str) -> Option<&'static str> {
        nearest(wrong, self.keys.iter().map(|key| key.name))
    }
}

/// The candidate within edit distance 3 of `wrong`.
pub(super) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.map(|c| (distance(wrong, c), c)).filter(|(d, c)| *d <= 3 && *d < c.len()).min().map(|(_, c)| c)
}

/// Levenshtein distance over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Deserialises a TOML value, saying what was expected.
#[doc(hidden)]
pub fn read_value<T: serde::de::DeserializeOwned>(value: toml::Value) -> Result<T, String> {
    value.try_into().map_err(|error: toml::de::Error| error.message().trim().to_owned())
}

impl From<(&str, String)> for ConfigError {
    fn from((place, problem): (&str, String)) -> Self {
        Self::new(place, problem)
    }
}

/// Declares a configuration section: a struct whose every field is a key with a doc comment and a default.
///
/// ```
/// mainstay_kernel::section! {
///     /// How the example behaves.
///     pub struct Config in "example" {
///         /// How many at once.
///         pub workers: u32 = 4,
///         /// Optional label.
///         pub label: Option<String> = None,
///     }
/// }
/// assert_eq!(Config::default().workers, 4);
/// ```
///
/// A `validate` block may follow the fields: `} validate(this) { … Ok(()) }`, returning
/// `Result<(), (&'static str, String)>`.
#[macro_export]
macro_rules! section {
    (
        $(#[doc = $about:expr])*
        $vis:vis struct $name:ident in $section:literal {
            $( $(#[doc = $doc:expr])+ $fvis:vis $field:ident : $kind:ty = $default:expr ),* $(,)?
        }
        $( validate($this:ident) $check:block )?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $( $(#[doc = $doc])+ $fvis $field: $kind, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::config::Section for $name {
            fn info() -> $crate::config::SectionInfo {
                let defaults = Self::default();
                $crate::config::SectionInfo {
                    name: $section,
                    doc: [$($about),*].join(" ").trim().replace("  ", " "),
                    keys: vec![$( $crate::config::Key::declared(
                        stringify!($field),
                        &[$($doc),+],
                        stringify!($kind),
                        format!("{:?}", defaults.$field),
                    ), )*],
                }
            }

            fn assign(&mut self, key: &str, value: $crate::config::TomlValue) -> Result<(), String> {
                match key {
                    $( stringify!($field) => {
                        self.$field = $crate::config::read_value(value)?;
                        Ok(())
                    } )*
                    _ => Err(format!("there is no key `{key}`")),
                }
            }

            $( fn validate(&self) -> Result<(), (&'static str, String)> {
                let $this = self;
                $check
            } )?
        }
    };
}

impl Key {
    /// Builds the key that a `section!` field declares.
    #[doc(hidden)]
    #[must_use]
    pub fn declared(name: &'static str, doc: &[&str], kind: &'static str, default: String) -> Self {
        let default = match default.strip_prefix("Some(").and_then(|d| d.strip_suffix(')')) {
            Some(inner) => inner.to_owned(),
            None if default == "None" => String::new(),
            None => default,
        };
        Self {
            name,
            doc: doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
            kind,
            secret: kind.contains("SecretString"),
            map: kind.contains("BTreeMap"),
            default: if kind.contains("SecretString") { String::new() } else { default },
        }
    }
}
