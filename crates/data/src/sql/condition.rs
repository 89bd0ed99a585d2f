//! Values, `WHERE` conditions and `ORDER BY` terms.

use super::snippet::{Qualifier, Sql, array_literal};
use crate::plan::read::node::Presence;
use crate::plan::read::node::{Conversion, SearchValue};
use crate::plan::{Condition, SortKey, Value};
use crate::request::query::field::{Arrow, Operand, Step};
use crate::request::query::filter::{Comparison, IsValue, Operation, Quantifier, Sense};
use crate::request::query::logic::Connective;
use crate::request::query::order::{Direction, Nulls};

/// A column with its JSON path.
pub(super) fn value(sql: &mut Sql, table: Qualifier<'_>, value: &Value) {
    match value.conversion {
        Conversion::ToJson => sql.raw("to_jsonb(").column(table, &value.column).raw(")"),
        Conversion::None => sql.column(table, &value.column),
    };
    for step in &value.path {
        arrow(sql, step);
    }
}

fn arrow(sql: &mut Sql, step: &Step) {
    sql.raw(match step.arrow {
        Arrow::Json => "->",
        Arrow::Text => "->>",
    });
    match &step.operand {
        Operand::Key(key) => sql.text(key),
        Operand::Index(index) => sql.text(index).raw("::int"),
    };
}

/// How an "is this embed there" condition is said; counting has no joins to ask.
pub(super) type EmbeddedWriter<'a> = &'a dyn Fn(&mut Sql, &str, Presence);

/// With the embed joined: its row or array is null when there is nothing.
pub(super) fn by_join(sql: &mut Sql, lateral: &str, presence: Presence) {
    sql.ident(lateral).raw(match presence {
        Presence::Absent => " IS NOT DISTINCT FROM NULL",
        Presence::Present => " IS DISTINCT FROM NULL",
    });
}

pub(super) fn condition(sql: &mut Sql, table: Qualifier<'_>, found: &Condition, embedded: EmbeddedWriter<'_>) {
    match found {
        Condition::Group { sense, operator, members } => {
            sql.raw(not(*sense)).raw("(");
            let separator = match operator {
                Connective::And => " AND ",
                Connective::Or => " OR ",
            };
            sql.join(separator, members, |sql, member| condition(sql, table, member, embedded)).raw(")");
        }
        Condition::Test { value: operand, search, sense, operation } => {
            sql.raw(not(*sense));
            match (operation, search) {
                (Operation::Search { language, .. }, SearchValue::ToTsVector) => {
                    sql.raw("to_tsvector(");
                    language_argument(sql, language.as_deref());
                    value(sql, table, operand);
                    sql.raw(")");
                }
                _ => value(sql, table, operand),
            }
            test(sql, operation);
        }
        Condition::Embedded { lateral, presence } => embedded(sql, lateral, *presence),
    }
}

fn not(sense: Sense) -> &'static str {
    match sense {
        Sense::Plain => "",
        Sense::Negated => "NOT ",
    }
}

fn language_argument(sql: &mut Sql, language: Option<&str>) {
    if let Some(language) = language {
        sql.text(language).raw(", ");
    }
}

fn test(sql: &mut Sql, operation: &Operation) {
    match operation {
        Operation::Compare { operator, quantifier, value } => {
            sql.raw(" ").raw(operator.sql()).raw(" ");
            let value = match operator {
                // `%` would have to be percent-encoded in URLs
                Comparison::Like | Comparison::Ilike => &value.replace('*', "%"),
                _ => value,
            };
            match quantifier {
                None => sql.text(value),
                Some(Quantifier::Any) => sql.raw("ANY(").text(value).raw(")"),
                Some(Quantifier::All) => sql.raw("ALL(").text(value).raw(")"),
            };
        }
        Operation::Simple { operator, value } => {
            sql.raw(" ").raw(operator.sql()).raw(" ").text(value);
        }
        // one array parameter: the text stays the same for any number of values
        Operation::In(values) => {
            sql.raw(" = ANY(").bind(array_literal(values.iter().map(String::as_str))).raw(")");
        }
        // IS takes keywords only, so they are printed
        Operation::Is(value) => {
            sql.raw(match value {
                IsValue::Null => " IS NULL",
                IsValue::NotNull => " IS NOT NULL",
                IsValue::True => " IS TRUE",
                IsValue::False => " IS FALSE",
                IsValue::Unknown => " IS UNKNOWN",
            });
        }
        Operation::IsDistinct(value) => {
            sql.raw(" IS DISTINCT FROM ").text(value);
        }
        Operation::Search { function, language, value } => {
            sql.raw(" @@ ").raw(function.sql()).raw("(");
            language_argument(sql, language.as_deref());
            sql.text(value).raw(")");
        }
    }
}

pub(super) fn order_by(sql: &mut Sql, table: Qualifier<'_>, keys: &[SortKey]) {
    if keys.is_empty() {
        return;
    }
    sql.raw(" ORDER BY ").join(", ", keys, |sql, key| {
        match &key.lateral {
            Some(lateral) => value(sql, Qualifier::Alias(lateral), &key.value),
            None => value(sql, table, &key.value),
        }
        sql.raw(match key.direction {
            None => "",
            Some(Direction::Ascending) => " ASC",
            Some(Direction::Descending) => " DESC",
        });
        sql.raw(match key.nulls {
            None => "",
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
        });
    });
}
