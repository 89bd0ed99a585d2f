//! 2xx: the request is well formed but the catalog has no answer, or several.

use http::StatusCode;
use serde_json::{Value, json};

use super::Problem;
use crate::catalog::{Cardinality, Relationship, Routine};

/// The plan stage's refusals (PostgREST: group 2).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlanError {
    NoRelationship { parent: String, child: String, hint: Option<String>, schema: String, suggestion: Option<String> },
    AmbiguousRelationship { parent: String, child: String, found: Vec<Relationship> },
    NoFunction { function: String, arguments: Vec<String>, body: SingleParameter, suggestion: Option<String> },
    AmbiguousFunction(Vec<Routine>),
    NoColumn { table: String, column: String },
    NoTable { schema: String, table: String, suggestion: Option<String> },
    Request(Box<super::RequestError>),
}

/// Which single unnamed parameter the request's body could have gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SingleParameter {
    /// Not a POST, or a form: only named parameters.
    None,
    Json,
    Only(&'static str),
}

impl From<super::RequestError> for PlanError {
    fn from(e: super::RequestError) -> Self {
        PlanError::Request(Box::new(e))
    }
}

impl PlanError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            PlanError::NoRelationship { .. } | PlanError::NoColumn { .. } => StatusCode::BAD_REQUEST,
            PlanError::AmbiguousRelationship { .. } | PlanError::AmbiguousFunction(_) => StatusCode::MULTIPLE_CHOICES,
            PlanError::NoFunction { .. } | PlanError::NoTable { .. } => StatusCode::NOT_FOUND,
            PlanError::Request(e) => e.status(),
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        match self {
            PlanError::NoRelationship { parent, child, hint, schema, suggestion } => {
                let using = hint.as_ref().map(|h| format!("' using the hint '{h}")).unwrap_or_default();
                Problem::new(
                    "PGRST200",
                    format!("Could not find a relationship between '{parent}' and '{child}' in the schema cache"),
                )
                .details(format!(
                    "Searched for a foreign key relationship between '{parent}' and '{child}{using}' in the schema \
                     '{schema}', but no matches were found."
                ))
                .hint(suggestion.clone())
            }
            PlanError::AmbiguousRelationship { parent, child, found } => Problem::new(
                "PGRST201",
                format!(
                    "Could not embed because more than one relationship was found for '{parent}' and '{child}'"
                ),
            )
            .details(Value::Array(found.iter().map(describe).collect()))
            .hint(Some(format!(
                "Try changing '{child}' to one of the following: {}. Find the desired relationship in the 'details' key.",
                found.iter().map(hint_of).collect::<Vec<_>>().join(", ")
            ))),
            PlanError::NoFunction { function, arguments, body, suggestion } => {
                no_function(function, arguments, *body).hint(suggestion.clone())
            }
            PlanError::AmbiguousFunction(found) => Problem::new(
                "PGRST203",
                format!(
                    "Could not choose the best candidate function between: {}",
                    found.iter().map(Routine::signature).collect::<Vec<_>>().join(", ")
                ),
            )
            .hint(Some(
                "Try renaming the parameters or the function itself in the database so function overloading can be \
                 resolved",
            )),
            PlanError::NoColumn { table, column } => Problem::new(
                "PGRST204",
                format!("Could not find the '{column}' column of '{table}' in the schema cache"),
            ),
            PlanError::NoTable { schema, table, suggestion } => Problem::new(
                "PGRST205",
                format!("Could not find the table '{schema}.{table}' in the schema cache"),
            )
            .hint(suggestion.as_ref().map(|t| format!("Perhaps you meant the table '{schema}.{t}'"))),
            PlanError::Request(e) => e.problem(),
        }
    }
}

fn no_function(function: &str, arguments: &[String], body: SingleParameter) -> Problem {
    let names = arguments.join(", ");
    let plural = if arguments.len() > 1 { "s" } else { "" };
    let (shown, searched) = if arguments.is_empty() {
        (" without parameters".to_owned(), " without parameters".to_owned())
    } else {
        (format!("({names})"), format!(" with parameter{plural} {names}"))
    };
    let (shown, searched) = match body {
        SingleParameter::None => (shown, searched),
        SingleParameter::Json => (shown, format!("{searched} or with a single unnamed json/jsonb parameter")),
        SingleParameter::Only(kind) => (String::new(), format!(" with a single unnamed {kind} parameter")),
    };
    Problem::new("PGRST202", format!("Could not find the function {function}{shown} in the schema cache")).details(
        format!("Searched for the function {function}{searched}, but no matches were found in the schema cache."),
    )
}

fn list<'a>(columns: impl Iterator<Item = &'a String>) -> String {
    format!("({})", columns.map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn describe(rel: &Relationship) -> Value {
    let (kind, how) = match &rel.cardinality {
        Cardinality::ManyToMany(j) => (
            "many-to-many",
            format!(
                "{} using {}{} and {}{}",
                j.table.name,
                j.source_constraint,
                list(j.source.iter().map(|(_, c)| c)),
                j.target_constraint,
                list(j.target.iter().map(|(_, c)| c))
            ),
        ),
        Cardinality::ManyToOne(key) => ("many-to-one", using(rel, key)),
        Cardinality::OneToMany(key) => ("one-to-many", using(rel, key)),
        Cardinality::OneToOne(key) => ("one-to-one", using(rel, key)),
        Cardinality::Computed(c) => ("computed", c.function.to_string()),
    };
    json!({
        "cardinality": kind,
        "embedding": format!("{} with {}", rel.table.name, rel.foreign.name),
        "relationship": how,
    })
}

fn using(rel: &Relationship, key: &crate::catalog::KeyColumns) -> String {
    format!(
        "{} using {}{} and {}{}",
        key.constraint,
        rel.table.name,
        list(key.columns.iter().map(|(a, _)| a)),
        rel.foreign.name,
        list(key.columns.iter().map(|(_, b)| b))
    )
}

fn hint_of(rel: &Relationship) -> String {
    let by = match &rel.cardinality {
        Cardinality::ManyToMany(j) => j.table.name.as_str(),
        Cardinality::ManyToOne(k) | Cardinality::OneToMany(k) | Cardinality::OneToOne(k) => k.constraint.as_str(),
        Cardinality::Computed(c) => c.function.name.as_str(),
    };
    format!("'{}!{by}'", rel.foreign.name)
}
