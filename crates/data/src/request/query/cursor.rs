//! A cursor over one parameter's text: the few lexical rules all clauses share.

use crate::error::Syntax;

/// How deep select and logic may nest. PostgreSQL and we recurse; past this the answer is a clear 400.
pub(crate) const MAX_DEPTH: usize = 64;
/// How many items one request's select, filters, order and lists of names may have in all.
pub(crate) const MAX_ITEMS: usize = 2_000;

pub(crate) type Parsed<T> = Result<T, Syntax>;

#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    input: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self { input, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.input[self.at..]
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at == self.input.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Consumes `token` if it is next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(crate) fn expect(&mut self, token: &'static str, what: &str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(self.fail(what)) }
    }

    pub(crate) fn spaces(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    pub(crate) fn end(&self, expecting: &str) -> Parsed<()> {
        if self.is_end() { Ok(()) } else { Err(self.fail_before_end(expecting)) }
    }

    /// Consumes characters while `keep` holds.
    pub(crate) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Consumes everything left.
    pub(crate) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.input.len();
        rest
    }

    /// "Unexpected this, expecting that", at the cursor.
    pub(crate) fn fail(&self, expecting: &str) -> Syntax {
        let unexpected = match self.peek() {
            Some(c) => format!("unexpected \"{c}\""),
            None => "unexpected end of input".to_owned(),
        };
        self.say(format!("{unexpected} expecting {expecting}"))
    }

    /// The same where the end of the text was acceptable; PostgREST quotes the character differently there, and
    /// clients compare these texts.
    pub(crate) fn fail_before_end(&self, expecting: &str) -> Syntax {
        match self.peek() {
            Some(c) => self.say(format!("unexpected '{c}' expecting {expecting}")),
            None => self.fail(expecting),
        }
    }

    /// The same where `word` was tried: the first character that differs from it is the unexpected one, at the place
    /// where the word begins.
    pub(crate) fn fail_word(&self, word: &str, expecting: &str) -> Syntax {
        let mut word = word.chars();
        let differs = self.rest().chars().find(|c| word.next() != Some(*c));
        let unexpected = differs.map_or("unexpected end of input".to_owned(), |c| format!("unexpected \"{c}\""));
        self.say(format!("{unexpected} expecting {expecting}"))
    }

    /// A failure in our own words, at the cursor.
    pub(crate) fn say(&self, details: impl Into<String>) -> Syntax {
        Syntax { column: self.input[..self.at].chars().count() + 1, details: details.into() }
    }

    /// `"…"` with backslash escapes.
    pub(crate) fn quoted(&mut self) -> Parsed<String> {
        self.expect("\"", "\"\\\"\"")?;
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.bump().ok_or_else(|| self.fail("any character"))?),
                Some(c) => text.push(c),
                None => return Err(self.fail("\"\\\"\"")),
            }
        }
    }

    /// A table, column, alias or function name: quoted, or letters, digits, `_`, `$`, spaces and single dashes.
    pub(crate) fn name(&mut self) -> Parsed<String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let start = self.at;
        while let Some(c) = self.peek() {
            let dash = c == '-' && self.at > start && !self.rest().starts_with("->");
            if !(c.is_alphanumeric() || matches!(c, '_' | '$' | ' ') || dash) {
                break;
            }
            self.at += c.len_utf8();
        }
        let name = self.input[start..self.at].trim();
        if name.is_empty() {
            self.at = start;
            return Err(self.fail("field name (* or [a..z0..9_$])"));
        }
        Ok(name.to_owned())
    }

    /// A comma-separated list of names, to the end of the text.
    pub(crate) fn names(&mut self) -> Parsed<Vec<String>> {
        let mut names = Vec::new();
        loop {
            self.spaces();
            names.push(self.name()?);
            self.spaces();
            if names.len() > MAX_ITEMS {
                return Err(self.say("too many names"));
            }
            if self.is_end() {
                return Ok(names);
            }
            self.expect(",", "\",\" or end of input")?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_postgrest_rules() {
        let cases = [
            ("identifier", Some("identifier")),
            ("identifier with spaces", Some("identifier with spaces")),
            ("identifier-with-dashes", Some("identifier-with-dashes")),
            ("123", Some("123")),
            ("_", Some("_")),
            ("$", Some("$")),
            (":", None),
            ("\":\"", Some(":")),
            (" trimmed ", Some("trimmed")),
            ("\" kept \"", Some(" kept ")),
            ("\"a\\\"b\"", Some("a\"b")),
            ("naïve", Some("naïve")),
            ("", None),
        ];
        for (input, expected) in cases {
            assert_eq!(Cursor::new(input).name().ok().as_deref(), expected, "{input}");
        }
    }

    #[test]
    fn an_arrow_ends_a_name() {
        let mut cursor = Cursor::new("data->key");
        assert_eq!(cursor.name().as_deref(), Ok("data"));
        assert_eq!(cursor.rest(), "->key");
    }
}
