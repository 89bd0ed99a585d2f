//! `order=`: columns, JSON paths and columns of to-one embeds.

use super::cursor::{Cursor, MAX_ITEMS, Parsed};
use super::field::{Field, field};
use crate::error::Syntax;

/// One sort key as asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrderTerm {
    /// The embedded resource whose column this is.
    pub(crate) relation: Option<String>,
    pub(crate) field: Field,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    First,
    Last,
}

/// Parses the whole parameter.
pub(crate) fn parse(text: &str) -> Parsed<Vec<OrderTerm>> {
    let mut cursor = Cursor::new(text);
    let mut terms = Vec::new();
    loop {
        cursor.spaces();
        terms.push(term(&mut cursor)?);
        cursor.spaces();
        if terms.len() > MAX_ITEMS {
            return Err(cursor.say("too many sort keys"));
        }
        if cursor.is_end() {
            return Ok(terms);
        }
        cursor.expect(",", "\",\" or end of input")?;
    }
}

fn term(cursor: &mut Cursor<'_>) -> Parsed<OrderTerm> {
    let first = field(cursor)?;
    let (relation, field) = match first.path.is_empty().then(|| inner(cursor)).flatten() {
        Some(inner) => (Some(first.name), inner),
        None => (None, first),
    };
    let direction = if cursor.eat(".asc") {
        Some(Direction::Ascending)
    } else if cursor.eat(".desc") {
        Some(Direction::Descending)
    } else {
        None
    };
    let nulls = if cursor.eat(".nullsfirst") {
        Some(Nulls::First)
    } else if cursor.eat(".nullslast") {
        Some(Nulls::Last)
    } else {
        None
    };
    cursor.spaces();
    match cursor.peek() {
        None | Some(',') => Ok(OrderTerm { relation, field, direction, nulls }),
        Some(_) => Err(no_end(cursor, direction, nulls)),
    }
}

/// `(column)` after an embed's name.
fn inner(cursor: &mut Cursor<'_>) -> Option<Field> {
    let mut ahead = cursor.clone();
    let found = ahead.eat("(").then(|| field(&mut ahead).ok()).flatten().filter(|_| ahead.eat(")"))?;
    *cursor = ahead;
    Some(found)
}

/// What may follow depends on what came; worded as PostgREST words it.
fn no_end(cursor: &mut Cursor<'_>, direction: Option<Direction>, nulls: Option<Nulls>) -> Syntax {
    match (direction, nulls) {
        (_, Some(_)) => cursor.fail_before_end("\",\" or end of input"),
        (Some(_), None) if cursor.eat(".") => cursor.fail_word("nullsfirst", "\"nullsfirst\" or \"nullslast\""),
        (Some(_), None) => cursor.fail_before_end("delimiter (.), \",\" or end of input"),
        (None, None) if cursor.eat(".") => {
            cursor.fail_word("asc", "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"")
        }
        (None, None) => {
            cursor.fail_before_end("letter, digit, \"-\", \"->>\", \"->\", delimiter (.), \",\" or end of input")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_direction_and_nulls() {
        let terms = parse("name.desc.nullsfirst,data->key.asc,id, clients(name).nullslast").expect("order");
        assert_eq!(terms.len(), 4);
        assert_eq!((terms[0].direction, terms[0].nulls), (Some(Direction::Descending), Some(Nulls::First)));
        assert_eq!(terms[1].field.path.len(), 1);
        assert_eq!((terms[2].direction, terms[2].nulls), (None, None));
        assert_eq!(terms[3].relation.as_deref(), Some("clients"));
    }

    #[test]
    fn faults_are_refused() {
        for bad in
            ["", "id.ac", "id.descc", "id.nulsfist", "id.asc.nlsfst", "id.nullslasttt", "clients(name,id)", "id,"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_are_placed_and_worded_as_postgrest_does() {
        let words = "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"";
        let nulls = "\"nullsfirst\" or \"nullslast\"";
        let end = "\",\" or end of input";
        let cases = [
            ("id.ac", 4, "\"c\"", words.to_owned()),
            ("id.nulsfist", 4, "\"n\"", words.to_owned()),
            ("id.smth34", 4, "\"s\"", words.to_owned()),
            ("id.descc", 8, "'c'", format!("delimiter (.), {end}")),
            ("id.nullslasttt", 13, "'t'", end.to_owned()),
            ("id.asc.nlsfst", 8, "\"l\"", nulls.to_owned()),
            ("id.asc.nullslasttt", 17, "'t'", end.to_owned()),
            ("clients(name,id)", 8, "'('", format!("letter, digit, \"-\", \"->>\", \"->\", delimiter (.), {end}")),
        ];
        for (text, column, unexpected, expecting) in cases {
            let fault = parse(text).expect_err(text);
            assert_eq!(fault.details, format!("unexpected {unexpected} expecting {expecting}"), "{text}");
            assert_eq!(fault.column, column, "{text}");
        }
    }
}
