//! `order=`: columns, JSON paths and columns of to-one embeds.

use super::cursor::{Cursor, MAX_ITEMS, Parsed};
use super::field::{Field, field};

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
        cursor.expect(",", "delimiter (.), \",\" or end of input")?;
    }
}

fn term(cursor: &mut Cursor<'_>) -> Parsed<OrderTerm> {
    let first = field(cursor)?;
    let (relation, field) = if first.path.is_empty() && cursor.eat("(") {
        let inner = field(cursor)?;
        cursor.expect(")", "letter, digit, \"-\", \"->>\", \"->\" or \")\"")?;
        (Some(first.name), inner)
    } else {
        (None, first)
    };
    let direction = if word(cursor, ".asc") {
        Some(Direction::Ascending)
    } else if word(cursor, ".desc") {
        Some(Direction::Descending)
    } else {
        None
    };
    let nulls = if word(cursor, ".nullsfirst") {
        Some(Nulls::First)
    } else if word(cursor, ".nullslast") {
        Some(Nulls::Last)
    } else {
        None
    };
    if cursor.peek() == Some('.') {
        let expecting = match direction {
            None => "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
            Some(_) => "\"nullsfirst\" or \"nullslast\"",
        };
        cursor.bump();
        return Err(cursor.fail(expecting));
    }
    Ok(OrderTerm { relation, field, direction, nulls })
}

/// Eats `token` if it is a whole word.
fn word(cursor: &mut Cursor<'_>, token: &str) -> bool {
    let mut ahead = cursor.clone();
    let whole = ahead.eat(token) && matches!(ahead.peek(), None | Some('.' | ',' | ' '));
    if whole {
        *cursor = ahead;
    }
    whole
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
}
