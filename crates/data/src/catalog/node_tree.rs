//! Reads just enough of a `pg_node_tree` to tell which table column each output column of a view shows.
//!
//! The text is a tree of `{NODE :field value …}`. The view's query is the outermost node; its `:targetList` holds one
//! `TARGETENTRY` per output column with `:resno`, `:resorigtbl` and `:resorigcol`. Subqueries have target lists too,
//! so nesting must be counted. PostgreSQL has printed these fields under these names since version 7.4.

/// An output column that is a plain column of some relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Attribute number in the view.
    pub(crate) position: u32,
    /// OID of the relation the column comes from.
    pub(crate) table: u32,
    /// Attribute number there.
    pub(crate) column: u32,
}

pub(crate) fn origins(action: &str) -> Vec<Origin> {
    let Some(list) = target_list(action) else { return Vec::new() };
    entries(list).filter_map(origin).collect()
}

/// The outermost query's target list: the text between its parentheses.
fn target_list(action: &str) -> Option<&str> {
    let query = action.find("{QUERY")?;
    let mut depth = 0_usize;
    for (at, token) in brackets(&action[query..]) {
        let at = query + at;
        match token {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            b'(' if depth == 1 && action[..at].trim_end().ends_with(":targetList") => {
                let end = closing(&action[at..])?;
                return Some(&action[at + 1..at + end]);
            }
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// Offset of the bracket that closes the one `text` starts with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in brackets(text) {
        match token {
            b'{' | b'(' => depth += 1,
            _ => depth = depth.checked_sub(1)?,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The brackets of the text; a backslash escapes the next byte (names may hold brackets).
fn brackets(text: &str) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut escaped = false;
    text.bytes().enumerate().filter(move |(_, byte)| {
        let plain = !std::mem::take(&mut escaped);
        escaped = plain && *byte == b'\\';
        plain && matches!(byte, b'{' | b'}' | b'(' | b')')
    })
}

/// The top-level `{…}` of a list.
fn entries(mut list: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let start = list.find('{')?;
        let length = closing(&list[start..])?;
        let entry = &list[start..=start + length];
        list = &list[start + length + 1..];
        Some(entry)
    })
}

fn origin(entry: &str) -> Option<Origin> {
    // the expression comes before these fields and may hold subqueries with fields of the same names
    let own = &entry[entry.rfind(":resno ")?..];
    let position = number(own, ":resno ")?;
    let (table, column) = (number(own, ":resorigtbl ")?, number(own, ":resorigcol ")?);
    (table != 0 && column != 0).then_some(Origin { position, table, column })
}

fn number(text: &str, field: &str) -> Option<u32> {
    let rest = &text[text.find(field)? + field.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outer_list_counts() {
        let action = "({QUERY :commandType 1 :rtable ({RTE :subquery {QUERY :targetList ({TARGETENTRY :expr {VAR} :resno 1 \
            :resname x :resorigtbl 7 :resorigcol 7 :resjunk false})}}) :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 1 \
            :resname film\\{_id :ressortgroupref 0 :resorigtbl 10 :resorigcol 1 :resjunk false} {TARGETENTRY :expr \
            {SUBLINK :subselect {QUERY :targetList ({TARGETENTRY :resno 9 :resorigtbl 9 :resorigcol 9})}} :resno 2 :resname n \
            :ressortgroupref 0 :resorigtbl 0 :resorigcol 0 :resjunk false}) :override 0})";
        assert_eq!(origins(action), [Origin { position: 1, table: 10, column: 1 }]);
    }

    #[test]
    fn nonsense_yields_nothing() {
        for text in ["", "<>", "({QUERY :targetList (", "({QUERY})", "}{"] {
            assert!(origins(text).is_empty(), "{text}");
        }
    }
}
