//! How two relations belong together.

use super::ident::QualifiedName;

/// A way to embed `foreign` into `table`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Relationship {
    pub(crate) table: QualifiedName,
    pub(crate) foreign: QualifiedName,
    /// Relationships of views are found by the view's name only, not by constraint or column.
    pub(crate) foreign_is_view: bool,
    pub(crate) cardinality: Cardinality,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cardinality {
    OneToMany(KeyColumns),
    ManyToOne(KeyColumns),
    OneToOne(KeyColumns),
    ManyToMany(Junction),
    /// A function from row to row(s).
    Computed(ComputedRelationship),
}

/// A foreign key seen from one side: pairs of (column of `table`, column of `foreign`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyColumns {
    pub(crate) constraint: String,
    pub(crate) columns: Vec<(String, String)>,
}

/// The table between two tables. Pairs are (column of the end, column of the junction).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Junction {
    pub(crate) table: QualifiedName,
    pub(crate) source_constraint: String,
    pub(crate) target_constraint: String,
    pub(crate) source: Vec<(String, String)>,
    pub(crate) target: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ComputedRelationship {
    pub(crate) function: QualifiedName,
    pub(crate) rows: Rows,
}

/// How many rows one parent can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    One,
    Many,
}

impl Relationship {
    pub(crate) fn is_self(&self) -> bool {
        self.table == self.foreign
    }

    /// Whether a parent has at most one of these, so that it embeds as an object.
    pub(crate) fn rows(&self) -> Rows {
        match &self.cardinality {
            Cardinality::ManyToOne(_) | Cardinality::OneToOne(_) => Rows::One,
            Cardinality::OneToMany(_) | Cardinality::ManyToMany(_) => Rows::Many,
            Cardinality::Computed(c) => c.rows,
        }
    }

    fn key(&self) -> Option<&KeyColumns> {
        match &self.cardinality {
            Cardinality::OneToMany(k) | Cardinality::ManyToOne(k) | Cardinality::OneToOne(k) => Some(k),
            Cardinality::ManyToMany(_) | Cardinality::Computed(_) => None,
        }
    }

    /// The columns of `table` the join needs.
    pub(crate) fn source_columns(&self) -> Option<Vec<&str>> {
        match &self.cardinality {
            Cardinality::ManyToMany(j) => Some(j.source.iter().map(|(c, _)| c.as_str()).collect()),
            Cardinality::Computed(_) => None,
            Cardinality::OneToMany(k) | Cardinality::ManyToOne(k) | Cardinality::OneToOne(k) => {
                Some(k.columns.iter().map(|(c, _)| c.as_str()).collect())
            }
        }
    }

    /// What several answers to one name are sorted by (PostgREST lists them so, and hosted answers are compared).
    pub(crate) fn listed(&self) -> impl Ord + '_ {
        let (rank, by, columns) = match &self.cardinality {
            Cardinality::OneToMany(k) => (0, (None, k.constraint.as_str(), ""), (&k.columns, None)),
            Cardinality::ManyToOne(k) => (1, (None, k.constraint.as_str(), ""), (&k.columns, None)),
            Cardinality::OneToOne(k) => (2, (None, k.constraint.as_str(), ""), (&k.columns, None)),
            Cardinality::ManyToMany(j) => {
                let by = (Some(&j.table), j.source_constraint.as_str(), j.target_constraint.as_str());
                (3, by, (&j.source, Some(&j.target)))
            }
            Cardinality::Computed(c) => return (&self.foreign, 4, (Some(&c.function), "", ""), None),
        };
        (&self.foreign, rank, by, Some(columns))
    }

    fn is_constraint(&self, name: &str) -> bool {
        self.key().is_some_and(|k| k.constraint == name)
    }

    fn is_single_source_column(&self, name: &str) -> bool {
        self.key().is_some_and(|k| matches!(k.columns.as_slice(), [(column, _)] if column == name))
    }

    fn is_single_target_column(&self, name: &str) -> bool {
        self.key().is_some_and(|k| matches!(k.columns.as_slice(), [(_, column)] if column == name))
    }

    fn is_junction(&self, name: &str) -> bool {
        matches!(&self.cardinality, Cardinality::ManyToMany(j) if j.table.name == name)
    }

    /// Whether `target!hint(…)` means this relationship (PostgREST: "Resource Embedding", disambiguation).
    pub(crate) fn answers(&self, target: &str, hint: Option<&str>) -> bool {
        if let Cardinality::Computed(c) = &self.cardinality {
            return c.function.name == target;
        }
        let named = self.foreign.name == target;
        match (self.is_self(), hint) {
            // one foreign key gives two relationships to the table itself: the many side is asked for by the
            // table's name, the one side by the column's
            (true, None) => match &self.cardinality {
                Cardinality::ManyToOne(_) => self.is_single_source_column(target),
                Cardinality::OneToMany(_) => named,
                _ => false,
            },
            (true, Some(hint)) => match &self.cardinality {
                Cardinality::OneToMany(_) => named && (self.is_single_target_column(hint) || self.is_constraint(hint)),
                // such a junction leads two ways; its first constraint tells which
                Cardinality::ManyToMany(j) => named && (self.is_junction(hint) || j.source_constraint == hint),
                _ => false,
            },
            (false, None) => {
                named || !self.foreign_is_view && (self.is_constraint(target) || self.is_single_source_column(target))
            }
            (false, Some(hint)) => {
                named
                    && (self.is_constraint(hint)
                        || self.is_single_source_column(hint)
                        || self.is_single_target_column(hint)
                        || self.is_junction(hint))
            }
        }
    }
}
