//! Names → catalog objects, ambiguity, and "did you mean".

use crate::catalog::{Cardinality, Catalog, Column, QualifiedName, Relationship, Table};
use crate::error::PlanError;

/// Suggestions of table and function names must be this close, so that hints do not list what exists.
const NAME_CLOSENESS: f64 = 0.75;
/// Parameter names and related resources are no secret to who knows the function or table.
const RELATED_CLOSENESS: f64 = 0.33;

pub(crate) fn table<'a>(catalog: &'a Catalog, schema: &str, name: &str) -> Result<&'a Table, PlanError> {
    catalog.table(&QualifiedName::new(schema, name)).ok_or_else(|| PlanError::NoTable {
        schema: schema.to_owned(),
        table: name.to_owned(),
        suggestion: closest(
            name,
            catalog.tables().filter(|t| t.name.schema == schema).map(|t| t.name.name.as_str()),
            NAME_CLOSENESS,
        ),
    })
}

pub(crate) fn column<'a>(table: &'a Table, name: &str) -> Result<&'a Column, PlanError> {
    table.column(name).ok_or_else(|| PlanError::NoColumn { table: table.name.name.clone(), column: name.to_owned() })
}

/// Finds the one relationship that `origin` has under `target!hint`.
pub(crate) fn relationship<'a>(
    catalog: &'a Catalog,
    origin: &QualifiedName,
    target: &str,
    hint: Option<&str>,
) -> Result<&'a Relationship, PlanError> {
    let mut found: Vec<_> = catalog.relationships(origin).iter().filter(|r| r.answers(target, hint)).collect();
    // a function with a table's name is there to replace what the foreign keys say
    if let Some(computed) = found.iter().find(|r| matches!(r.cardinality, Cardinality::Computed(_))) {
        found = vec![computed];
    }
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(PlanError::NoRelationship {
            parent: origin.name.clone(),
            child: target.to_owned(),
            hint: hint.map(str::to_owned),
            schema: origin.schema.clone(),
            suggestion: related_suggestion(catalog, origin, target),
        }),
        several => Err(PlanError::AmbiguousRelationship {
            parent: origin.name.clone(),
            child: target.to_owned(),
            found: several.iter().map(|r| (*r).clone()).collect(),
        }),
    }
}

fn related_suggestion(catalog: &Catalog, origin: &QualifiedName, target: &str) -> Option<String> {
    let known = catalog.relationships(origin);
    let (wrong, meant) = if known.is_empty() {
        let parent = closest(&origin.name, catalog.related_tables(&origin.schema), RELATED_CLOSENESS)?;
        (origin.name.as_str(), parent)
    } else {
        let child = closest(target, known.iter().map(|r| r.foreign.name.as_str()), RELATED_CLOSENESS)?;
        (target, child)
    };
    // an exact match means that the hint was wrong, not the name
    (meant != wrong).then(|| format!("Perhaps you meant '{meant}' instead of '{wrong}'."))
}

/// The best function suggestion for a failed call.
pub(crate) fn function_suggestion(catalog: &Catalog, name: &QualifiedName, arguments: &[String]) -> Option<String> {
    let overloads = catalog.overloads(name);
    let meant = if overloads.is_empty() {
        let names = catalog.routines().filter(|r| r.name.schema == name.schema).map(|r| r.name.name.as_str());
        closest(&name.name, names, NAME_CLOSENESS)?
    } else {
        let list = |mut names: Vec<&str>| {
            names.sort_unstable();
            format!("({})", names.join(", "))
        };
        let asked = list(arguments.iter().map(String::as_str).collect());
        let offered: Vec<_> =
            overloads.iter().map(|r| list(r.parameters.iter().map(|p| p.name.as_str()).collect())).collect();
        let best = closest(&asked, offered.iter().map(String::as_str), RELATED_CLOSENESS)?;
        format!("{}{best}", name.name)
    };
    Some(format!("Perhaps you meant to call the function {}.{meant}", name.schema))
}

fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>, least: f64) -> Option<String> {
    // a request may name anything of any length; comparing is quadratic
    if wanted.chars().count() > 200 {
        return None;
    }
    names
        .map(|name| (similarity(wanted, name), name))
        .filter(|(score, _)| *score >= least)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, name)| name.to_owned())
}

/// 1 for equal texts, 0 for entirely different ones: edit distance over the longer length.
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let longest = a.len().max(b.len());
    if longest == 0 {
        return 1.0;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths of names")]
    let share = row[b.len()] as f64 / longest as f64;
    1.0 - share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_need_closeness() {
        let names = ["films", "directors", "actors"];
        assert_eq!(closest("film", names.into_iter(), NAME_CLOSENESS).as_deref(), Some("films"));
        assert_eq!(closest("f", names.into_iter(), NAME_CLOSENESS), None);
        assert!(similarity("kitten", "sitting") < 0.6);
    }
}
