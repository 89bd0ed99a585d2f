//! Where statements begin and end in an SQL script, to name the line of a failure and to send statements one by one.
//!
//! Knows what can hide a semicolon: strings, quoted identifiers, dollar quotes, comments, and `BEGIN ATOMIC … END`
//! bodies of SQL functions. It finds borders only; PostgreSQL alone decides what a statement means.

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Text without leading white space and comments, without the semicolon.
    pub(crate) text: &'a str,
    /// Line on which it begins, counted from 1.
    pub(crate) line: usize,
}

/// Splits a script into its statements.
pub(crate) fn split(script: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut scan = Scan { text: script, at: 0 };
    let mut start = None;
    let mut atomic = 0_usize;
    let mut last_word = "";
    while let Some(byte) = scan.peek() {
        let before = scan.at;
        if scan.skip_comment() || (byte.is_ascii_whitespace() && scan.step()) {
            continue;
        }
        if byte == b';' && atomic == 0 {
            push(&mut pieces, script, start.take(), before);
            scan.at += 1;
            last_word = "";
            continue;
        }
        start.get_or_insert(before);
        if scan.skip_quoted() {
            last_word = "";
            continue;
        }
        let word = scan.word();
        if word.is_empty() {
            scan.step();
            continue;
        }
        let opens = (word.eq_ignore_ascii_case("atomic") && last_word.eq_ignore_ascii_case("begin"))
            || (atomic > 0 && word.eq_ignore_ascii_case("case"));
        if opens {
            atomic += 1;
        } else if atomic > 0 && word.eq_ignore_ascii_case("end") {
            atomic -= 1;
        }
        last_word = word;
    }
    push(&mut pieces, script, start, script.len());
    pieces
}

/// The line (from 1) of a character position (from 1, as PostgreSQL reports it).
pub(crate) fn line_at(script: &str, position: usize) -> usize {
    script.chars().take(position.saturating_sub(1)).filter(|c| *c == '\n').count() + 1
}

fn push<'a>(pieces: &mut Vec<Piece<'a>>, script: &'a str, start: Option<usize>, end: usize) {
    if let Some(start) = start {
        let line = script[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
        pieces.push(Piece { text: script[start..end].trim_end(), line });
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves one character on. Always true, so that it can stand in a condition.
    fn step(&mut self) -> bool {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
        true
    }

    /// Moves behind `end`, or to the end of the script.
    fn pass(&mut self, from: usize, end: &str) {
        let begin = self.at + from;
        self.at =
            self.text.get(begin..).and_then(|rest| rest.find(end)).map_or(self.text.len(), |i| begin + i + end.len());
    }

    fn skip_comment(&mut self) -> bool {
        if self.rest().starts_with("--") {
            self.pass(2, "\n");
            return true;
        }
        if !self.rest().starts_with("/*") {
            return false;
        }
        let mut depth = 0;
        while !self.rest().is_empty() {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                self.step();
            }
        }
        true
    }

    fn skip_quoted(&mut self) -> bool {
        match self.peek() {
            Some(b'\'') => {
                // E'…' knows backslash escapes; the letter before decides
                let escapes = matches!(self.text.as_bytes()[..self.at].last(), Some(b'e' | b'E'));
                self.skip_string(escapes);
                true
            }
            Some(b'"') => {
                self.pass(1, "\"");
                true
            }
            Some(b'$') => {
                let tag_end = self.rest()[1..].find('$').map(|i| i + 2);
                let Some(tag) = tag_end.map(|end| &self.rest()[..end]) else { return false };
                if !tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_') {
                    return false;
                }
                self.pass(tag.len(), tag);
                true
            }
            _ => false,
        }
    }

    fn skip_string(&mut self, escapes: bool) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' if escapes => {
                    self.at += 1;
                    self.step();
                }
                b'\'' if self.rest().starts_with("''") => self.at += 2,
                b'\'' => {
                    self.at += 1;
                    return;
                }
                _ => {
                    self.step();
                }
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        // `e'…'`: leave the letter to be looked back at
        self.at += end;
        &rest[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn borders_are_found() {
        let script = "-- first\nselect ';', \"a;b\";\n/* ; /* ; */ */ insert into t values (E'\\';', 'it''s;');\n\
            create function f() returns int language plpgsql as $body$ begin; return 1; end $body$;\n\
            create function g() returns int begin atomic select case when true then 1 end; select 2; end;\n  select $1";
        let found: Vec<_> = split(script)
            .into_iter()
            .map(|p| (p.line, p.text.split(' ').take(3).collect::<Vec<_>>().join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                (2, "select ';', \"a;b\"".to_owned()),
                (3, "insert into t".to_owned()),
                (4, "create function f()".to_owned()),
                (5, "create function g()".to_owned()),
                (6, "select $1".to_owned())
            ]
        );
    }

    #[test]
    fn lines_are_counted_in_characters() {
        assert_eq!(line_at("ä\nö\nx", 5), 3);
    }

    proptest! {
        #[test]
        fn any_text_ends(script in "[-/*'\"$;a-z \\n\\\\é]{0,80}") {
            for piece in split(&script) {
                prop_assert!(!piece.text.is_empty());
            }
        }
    }
}
