//! Globs of the redirect allow-list, with the meaning that `gobwas/glob` gives them when `.` and `/` separate
//! (supabase/auth: `URIAllowList`): `*` and `?` stop at separators, `**` does not, `[abc]`, `[a-z]`, `[!abc]` are
//! sets, `{a,b}` alternatives, `\` quotes the next character.

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**`
    DoubleStar,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Either(Vec<Vec<Part>>),
}

/// Why a pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GlobError {
    #[error("a `[` is not closed")]
    OpenSet,
    #[error("a `{{` is not closed")]
    OpenAlternatives,
    #[error("longer than 1000 characters")]
    TooLong,
}

const SEPARATORS: [char; 2] = ['.', '/'];

// === impl Glob ===

impl Glob {
    pub(crate) fn parse(pattern: &str) -> Result<Self, GlobError> {
        if pattern.len() > 1000 {
            return Err(GlobError::TooLong);
        }
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        parts(&chars, &mut at, Nesting::Top).map(Self)
    }

    /// True when the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        ends(&self.0, &chars, &[0]).contains(&chars.len())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Top,
    Alternatives,
}

fn parts(chars: &[char], at: &mut usize, nesting: Nesting) -> Result<Vec<Part>, GlobError> {
    let mut parts = Vec::new();
    while let Some(&c) = chars.get(*at) {
        if nesting == Nesting::Alternatives && matches!(c, ',' | '}') {
            return Ok(parts);
        }
        *at += 1;
        parts.push(match c {
            '*' if chars.get(*at) == Some(&'*') => {
                *at += 1;
                Part::DoubleStar
            }
            '*' => Part::Star,
            '?' => Part::One,
            '[' => set(chars, at)?,
            '{' => alternatives(chars, at)?,
            '\\' => Part::Literal(chars.get(*at).copied().inspect(|_| *at += 1).unwrap_or('\\')),
            c => Part::Literal(c),
        });
    }
    if nesting == Nesting::Alternatives { Err(GlobError::OpenAlternatives) } else { Ok(parts) }
}

fn set(chars: &[char], at: &mut usize) -> Result<Part, GlobError> {
    let negated = chars.get(*at) == Some(&'!');
    *at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        match chars.get(*at) {
            None => return Err(GlobError::OpenSet),
            Some(']') if !ranges.is_empty() => {
                *at += 1;
                return Ok(Part::Set { negated, ranges });
            }
            Some(&low) => match (chars.get(*at + 1), chars.get(*at + 2)) {
                (Some('-'), Some(&high)) if high != ']' => {
                    ranges.push((low, high));
                    *at += 3;
                }
                _ => {
                    ranges.push((low, low));
                    *at += 1;
                }
            },
        }
    }
}

fn alternatives(chars: &[char], at: &mut usize) -> Result<Part, GlobError> {
    let mut either = Vec::new();
    loop {
        either.push(parts(chars, at, Nesting::Alternatives)?);
        *at += 1;
        if chars[*at - 1] == '}' {
            return Ok(Part::Either(either));
        }
    }
}

/// Where a match of `parts` may end when it may start at any of `starts` (sorted). Walking sets of positions instead
/// of backtracking keeps hostile patterns and texts linear in their product.
fn ends(parts: &[Part], text: &[char], starts: &[usize]) -> Vec<usize> {
    let mut positions = starts.to_vec();
    for part in parts {
        if positions.is_empty() {
            break;
        }
        positions = step(part, text, &positions);
    }
    positions
}

fn step(part: &Part, text: &[char], positions: &[usize]) -> Vec<usize> {
    let mut next: Vec<usize> = match part {
        Part::Star => run(text, positions, |c| !SEPARATORS.contains(&c)),
        Part::DoubleStar => run(text, positions, |_| true),
        Part::Either(options) => options.iter().flat_map(|option| ends(option, text, positions)).collect(),
        single => {
            positions.iter().filter(|&&p| text.get(p).is_some_and(|&c| accepts(single, c))).map(|p| p + 1).collect()
        }
    };
    next.sort_unstable();
    next.dedup();
    next
}

/// All positions reachable from `positions` over characters that `passes`.
fn run(text: &[char], positions: &[usize], passes: impl Fn(char) -> bool) -> Vec<usize> {
    let mut reached = vec![false; text.len() + 1];
    for &start in positions {
        let mut p = start;
        while !reached[p] {
            reached[p] = true;
            if !text.get(p).is_some_and(|&c| passes(c)) {
                break;
            }
            p += 1;
        }
    }
    (0..reached.len()).filter(|&p| reached[p]).collect()
}

fn accepts(part: &Part, c: char) -> bool {
    match part {
        Part::Literal(expected) => *expected == c,
        Part::One => !SEPARATORS.contains(&c),
        Part::Set { negated, ranges } => ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated,
        Part::Star | Part::DoubleStar | Part::Either(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_the_field_gives_them() {
        for (pattern, text, expected) in [
            ("https://a.test/x", "https://a.test/x", true),
            ("https://a.test/x", "https://a.test/xy", false),
            ("http://localhost:3000/*", "http://localhost:3000/foo", true),
            ("http://localhost:3000/*", "http://localhost:3000/foo/bar", false),
            ("http://localhost:3000/*", "http://localhost:3000/foo.html", false),
            ("http://localhost:3000/**", "http://localhost:3000/foo/bar.html", true),
            ("http://localhost:3000/?", "http://localhost:3000/a", true),
            ("http://localhost:3000/?", "http://localhost:3000/", false),
            ("http://localhost:300[0-3]/", "http://localhost:3002/", true),
            ("http://localhost:300[!0-3]/", "http://localhost:3002/", false),
            ("https://*.preview.test/**", "https://pr-1.preview.test/a/b", true),
            ("https://*.preview.test/**", "https://a.b.preview.test/", false),
            ("https://{app,www}.a.test", "https://www.a.test", true),
            ("https://{app,www}.a.test", "https://api.a.test", false),
            ("com.my_app://**", "com.my_app://callback?x=1", true),
            ("https://a.test/\\*", "https://a.test/*", true),
            ("https://a.test/\\*", "https://a.test/b", false),
            ("**", "", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn broken_patterns_are_refused() {
        assert_eq!(Glob::parse("https://["), Err(GlobError::OpenSet));
        assert_eq!(Glob::parse("https://{a,b"), Err(GlobError::OpenAlternatives));
        assert_eq!(Glob::parse(&"a".repeat(1001)), Err(GlobError::TooLong));
    }

    #[test]
    fn a_hostile_pattern_does_not_hang() {
        let pattern = Glob::parse(&"*a".repeat(300)).unwrap();
        assert!(!pattern.matches(&"a".repeat(2000).replace("aaaa", "aaab")));
    }
}
