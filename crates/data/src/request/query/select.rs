//! `select=`: columns, aliases, casts, aggregates and embedded resources.

use super::cursor::{Cursor, MAX_DEPTH, MAX_ITEMS, Parsed};
use super::field::{Field, json_path};

/// One item of a select list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SelectItem {
    Column(SelectColumn),
    Relation(SelectRelation),
}

/// A column (or `*`) as asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SelectColumn {
    pub(crate) field: Field,
    pub(crate) alias: Option<String>,
    pub(crate) cast: Option<Cast>,
    pub(crate) aggregate: Option<Aggregate>,
}

/// An embedded resource as asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SelectRelation {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) join: Join,
    pub(crate) placement: Placement,
    pub(crate) items: Vec<SelectItem>,
}

/// Whether parents without a match stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Left,
    Inner,
}

/// Where an embedded resource's columns go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Under its own key.
    Nested,
    /// `...rel()`: among the parent's columns.
    Spread,
}

/// An aggregate call and the cast of its result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) function: AggregateFunction,
    pub(crate) cast: Option<Cast>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateFunction {
    Avg,
    Count,
    Max,
    Min,
    Sum,
}

impl AggregateFunction {
    const ALL: [(&'static str, AggregateFunction); 5] = [
        ("avg()", AggregateFunction::Avg),
        ("count()", AggregateFunction::Count),
        ("max()", AggregateFunction::Max),
        ("min()", AggregateFunction::Min),
        ("sum()", AggregateFunction::Sum),
    ];

    pub(crate) fn sql(self) -> &'static str {
        match self {
            AggregateFunction::Avg => "AVG",
            AggregateFunction::Count => "COUNT",
            AggregateFunction::Max => "MAX",
            AggregateFunction::Min => "MIN",
            AggregateFunction::Sum => "SUM",
        }
    }
}

/// The target of `::`. Holds only letters, digits, `_`, spaces and trailing `[]`, so it may be printed into SQL
/// unquoted; quoting would turn `int` into the name of no type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cast(String);

impl Cast {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(cursor: &mut Cursor<'_>) -> Parsed<Self> {
        let name = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ')).trim();
        if name.is_empty() {
            return Err(cursor.fail("letter or digit"));
        }
        let array = if cursor.eat("[]") { "[]" } else { "" };
        Ok(Self(format!("{name}{array}")))
    }
}

/// Parses the whole parameter.
///
/// # Errors
/// The place and kind of the first fault.
pub(crate) fn parse(text: &str) -> Parsed<Vec<SelectItem>> {
    let mut cursor = Cursor::new(text);
    let mut budget = MAX_ITEMS;
    let items = forest(&mut cursor, 0, &mut budget)?;
    cursor.end("letter, digit, \"-\", \"->>\", \"->\", \"::\", \".\", \",\" or end of input")?;
    Ok(items)
}

fn forest(cursor: &mut Cursor<'_>, depth: usize, budget: &mut usize) -> Parsed<Vec<SelectItem>> {
    if depth > MAX_DEPTH {
        return Err(cursor.say(format!("embedding deeper than {MAX_DEPTH} levels")));
    }
    let mut items = Vec::new();
    cursor.spaces();
    if cursor.is_end() || cursor.peek() == Some(')') {
        return Ok(items);
    }
    loop {
        *budget = budget.checked_sub(1).ok_or_else(|| cursor.say("too many select items"))?;
        cursor.spaces();
        items.push(item(cursor, depth, budget)?);
        cursor.spaces();
        if !cursor.eat(",") {
            return Ok(items);
        }
    }
}

fn item(cursor: &mut Cursor<'_>, depth: usize, budget: &mut usize) -> Parsed<SelectItem> {
    if cursor.eat("...") {
        let name = cursor.name()?;
        return relation(cursor, name, None, Placement::Spread, depth, budget);
    }
    if cursor.eat("*") {
        return Ok(column(Field::plain("*"), None, None, None));
    }
    let (alias, name) = aliased_name(cursor)?;
    match cursor.peek() {
        Some('(') if name == "count" && cursor.eat("()") => {
            let cast = cast(cursor)?;
            let count = Aggregate { function: AggregateFunction::Count, cast };
            Ok(column(Field::plain("*"), alias, None, Some(count)))
        }
        Some('(' | '!') => relation(cursor, name, alias, Placement::Nested, depth, budget),
        _ => {
            let path = json_path(cursor)?;
            let first_cast = cast(cursor)?;
            let aggregate = aggregate(cursor)?;
            Ok(column(Field { name, path }, alias, first_cast, aggregate))
        }
    }
}

fn column(field: Field, alias: Option<String>, cast: Option<Cast>, aggregate: Option<Aggregate>) -> SelectItem {
    SelectItem::Column(SelectColumn { field, alias, cast, aggregate })
}

/// `name` or `alias:name`; a double colon is a cast.
fn aliased_name(cursor: &mut Cursor<'_>) -> Parsed<(Option<String>, String)> {
    let first = cursor.name()?;
    if cursor.rest().starts_with("::") || !cursor.eat(":") {
        return Ok((None, first));
    }
    Ok((Some(first), cursor.name()?))
}

fn cast(cursor: &mut Cursor<'_>) -> Parsed<Option<Cast>> {
    if cursor.eat("::") { Cast::parse(cursor).map(Some) } else { Ok(None) }
}

fn aggregate(cursor: &mut Cursor<'_>) -> Parsed<Option<Aggregate>> {
    if !cursor.eat(".") {
        return Ok(None);
    }
    for (text, function) in AggregateFunction::ALL {
        if cursor.eat(text) {
            return Ok(Some(Aggregate { function, cast: cast(cursor)? }));
        }
    }
    Err(cursor.fail("\"sum()\", \"avg()\", \"count()\", \"max()\" or \"min()\""))
}

fn relation(
    cursor: &mut Cursor<'_>,
    name: String,
    alias: Option<String>,
    placement: Placement,
    depth: usize,
    budget: &mut usize,
) -> Parsed<SelectItem> {
    let (hint, join) = parameters(cursor)?;
    cursor.expect("(", "\"(\"")?;
    let items = forest(cursor, depth + 1, budget)?;
    cursor.expect(")", "\")\" or \",\"")?;
    Ok(SelectItem::Relation(SelectRelation { name, alias, hint, join, placement, items }))
}

/// Up to two of `!inner`, `!left` and `!hint`, in any order.
fn parameters(cursor: &mut Cursor<'_>) -> Parsed<(Option<String>, Join)> {
    let (mut hint, mut join) = (None, None);
    for _ in 0..2 {
        if !cursor.eat("!") {
            break;
        }
        match cursor.name()? {
            word if word == "inner" && join.is_none() => join = Some(Join::Inner),
            word if word == "left" && join.is_none() => join = Some(Join::Left),
            word if hint.is_none() => hint = Some(word),
            _ => return Err(cursor.fail("\"(\"")),
        }
    }
    Ok((hint, join.unwrap_or(Join::Left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation_of(text: &str) -> SelectRelation {
        match parse(text).expect(text).remove(0) {
            SelectItem::Relation(relation) => relation,
            SelectItem::Column(_) => panic!("{text} is a column"),
        }
    }

    fn column_of(text: &str) -> SelectColumn {
        match parse(text).expect(text).remove(0) {
            SelectItem::Column(column) => column,
            SelectItem::Relation(_) => panic!("{text} is a relation"),
        }
    }

    #[test]
    fn relations_take_hint_and_join_in_any_order() {
        let cases = [
            ("rel(*)", None, None, Join::Left),
            ("alias:rel(*)", Some("alias"), None, Join::Left),
            ("rel!hint(*)", None, Some("hint"), Join::Left),
            ("rel!inner(*)", None, None, Join::Inner),
            ("rel!hint!inner(*)", None, Some("hint"), Join::Inner),
            ("alias:rel!inner!hint(*)", Some("alias"), Some("hint"), Join::Inner),
            ("rel!left(*)", None, None, Join::Left),
        ];
        for (text, alias, hint, join) in cases {
            let found = relation_of(text);
            assert_eq!((found.alias.as_deref(), found.hint.as_deref(), found.join), (alias, hint, join), "{text}");
        }
        assert_eq!(relation_of("...rel(a)").placement, Placement::Spread);
        assert!(relation_of("rel()").items.is_empty());
    }

    #[test]
    fn columns_take_alias_path_cast_and_aggregate() {
        let found = column_of("alias:name->jsonpath::text");
        assert_eq!(found.alias.as_deref(), Some("alias"));
        assert_eq!(found.cast.as_ref().map(Cast::as_str), Some("text"));
        assert_eq!(found.field.path.len(), 1);
        assert_eq!(column_of("price.sum()::int").aggregate.map(|a| a.function), Some(AggregateFunction::Sum));
        assert_eq!(column_of("count()").field.name, "*");
        assert_eq!(column_of("tags::text[]").cast.as_ref().map(Cast::as_str), Some("text[]"));
    }

    #[test]
    fn faults_are_refused_with_their_place() {
        for bad in [
            "id,",
            "name!hint",
            "*!hint",
            "name::",
            "rel->path(*)",
            "id,clients(name",
            "id)",
            "a::int;drop",
            "rel!a!b!c(*)",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("id,clients(name[])").expect_err("bracket").column, 16);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{}{}", "a(".repeat(200), ")".repeat(200));
        assert!(parse(&deep).is_err());
        assert!(parse(&vec!["a"; 5_000].join(",")).is_err());
    }
}
