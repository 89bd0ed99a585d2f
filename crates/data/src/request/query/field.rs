//! A column with an optional JSON path: `data->a->0->>b`.

use super::cursor::{Cursor, Parsed};

/// A column, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) path: Vec<Step>,
}

/// One arrow of a JSON path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) arrow: Arrow,
    pub(crate) operand: Operand,
}

/// What the arrow yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrow {
    /// `->`
    Json,
    /// `->>`
    Text,
}

/// What the arrow points at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Key(String),
    /// A whole number as written; PostgreSQL judges its size.
    Index(String),
}

impl Field {
    pub(crate) fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), path: Vec::new() }
    }

    /// The name a JSON path gets in the output: its last key, or the column if it has none.
    pub(crate) fn implied_alias(&self) -> Option<&str> {
        if self.path.is_empty() {
            return None;
        }
        let key = self.path.iter().rev().find_map(|step| match &step.operand {
            Operand::Key(key) => Some(key.as_str()),
            Operand::Index(_) => None,
        });
        Some(key.unwrap_or(&self.name))
    }
}

pub(crate) fn field(cursor: &mut Cursor<'_>) -> Parsed<Field> {
    cursor.spaces();
    let name = cursor.name()?;
    let path = json_path(cursor)?;
    cursor.spaces();
    Ok(Field { name, path })
}

pub(crate) fn json_path(cursor: &mut Cursor<'_>) -> Parsed<Vec<Step>> {
    let mut path = Vec::new();
    loop {
        let arrow = if cursor.eat("->>") {
            Arrow::Text
        } else if cursor.eat("->") {
            Arrow::Json
        } else {
            return Ok(path);
        };
        if path.len() >= super::cursor::MAX_DEPTH {
            return Err(cursor.say("JSON path too long"));
        }
        path.push(Step { arrow, operand: operand(cursor)? });
    }
}

fn operand(cursor: &mut Cursor<'_>) -> Parsed<Operand> {
    let mut ahead = cursor.clone();
    let sign = if ahead.eat("-") { "-" } else { "" };
    let digits = ahead.take_while(|c| c.is_ascii_digit());
    let ended = ahead.is_end() || ["->", "::", ".", ",", ")"].iter().any(|end| ahead.rest().starts_with(end));
    if !digits.is_empty() && ended {
        *cursor = ahead;
        return Ok(Operand::Index(format!("{sign}{digits}")));
    }
    if !sign.is_empty() {
        return Err(ahead.fail("digit"));
    }
    key(cursor).map(Operand::Key)
}

/// Keys may hold anything but the characters that end them.
fn key(cursor: &mut Cursor<'_>) -> Parsed<String> {
    if cursor.peek() == Some('"') {
        return cursor.quoted();
    }
    let mut text = String::new();
    while let Some(c) = cursor.peek() {
        if matches!(c, '(' | ')' | ':' | '.' | ',' | '>') || cursor.rest().starts_with("->") {
            break;
        }
        text.push(c);
        cursor.bump();
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(cursor.fail("\"-\", digit or any non reserved character different from: .,>()"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Field, String> {
        let mut cursor = Cursor::new(text);
        let parsed = field(&mut cursor).map_err(|e| e.details)?;
        cursor.end("end").map_err(|e| e.details)?;
        Ok(parsed)
    }

    #[test]
    fn paths_have_keys_and_indexes() {
        let parsed = parse("data->a-b->0->>-1").expect("path");
        assert_eq!(parsed.name, "data");
        assert_eq!(parsed.path.len(), 3);
        assert_eq!(parsed.path[0].operand, Operand::Key("a-b".into()));
        assert_eq!(parsed.path[1], Step { arrow: Arrow::Json, operand: Operand::Index("0".into()) });
        assert_eq!(parsed.path[2], Step { arrow: Arrow::Text, operand: Operand::Index("-1".into()) });
        assert_eq!(parsed.implied_alias(), Some("a-b"));
        assert_eq!(parse("data->3").expect("path").implied_alias(), Some("data"));
    }

    #[test]
    fn badly_formed_negatives_are_refused() {
        for bad in ["data->>-78xy", "data->>--34", "data->>-xy-4", "data->"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
