//! SQL text with its bound values. The only place where text becomes SQL: `raw` takes literals of this program,
//! names go through `ident`, values through `bind`, and what the catalog printed comes in its own types.

use bytes::Bytes;

use crate::catalog::{Expression, QualifiedName, TypeName};
use crate::request::query::select::Cast;

/// A statement under construction.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sql {
    text: String,
    binds: Vec<Option<Bytes>>,
}

/// What a column is qualified with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Qualifier<'a> {
    Table(&'a QualifiedName),
    Alias(&'a str),
}

impl Sql {
    pub(crate) fn new(start: &'static str) -> Self {
        let mut text = String::with_capacity(1024);
        text.push_str(start);
        Self { text, binds: Vec::new() }
    }

    pub(crate) fn raw(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A quoted name. NUL cannot be in one and is dropped.
    pub(crate) fn ident(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        for c in name.chars().filter(|c| *c != '\0') {
            if c == '"' {
                self.text.push('"');
            }
            self.text.push(c);
        }
        self.text.push('"');
        self
    }

    pub(crate) fn qualified(&mut self, name: &QualifiedName) -> &mut Self {
        self.ident(&name.schema).raw(".").ident(&name.name)
    }

    pub(crate) fn qualifier(&mut self, qualifier: Qualifier<'_>) -> &mut Self {
        match qualifier {
            Qualifier::Table(name) => self.qualified(name),
            Qualifier::Alias(alias) => self.ident(alias),
        }
    }

    /// A column; `*` is all of them.
    pub(crate) fn column(&mut self, qualifier: Qualifier<'_>, name: &str) -> &mut Self {
        self.qualifier(qualifier).raw(".");
        if name == "*" { self.raw("*") } else { self.ident(name) }
    }

    /// A value, sent apart from the text.
    pub(crate) fn bind(&mut self, value: impl Into<Bytes>) -> &mut Self {
        self.binds.push(Some(value.into()));
        self.placeholder()
    }

    fn placeholder(&mut self) -> &mut Self {
        self.text.push('$');
        self.text.push_str(&self.binds.len().to_string());
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.bind(Bytes::copy_from_slice(value.as_bytes()))
    }

    pub(crate) fn type_name(&mut self, name: &TypeName) -> &mut Self {
        self.text.push_str(name.as_sql());
        self
    }

    pub(crate) fn expression(&mut self, expression: &Expression) -> &mut Self {
        self.text.push_str(expression.as_sql());
        self
    }

    pub(crate) fn cast_target(&mut self, cast: &Cast) -> &mut Self {
        self.text.push_str(cast.as_str());
        self
    }

    /// Writes the items with `separator` between them.
    pub(crate) fn join<T>(
        &mut self,
        separator: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.raw(separator);
            }
            write(self, item);
        }
        self
    }

    pub(crate) fn into_parts(self) -> (String, Vec<Option<Bytes>>) {
        (self.text, self.binds)
    }
}

/// A PostgreSQL array literal, sent as one value.
pub(crate) fn array_literal<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let mut literal = String::from("{");
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            literal.push(',');
        }
        literal.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(c);
        }
        literal.push('"');
    }
    literal.push('}');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_values_bound() {
        let mut sql = Sql::new("select ");
        sql.ident("a\"b\0").raw(" = ").text("x' or 1=1").raw(", ").text("y");
        let (text, binds) = sql.into_parts();
        assert_eq!(text, "select \"a\"\"b\" = $1, $2");
        assert_eq!(binds.len(), 2);
    }

    #[test]
    fn array_literals_escape() {
        assert_eq!(array_literal(["a,b", "c\"d\\", ""]), r#"{"a,b","c\"d\\",""}"#);
    }
}
