//! The query string: which parameter is which clause, and the clauses' grammars.

mod cursor;
pub(crate) mod field;
pub(crate) mod filter;
pub(crate) mod logic;
pub(crate) mod order;
pub(crate) mod range;
pub(crate) mod select;

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{RequestError, Syntax};
use cursor::{Cursor, MAX_ITEMS, Parsed};
use field::Field;
use filter::{Filter, Sense};
use logic::{Connective, Logic};
use order::OrderTerm;
use range::Range;
use select::SelectItem;

/// The names leading to an embedded resource; empty for the top level.
pub(crate) type EmbedPath = Vec<String>;

/// Everything the query string said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) select: Vec<SelectItem>,
    pub(crate) filters: Vec<(EmbedPath, Filter)>,
    pub(crate) logic: Vec<(EmbedPath, Logic)>,
    pub(crate) order: Vec<(EmbedPath, Vec<OrderTerm>)>,
    pub(crate) ranges: Vec<(EmbedPath, Range)>,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) on_conflict: Option<Vec<String>>,
    /// Arguments of a function called by GET.
    pub(crate) arguments: Vec<(String, String)>,
    /// The parameters sorted by name, for `Content-Location`.
    pub(crate) canonical: String,
}

/// What parameters that are no clause mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// Filters, and nothing else.
    Filters,
    /// Function arguments, unless they read as a filter.
    Arguments,
}

/// Parses a raw (still encoded) query string.
///
/// # Errors
/// PGRST100 with the place of the first fault.
pub(crate) fn parse(raw: &str, others: Others) -> Result<Query, RequestError> {
    let pairs = decode(raw)?;
    let mut query = Query {
        select: Vec::new(),
        filters: Vec::new(),
        logic: Vec::new(),
        order: Vec::new(),
        ranges: Vec::new(),
        columns: None,
        on_conflict: None,
        arguments: Vec::new(),
        canonical: canonical(&pairs),
    };
    let mut select = None;
    for (key, value) in &pairs {
        let Some(value) = value else { continue };
        match key.as_ref() {
            "select" => select = select.or(Some(value)),
            // of a repeated one the first counts, as for select
            "columns" if query.columns.is_none() => {
                query.columns = Some(clause("columns parameter", value, |c| c.names())?);
            }
            "on_conflict" if query.on_conflict.is_none() => {
                query.on_conflict = Some(clause("on_conflict parameter", value, |c| c.names())?);
            }
            "columns" | "on_conflict" => {}
            _ => read_other(&mut query, key, value, others)?,
        }
    }
    let select = select.map_or("*", |text| text.as_ref());
    query.select = select::parse(select).map_err(|e| fault("select parameter", select, e))?;
    Ok(query)
}

fn read_other(query: &mut Query, key: &str, value: &str, others: Others) -> Result<(), RequestError> {
    let last = key.rsplit('.').next().unwrap_or(key);
    match last {
        "order" => {
            let terms = order::parse(value).map_err(|e| fault("order", value, e))?;
            query.order.push((parents(key)?, terms));
        }
        "limit" | "offset" => read_range(query, key, last, value)?,
        "and" | "or" => {
            let (path, sense) = logic_path(key)?;
            let operator = if last == "and" { Connective::And } else { Connective::Or };
            let tree = logic::parse(value, operator, sense).map_err(|e| fault("logic tree", value, e))?;
            query.logic.push((path, tree));
        }
        _ => match (filter::parse(value), others) {
            (Ok(test), _) => {
                let (path, field) = tree_path(key)?;
                query.filters.push((path, Filter { field, test }));
            }
            (Err(e), others) => match argument_name(key) {
                Some(name) if others == Others::Arguments => query.arguments.push((name, value.to_owned())),
                _ => return Err(fault("filter", value, e)),
            },
        },
    }
    Ok(())
}

/// `limit` and `offset` of one resource are one range. Text that is no number is ignored, as PostgREST does.
fn read_range(query: &mut Query, key: &str, which: &str, value: &str) -> Result<(), RequestError> {
    let path = parents(key)?;
    let Ok(number) = value.trim().parse::<i64>() else { return Ok(()) };
    let at = query.ranges.iter().position(|(p, _)| *p == path).unwrap_or_else(|| {
        query.ranges.push((path, Range::default()));
        query.ranges.len() - 1
    });
    let range = &mut query.ranges[at].1;
    match which {
        "limit" => range.limit = Some(number),
        _ => range.offset = number,
    }
    Ok(())
}

fn clause<T>(
    what: &'static str,
    text: &str,
    grammar: impl FnOnce(&mut Cursor<'_>) -> Parsed<T>,
) -> Result<T, RequestError> {
    grammar(&mut Cursor::new(text)).map_err(|e| fault(what, text, e))
}

fn fault(what: &'static str, input: &str, syntax: Syntax) -> RequestError {
    // the input is echoed; a megabyte of it helps nobody
    let input = input.chars().take(1_000).collect();
    RequestError::Syntax { what, input, syntax }
}

/// `a.b.column->path`: the embeds on the way and the column.
fn tree_path(key: &str) -> Result<(EmbedPath, Field), RequestError> {
    clause("tree path", key, |cursor| {
        let mut path = vec![cursor.name()?];
        while cursor.eat(".") {
            path.push(cursor.name()?);
        }
        let steps = field::json_path(cursor)?;
        cursor.end("delimiter (.), \"->\", \"->>\" or end of input")?;
        let name = path.pop().unwrap_or_default();
        Ok((path, Field { name, path: steps }))
    })
}

/// An argument's name may be quoted like a column's, and then have dots; otherwise those lead to an embed.
fn argument_name(key: &str) -> Option<String> {
    match tree_path(key) {
        Ok((path, field)) if path.is_empty() && field.path.is_empty() => Some(field.name),
        _ => (!key.contains('.')).then(|| key.to_owned()),
    }
}

/// The path before the last word.
fn parents(key: &str) -> Result<EmbedPath, RequestError> {
    tree_path(key).map(|(path, _)| path)
}

/// `rel.not.or`: the embeds, and whether the group is negated.
fn logic_path(key: &str) -> Result<(EmbedPath, Sense), RequestError> {
    let path = parents(key)?;
    let negated = path.iter().any(|name| name == "not");
    let path = path.into_iter().filter(|name| name != "not").collect();
    Ok((path, if negated { Sense::Negated } else { Sense::Plain }))
}

type Pair<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

/// Splits and decodes. NUL is refused here: PostgreSQL can hold it in no text and no name.
fn decode(raw: &str) -> Result<Vec<Pair<'_>>, RequestError> {
    let mut pairs = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        let (key, value) = match piece.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (piece, None),
        };
        pairs.push((decode_text(key)?, value.map(decode_text).transpose()?));
        if pairs.len() > MAX_ITEMS {
            return Err(RequestError::QueryEncoding("too many parameters"));
        }
    }
    Ok(pairs)
}

fn decode_text(text: &str) -> Result<Cow<'_, str>, RequestError> {
    let invalid = RequestError::QueryEncoding("the query string is not valid UTF-8");
    let decoded = if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| invalid)?;
        Cow::Owned(decoded.into_owned())
    } else {
        percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| invalid)?
    };
    if decoded.contains('\0') {
        return Err(RequestError::QueryEncoding("the query string contains a NUL character"));
    }
    Ok(decoded)
}

fn canonical(pairs: &[Pair<'_>]) -> String {
    let mut sorted: Vec<_> = pairs.iter().map(|(k, v)| (k.as_ref(), v.as_deref().unwrap_or_default())).collect();
    sorted.sort_by(|a, b| a.0.cmp(b.0));
    let mut text = String::new();
    for (i, (key, value)) in sorted.into_iter().enumerate() {
        text.push_str(if i > 0 { "&" } else { "" });
        text.extend(utf8_percent_encode(key, UNRESERVED));
        text.push('=');
        text.extend(utf8_percent_encode(value, UNRESERVED));
    }
    text
}

/// Unreserved characters of RFC 3986 stay, everything else is encoded.
pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(raw: &str) -> Query {
        parse(raw, Others::Filters).expect(raw)
    }

    #[test]
    fn each_parameter_goes_to_its_clause() {
        let query = ok(
            "id=eq.1&a.b=gt.2&order=id.desc&a.order=x&limit=5&offset=2&a.limit=1&or=(x.eq.1,y.eq.2)&a.not.and=(x.eq.1)",
        );
        assert_eq!(query.filters.len(), 2);
        assert_eq!(query.filters[1].0, ["a"]);
        assert_eq!(query.order.len(), 2);
        assert_eq!(
            query.ranges,
            [(vec![], Range { offset: 2, limit: Some(5) }), (vec!["a".into()], Range { offset: 0, limit: Some(1) })]
        );
        assert_eq!(query.logic[1].0, ["a"]);
        assert!(matches!(&query.logic[1].1, Logic::Group { sense: Sense::Negated, .. }));
        assert_eq!(query.select.len(), 1);
    }

    #[test]
    fn functions_take_arguments_and_filters() {
        let quoted = parse("%22my arg%22=1", Others::Arguments).expect("quoted");
        assert_eq!(quoted.arguments, [("my arg".to_owned(), "1".to_owned())]);
        let query = parse("a=1&b=eq.2&c=x&c=y", Others::Arguments).expect("call");
        assert_eq!(query.arguments.len(), 3);
        assert_eq!(query.filters.len(), 1);
        assert!(parse("a=1", Others::Filters).is_err());
    }

    #[test]
    fn encodings_are_decoded_or_refused() {
        let query = ok("na%6De=eq.a+b%2Bc");
        assert_eq!(query.filters[0].1.field.name, "name");
        assert!(
            matches!(&query.filters[0].1.test.operation, filter::Operation::Compare { value, .. } if value == "a b+c")
        );
        for bad in ["a=eq.%ff", "a=eq.%00", "%00=eq.1"] {
            assert!(parse(bad, Others::Filters).is_err(), "{bad}");
        }
        assert!(parse(&"a=eq.1&".repeat(5_000), Others::Filters).is_err());
    }

    #[test]
    fn the_canonical_form_is_sorted() {
        assert_eq!(ok("b=eq.1&a=eq.x y~&select=*").canonical, "a=eq.x%20y~&b=eq.1&select=%2A");
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let pieces = [
            "", "=", "(", ")", ",", ".", "\"", "->", "->>", "::", "!", "...", "*", "not.", "and(", "in.(", "é", "\\",
            "%25", "%", ":",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for key in ["select", "or", "id", "order", "columns", "x.limit", "a->b"] {
                        let _ = parse(&format!("{key}={a}{b}{c}"), Others::Filters);
                        let _ = parse(&format!("{a}{b}{c}={key}"), Others::Arguments);
                    }
                }
            }
        }
    }
}
