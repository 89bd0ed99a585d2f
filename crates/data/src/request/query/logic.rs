//! `and=(…)`, `or=(…)` and their nesting.

use super::cursor::{Cursor, MAX_DEPTH, MAX_ITEMS, Parsed};
use super::field::field;
use super::filter::{Context, Filter, Sense, test};

/// A tree of comparisons.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Logic {
    Filter(Filter),
    Group { sense: Sense, operator: Connective, members: Vec<Logic> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

/// Parses the value of a logic parameter, whose key already told `operator` and `sense`.
pub(crate) fn parse(text: &str, operator: Connective, sense: Sense) -> Parsed<Logic> {
    let mut cursor = Cursor::new(text);
    let mut budget = MAX_ITEMS;
    let members = whole(&mut cursor, &mut budget).map_err(|mut fault| {
        fault.column += prefix(operator, sense);
        fault
    })?;
    Ok(Logic::Group { sense, operator, members })
}

fn whole(cursor: &mut Cursor<'_>, budget: &mut usize) -> Parsed<Vec<Logic>> {
    let members = members(cursor, 0, budget)?;
    // one parenthesis too many hides no condition, and PostgREST takes it
    while cursor.eat(")") {}
    cursor.end("end of input")?;
    Ok(members)
}

/// PostgREST counts columns from the operator, which is in the parameter's name.
fn prefix(operator: Connective, sense: Sense) -> usize {
    let operator = match operator {
        Connective::And => "and".len(),
        Connective::Or => "or".len(),
    };
    match sense {
        Sense::Plain => operator,
        Sense::Negated => operator + "not.".len(),
    }
}

fn members(cursor: &mut Cursor<'_>, depth: usize, budget: &mut usize) -> Parsed<Vec<Logic>> {
    if depth > MAX_DEPTH {
        return Err(cursor.say(format!("logic nested deeper than {MAX_DEPTH} levels")));
    }
    cursor.spaces();
    cursor.expect("(", "\"(\"")?;
    let mut members = Vec::new();
    loop {
        *budget = budget.checked_sub(1).ok_or_else(|| cursor.say("too many conditions"))?;
        cursor.spaces();
        members.push(member(cursor, depth, budget)?);
        cursor.spaces();
        if cursor.eat(",") {
            continue;
        }
        cursor.expect(")", "\",\" or \")\"")?;
        cursor.spaces();
        return Ok(members);
    }
}

fn member(cursor: &mut Cursor<'_>, depth: usize, budget: &mut usize) -> Parsed<Logic> {
    if let Some((sense, operator)) = group(cursor) {
        let members = members(cursor, depth + 1, budget)?;
        return Ok(Logic::Group { sense, operator, members });
    }
    let field = field(cursor).map_err(|mut e| {
        e.details = e.details.replace(
            "field name (* or [a..z0..9_$])",
            "field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)",
        );
        e
    })?;
    cursor.expect(".", "delimiter (.)")?;
    Ok(Logic::Filter(Filter { field, test: test(cursor, Context::Logic)? }))
}

/// Consumes `[not.]and` or `[not.]or` when a parenthesis follows; a column may be called "and".
fn group(cursor: &mut Cursor<'_>) -> Option<(Sense, Connective)> {
    let mut ahead = cursor.clone();
    let sense = if ahead.eat("not.") { Sense::Negated } else { Sense::Plain };
    let operator = if ahead.eat("and") {
        Connective::And
    } else if ahead.eat("or") {
        Connective::Or
    } else {
        return None;
    };
    ahead.spaces();
    if ahead.peek() != Some('(') {
        return None;
    }
    *cursor = ahead;
    Some((sense, operator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::query::filter::Operation;

    fn or(text: &str) -> Parsed<Vec<Logic>> {
        match parse(text, Connective::Or, Sense::Plain)? {
            Logic::Group { members, .. } => Ok(members),
            Logic::Filter(_) => panic!("a group was parsed"),
        }
    }

    #[test]
    fn groups_nest_and_negate() {
        let members = or("(id.eq.1,not.and(a.gt.2,or(b.is.null,c.not.in.(1,2))))").expect("nested");
        assert_eq!(members.len(), 2);
        assert!(matches!(&members[1], Logic::Group { sense: Sense::Negated, operator: Connective::And, .. }));
    }

    #[test]
    fn values_end_at_commas_unless_quoted_or_braced() {
        let values: Vec<_> = or(r#"(a.eq."x,y)",b.cs.{1,2},c.eq.plain)"#)
            .expect("values")
            .into_iter()
            .map(|m| match m {
                Logic::Filter(f) => match f.test.operation {
                    Operation::Compare { value, .. } | Operation::Simple { value, .. } => value,
                    other => panic!("{other:?}"),
                },
                Logic::Group { .. } => panic!("filters only"),
            })
            .collect();
        assert_eq!(values, ["x,y)", "{1,2}", "plain"]);
    }

    #[test]
    fn a_column_may_be_called_and() {
        assert!(or("(and.eq.1,order.eq.2)").is_ok());
    }

    #[test]
    fn faults_are_refused() {
        for bad in ["()", "(id.in.1,2,id.eq.3)", ")(", "(ord(id.eq.1))", "(id.eq.1", "(id.eq.1)x", "", "(id)"] {
            assert!(or(bad).is_err(), "{bad}");
        }
        assert!(or(&format!("{}a.eq.1{}", "(and".repeat(300), ")".repeat(300))).is_err());
        let empty = or("()").expect_err("empty");
        assert_eq!(empty.column, 4);
        assert_eq!(
            empty.details,
            "unexpected \")\" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)"
        );
        assert_eq!(or("(id.eq.1))").expect("one too many").len(), 1);
    }
}
