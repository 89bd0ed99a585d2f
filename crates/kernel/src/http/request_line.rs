//! Request targets as people type them: `?select=data->>key` instead of `data-%3E%3Ekey`.
//!
//! `http::Uri` refuses characters such as `>`, `"` or `|`, and the connection would answer 400 before any role sees the
//! request. [`RequestLines`] follows the bytes of an HTTP/1 connection and names those bytes of a request target that have
//! to be percent-encoded. It holds nothing back: a target may arrive in any number of pieces.
//!
//! Encoding a byte that is *not* part of a target would shift a body against its length, which is how requests are
//! smuggled. So a target is only looked for where a message is known to begin: at the start of the connection, and where
//! the bytes handed on so far are exactly one head and the body length that the HTTP parser itself found for it. Whenever
//! this cannot be told (pipelining, chunked bodies, upgrades, HTTP/2) the rest of the connection passes untouched.

use http::uri::PathAndQuery;
use std::sync::LazyLock;

const IN_PATH: u8 = 1;
const IN_QUERY: u8 = 2;

/// Longest method that is taken for one.
const LONGEST_METHOD: usize = 32;

/// Which printable ASCII characters `http::Uri` refuses, asked of itself. Characters past ASCII are accepted when they are
/// UTF-8, and control characters stay refused.
static REFUSED: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let mut refused = [0; 256];
    for byte in b'!'..=b'~' {
        let is_refused = |start: &[u8]| PathAndQuery::try_from(&[start, &[byte]].concat()[..]).is_err();
        let (path, query) = (is_refused(b"/"), is_refused(b"/?"));
        refused[usize::from(byte)] = if path { IN_PATH } else { 0 } | if query { IN_QUERY } else { 0 };
    }
    refused
});

/// What the HTTP parser has made of a connection so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Messages whose head it has read.
    pub(super) messages: u64,
    /// Body length of the latest; `None` when it is unknown (chunked) or the connection becomes something else.
    pub(super) body: Option<u64>,
}

/// Follows the messages of one connection.
#[derive(Debug)]
pub(super) struct RequestLines {
    place: Place,
    /// Messages begun, this one included.
    begun: u64,
    /// Bytes of this message handed on.
    passed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Method {
        length: usize,
        /// True while it may still be the `PRI` of HTTP/2's preface.
        is_preface: bool,
    },
    /// Inside the target; which characters are refused here.
    Target(u8),
    /// Between the target and the empty line.
    Head(Line),
    /// Past a head of this many bytes.
    Body { head: u64 },
    /// It cannot be told where messages begin: everything passes.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Inside,
    Began,
    /// A line that began with a carriage return.
    Returned,
}

const BEGINNING: Place = Place::Method { length: 0, is_preface: true };

impl RequestLines {
    pub(super) fn new() -> Self {
        Self { place: BEGINNING, begun: 1, passed: 0 }
    }

    /// To be told before bytes are read: the next message begins here when all bytes before belong to those that were
    /// parsed.
    pub(super) fn settle(&mut self, parsed: Parsed) {
        let Place::Body { head } = self.place else { return };
        if parsed.messages < self.begun {
            return;
        }
        let length = parsed.body.filter(|_| parsed.messages == self.begun).map(|body| head.saturating_add(body));
        match length {
            Some(length) if self.passed < length => {}
            Some(length) if self.passed == length => {
                *self = Self { place: BEGINNING, begun: self.begun + 1, passed: 0 };
            }
            _ => self.place = Place::Unknown,
        }
    }

    /// True when bytes need not be shown any more.
    pub(super) fn is_done(&self) -> bool {
        self.place == Place::Unknown
    }

    /// True when the next byte is the first of a message.
    pub(super) fn is_at_beginning(&self) -> bool {
        self.place == BEGINNING
    }

    /// Looks at the next bytes. `None` when they may pass as they are.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut encoded: Option<Vec<u8>> = None;
        let mut at = 0;
        while let (Some(&byte), Place::Method { .. } | Place::Target(_)) = (bytes.get(at), self.place) {
            if self.step(byte) {
                let out = encoded.get_or_insert_with(|| bytes[..at].to_vec());
                out.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte & 15)]);
            } else if let Some(out) = &mut encoded {
                out.push(byte);
            }
            at += 1;
        }
        let rest = &bytes[at..];
        if let Some(out) = &mut encoded {
            out.extend_from_slice(rest);
        }
        if let Place::Head(line) = self.place {
            self.place = match end_of_head(line, rest) {
                Ok(end) => Place::Body { head: self.passed + (at + end) as u64 },
                Err(line) => Place::Head(line),
            };
        }
        self.passed += bytes.len() as u64;
        encoded
    }

    /// One byte of method or target; true when it has to be encoded.
    fn step(&mut self, byte: u8) -> bool {
        self.place = match (self.place, byte) {
            (Place::Method { length: 3, is_preface: true }, b' ') => Place::Unknown,
            (Place::Method { length: 1.., .. }, b' ') => Place::Target(IN_PATH),
            (Place::Method { length, is_preface }, b'A'..=b'Z' | b'-' | b'_') if length < LONGEST_METHOD => {
                Place::Method { length: length + 1, is_preface: is_preface && b"PRI".get(length) == Some(&byte) }
            }
            (Place::Target(_), b' ') => Place::Head(Line::Inside),
            (Place::Target(_), b'?') => Place::Target(IN_QUERY),
            (Place::Target(part), b'!'..=b'~' | 0x80..) => {
                return REFUSED[usize::from(byte)] & part != 0;
            }
            // not a request line: the parser will say so
            _ => Place::Unknown,
        };
        false
    }
}

/// Where the head ends, after its empty line; or how far into a line the bytes lead.
fn end_of_head(mut line: Line, bytes: &[u8]) -> Result<usize, Line> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        line = match (line, byte) {
            (Line::Began | Line::Returned, b'\n') => return Ok(at),
            (Line::Began, b'\r') => Line::Returned,
            (_, b'\n') => Line::Began,
            _ => match bytes[at..].iter().position(|byte| *byte == b'\n') {
                Some(newline) => {
                    at += newline + 1;
                    Line::Began
                }
                None => return Err(Line::Inside),
            },
        };
    }
    Err(line)
}

fn hex(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Parsed = Parsed { messages: 0, body: None };

    /// What comes out when `input` arrives in pieces of `size`, with nothing parsed in between.
    fn pass(input: &[u8], size: usize) -> Vec<u8> {
        let mut lines = RequestLines::new();
        input
            .chunks(size)
            .flat_map(|piece| {
                lines.settle(IDLE);
                lines.follow(piece).unwrap_or_else(|| piece.to_vec())
            })
            .collect()
    }

    #[test]
    fn what_a_uri_refuses_is_encoded_and_nothing_else() {
        for byte in b'!'..=b'~' {
            for start in ["/a", "/a?b"] {
                let input = [b"GET ", start.as_bytes(), &[byte], b"z HTTP/1.1\r\n\r\n"].concat();
                let output = pass(&input, input.len());
                let target = output.split(|b| *b == b' ').nth(1).unwrap();
                assert!(PathAndQuery::try_from(target).is_ok(), "{}", output.escape_ascii());
                let raw = [start.as_bytes(), &[byte, b'z']].concat();
                assert_eq!(output == input, PathAndQuery::try_from(&raw[..]).is_ok(), "{}", output.escape_ascii());
            }
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let input = b"GET /a<b?c=d->>e&f=\"g\" HTTP/1.1\r\nX: a>b <c>\r\n\r\n";
        let whole = pass(input, input.len());
        assert!(whole.starts_with(b"GET /a%3Cb?c=d-%3E%3Ee&f=%22g%22 HTTP/1.1\r\nX: a>b <c>\r\n\r\n"));
        for size in 1..input.len() {
            assert_eq!(pass(input, size), whole, "{size}");
        }
    }

    #[test]
    fn what_is_no_request_line_passes() {
        for input in [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0> <"[..],
            b"\r\nGET /> HTTP/1.1\r\n\r\n",
            b" /> HTTP/1.1",
            b"x: /> HTTP/1.1",
            b"GET /\x01> HTTP/1.1",
            b"GET /\r\n>",
            b"GET\r\n/> x",
            b"\x16\x03\x01>>",
        ] {
            for size in [1, 3, input.len()] {
                assert_eq!(pass(input, size), input, "{}", input.escape_ascii());
            }
        }
    }

    #[test]
    fn a_next_message_begins_only_where_the_last_one_ends() {
        let head = b"POST /x HTTP/1.1\r\nContent-Length: 24\r\n\r\n";
        let sneaky = b"GET /> HTTP/1.1\r\n\r\nabcd>"; // 24 bytes
        let after = |parsed: Parsed, body: &[u8]| {
            let mut lines = RequestLines::new();
            assert_eq!(lines.follow(head), None);
            lines.settle(parsed);
            assert_eq!(lines.follow(body), None, "a body is never touched");
            lines.settle(parsed);
            lines.follow(b"GET /> HTTP/1.1\r\n\r\n").is_some()
        };
        let one = |body| Parsed { messages: 1, body };
        assert_eq!(sneaky.len(), 24);
        assert!(after(one(Some(24)), sneaky));
        // the body is not complete, too much has passed, its length is not known, or a pipelined message was parsed
        assert!(!after(one(Some(24)), &sneaky[..20]));
        assert!(!after(one(Some(20)), sneaky));
        assert!(!after(one(None), sneaky));
        assert!(!after(Parsed { messages: 2, body: Some(24) }, sneaky));
        assert!(!after(IDLE, sneaky));
    }
}
