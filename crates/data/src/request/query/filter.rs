//! `column=op.value`: the operators and the rules of quoting values.

use super::cursor::{Cursor, Parsed};
use super::field::Field;
use crate::error::Syntax;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    pub(crate) field: Field,
    pub(crate) test: Test,
}

/// An operator with its operand, possibly negated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    pub(crate) sense: Sense,
    pub(crate) operation: Operation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sense {
    Plain,
    Negated,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    /// Operators that also take `(any)` and `(all)`.
    Compare {
        operator: Comparison,
        quantifier: Option<Quantifier>,
        value: String,
    },
    Simple {
        operator: Simple,
        value: String,
    },
    In(Vec<String>),
    Is(IsValue),
    IsDistinct(String),
    Search {
        function: Search,
        language: Option<String>,
        value: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsValue {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// Declares an operator family: URL name, variant, SQL.
macro_rules! operators {
    ($(#[$doc:meta])* $family:ident { $($name:literal => $variant:ident $sql:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $family { $($variant),+ }
        impl $family {
            const NAMES: &[&str] = &[$($name),+];
            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
            pub(crate) fn sql(self) -> &'static str {
                match self { $(Self::$variant => $sql),+ }
            }
        }
    };
}

operators! {
    /// Operators that may be quantified.
    Comparison {
        "eq" => Eq "=",
        "gte" => Gte ">=",
        "gt" => Gt ">",
        "lte" => Lte "<=",
        "lt" => Lt "<",
        "like" => Like "like",
        "ilike" => Ilike "ilike",
        "match" => Match "~",
        "imatch" => Imatch "~*",
    }
}

operators! {
    /// Operators with one operand and no quantifier.
    Simple {
        "neq" => Neq "<>",
        "cs" => Contains "@>",
        "cd" => Contained "<@",
        "ov" => Overlap "&&",
        "sl" => StrictlyLeft "<<",
        "sr" => StrictlyRight ">>",
        "nxr" => NotExtendsRight "&<",
        "nxl" => NotExtendsLeft "&>",
        "adj" => Adjacent "-|-",
    }
}

operators! {
    /// Full-text search: how the query text is read.
    Search {
        "fts" => Query "to_tsquery",
        "plfts" => Plain "plainto_tsquery",
        "phfts" => Phrase "phraseto_tsquery",
        "wfts" => Websearch "websearch_to_tsquery",
    }
}

/// Where a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// A parameter of its own: the value is all the rest.
    Parameter,
    /// Inside `and=(…)`: the value ends at a comma or parenthesis unless quoted.
    Logic,
}

/// Parses `op.value` of a parameter.
pub(crate) fn parse(text: &str) -> Parsed<Test> {
    let mut cursor = Cursor::new(text);
    let found = test(&mut cursor, Context::Parameter)?;
    cursor.end("end of input")?;
    Ok(found)
}

pub(crate) fn test(cursor: &mut Cursor<'_>, context: Context) -> Parsed<Test> {
    let sense = if cursor.eat("not.") { Sense::Negated } else { Sense::Plain };
    Ok(Test { sense, operation: operation(cursor, context, sense)? })
}

fn operation(cursor: &mut Cursor<'_>, context: Context, sense: Sense) -> Parsed<Operation> {
    let start = cursor.clone();
    let name = cursor.take_while(|c| c.is_ascii_alphabetic());
    if let Some(operator) = Comparison::named(name) {
        let quantifier = quantifier(cursor)?;
        dot(cursor)?;
        return Ok(Operation::Compare { operator, quantifier, value: value(cursor, context)? });
    }
    if let Some(operator) = Simple::named(name) {
        dot(cursor)?;
        return Ok(Operation::Simple { operator, value: value(cursor, context)? });
    }
    if let Some(function) = Search::named(name) {
        let language = language(cursor)?;
        dot(cursor)?;
        return Ok(Operation::Search { function, language, value: value(cursor, context)? });
    }
    match name {
        "in" => dot(cursor).and_then(|()| list(cursor)).map(Operation::In),
        "is" => dot(cursor).and_then(|()| is_value(cursor)).map(Operation::Is),
        "isdistinct" => dot(cursor).and_then(|()| value(cursor, context)).map(Operation::IsDistinct),
        _ => Err(no_operator(start, sense)),
    }
}

const AN_OPERATOR: &str = "operator (eq, gt, ...)";
const ALL_NAMES: [&[&str]; 4] = [Comparison::NAMES, Simple::NAMES, Search::NAMES, &["in", "is", "isdistinct"]];

/// The failure is placed as PostgREST places it: behind the longest operator that the text begins with.
fn no_operator(mut cursor: Cursor<'_>, sense: Sense) -> Syntax {
    let rest = cursor.rest();
    let longest = ALL_NAMES.iter().flat_map(|names| names.iter()).filter(|name| rest.starts_with(**name));
    if let Some(name) = longest.max_by_key(|name| name.len()) {
        cursor.eat(name);
        return cursor.fail(AN_OPERATOR);
    }
    match sense {
        Sense::Negated => cursor.fail_word("in", AN_OPERATOR),
        Sense::Plain if cursor.eat("not") => cursor.fail("delimiter (.)"),
        Sense::Plain => cursor.fail_word("not", "\"not\" or operator (eq, gt, ...)"),
    }
}

fn dot(cursor: &mut Cursor<'_>) -> Parsed<()> {
    cursor.expect(".", AN_OPERATOR)
}

fn quantifier(cursor: &mut Cursor<'_>) -> Parsed<Option<Quantifier>> {
    if cursor.eat("(any)") {
        Ok(Some(Quantifier::Any))
    } else if cursor.eat("(all)") {
        Ok(Some(Quantifier::All))
    } else if cursor.eat("(") {
        Err(cursor.fail_word("any", AN_OPERATOR))
    } else {
        Ok(None)
    }
}

fn language(cursor: &mut Cursor<'_>) -> Parsed<Option<String>> {
    if !cursor.eat("(") {
        return Ok(None);
    }
    let language = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '$')).trim().to_owned();
    if language.is_empty() {
        return Err(cursor.fail(AN_OPERATOR));
    }
    cursor.expect(")", AN_OPERATOR)?;
    Ok(Some(language))
}

fn is_value(cursor: &mut Cursor<'_>) -> Parsed<IsValue> {
    let start = cursor.clone();
    let word = cursor.take_while(|c| c.is_ascii_alphabetic() || c == '_').to_ascii_lowercase();
    match word.as_str() {
        "null" => Ok(IsValue::Null),
        "not_null" => Ok(IsValue::NotNull),
        "true" => Ok(IsValue::True),
        "false" => Ok(IsValue::False),
        "unknown" => Ok(IsValue::Unknown),
        _ => Err(no_is_value(start)),
    }
}

/// Placed where the text stops being one of the words.
fn no_is_value(mut cursor: Cursor<'_>) -> Syntax {
    let same = |word: &str| {
        let pairs = cursor.rest().chars().zip(word.chars());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    let shared = ["null", "not_null", "true", "false", "unknown"].into_iter().map(same).max().unwrap_or(0);
    for _ in 0..shared {
        cursor.bump();
    }
    cursor.fail("isVal: (null, not_null, true, false, unknown)")
}

/// `(a,"b,c",d)`. One empty element means the empty list.
fn list(cursor: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    cursor.spaces();
    cursor.expect("(", "\"(\"")?;
    cursor.spaces();
    let mut values = Vec::new();
    loop {
        values.push(element(cursor)?);
        if cursor.eat(",") {
            continue;
        }
        cursor.expect(")", "\",\" or \")\"")?;
        cursor.spaces();
        if values.len() == 1 && values[0].is_empty() {
            values.clear();
        }
        return Ok(values);
    }
}

/// A quoted text if the quotes enclose all of it, else everything up to a comma or parenthesis.
fn element(cursor: &mut Cursor<'_>) -> Parsed<String> {
    if cursor.peek() == Some('"') {
        let mut ahead = cursor.clone();
        if let Ok(text) = ahead.quoted()
            && matches!(ahead.peek(), None | Some(',' | ')'))
        {
            *cursor = ahead;
            return Ok(text);
        }
        if let Some(text) = unescaped(cursor) {
            return Ok(text);
        }
    }
    Ok(cursor.take_while(|c| !matches!(c, ',' | ')')).to_owned())
}

/// `"a "b" c"` as postgrest-js before 2.110 writes it: quotes inside a quoted text are not escaped, so the text ends at the
/// first quote before a comma or parenthesis. PostgREST reads such a text as fragments that match nothing.
fn unescaped(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = cursor.clone();
    ahead.bump();
    let mut text = String::new();
    loop {
        match ahead.bump()? {
            '"' if matches!(ahead.peek(), None | Some(',' | ')')) => {
                *cursor = ahead;
                return Some(text);
            }
            '\\' => text.push(ahead.bump()?),
            c => text.push(c),
        }
    }
}

fn value(cursor: &mut Cursor<'_>, context: Context) -> Parsed<String> {
    match context {
        Context::Parameter => Ok(cursor.take_rest().to_owned()),
        Context::Logic => match array_literal(cursor) {
            Some(array) => Ok(array),
            None => element(cursor),
        },
    }
}

/// `{…}` keeps its commas: an array or range literal inside a logic list.
fn array_literal(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = cursor.clone();
    if !ahead.eat("{") {
        return None;
    }
    let inner = ahead.take_while(|c| !matches!(c, '{' | '}')).to_owned();
    if !ahead.eat("}") {
        return None;
    }
    *cursor = ahead;
    Some(format!("{{{inner}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(text: &str) -> (Comparison, Option<Quantifier>, String) {
        match parse(text).expect(text).operation {
            Operation::Compare { operator, quantifier, value } => (operator, quantifier, value),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_operator_is_known() {
        let names =
            "eq neq gt gte lt lte like ilike match imatch isdistinct cs cd ov sl sr nxr nxl adj fts plfts phfts wfts";
        for name in names.split(' ') {
            for text in [format!("{name}.x"), format!("not.{name}.x"), format!("{name}.")] {
                assert!(parse(&text).is_ok(), "{text}");
            }
        }
        assert!(parse("is.NULL").is_ok());
        assert!(parse("in.(1,2)").is_ok());
    }

    #[test]
    fn values_are_taken_whole() {
        assert_eq!(compare("eq.a.b,c)\"d"), (Comparison::Eq, None, "a.b,c)\"d".into()));
        assert_eq!(compare("like(any).{a*,b*}"), (Comparison::Like, Some(Quantifier::Any), "{a*,b*}".into()));
    }

    #[test]
    fn lists_honour_quotes_and_escapes() {
        let list = |text: &str| match parse(text).expect(text).operation {
            Operation::In(values) => values,
            other => panic!("{other:?}"),
        };
        assert_eq!(list("in.(1,2)"), ["1", "2"]);
        assert_eq!(list(r#"in.("a,b","c\"d")"#), ["a,b", "c\"d"]);
        assert_eq!(list(r#"in.("a"b,c)"#), ["\"a\"b", "c"]);
        assert_eq!(list(r#"in.("Beowulf, "anonymous"",Solaris)"#), ["Beowulf, \"anonymous\"", "Solaris"]);
        assert!(list("in.()").is_empty());
        assert_eq!(list("in.(,)"), ["", ""]);
        assert!(list("in.(   )").is_empty());
        assert_eq!(list("in.( a, b )"), ["a", " b "]);
    }

    #[test]
    fn faults_are_refused() {
        for bad in
            ["noop.1", "1", "", "eq", "in.1", "in.(1", "is.maybe", "eq(some).1", "fts().a", "fts(a;b).c", "neq(any).1"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_are_placed_and_worded_as_postgrest_does() {
        let start = "\"not\" or operator (eq, gt, ...)";
        let is = "isVal: (null, not_null, true, false, unknown)";
        let cases = [
            ("0", 1, "\"0\"", start),
            ("noop.0", 1, "\"o\"", start),
            ("val", 1, "\"v\"", start),
            ("", 1, "end of input", start),
            ("not.noop.1", 5, "\"n\"", AN_OPERATOR),
            ("nott.eq.1", 4, "\"t\"", "delimiter (.)"),
            ("eqq.1", 3, "\"q\"", AN_OPERATOR),
            ("eq", 3, "end of input", AN_OPERATOR),
            ("eq().value", 4, "\")\"", AN_OPERATOR),
            ("fts().value", 5, "\")\"", AN_OPERATOR),
            ("is().value", 3, "\"(\"", AN_OPERATOR),
            ("in().value", 3, "\"(\"", AN_OPERATOR),
            ("in.1,2", 4, "\"1\"", "\"(\""),
            ("is.nope", 6, "\"p\"", is),
            ("is.nu", 6, "end of input", is),
        ];
        for (text, column, unexpected, expecting) in cases {
            let fault = parse(text).expect_err(text);
            assert_eq!(fault.details, format!("unexpected {unexpected} expecting {expecting}"), "{text}");
            assert_eq!(fault.column, column, "{text}");
        }
    }
}
