//! Functions that can be called.

use serde::Deserialize;

use super::ident::{QualifiedName, TypeName};

/// One overload of a function.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Routine {
    #[serde(flatten)]
    pub(crate) name: QualifiedName,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) returns: Returns,
    pub(crate) volatility: Volatility,
    /// `SET` clauses worth hoisting to the transaction: the timeouts, which PostgreSQL reads before the call.
    #[serde(default)]
    pub(crate) settings: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Parameter {
    /// Empty for an unnamed parameter.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: TypeName,
    pub(crate) required: bool,
    pub(crate) variadic: bool,
}

/// What a call yields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Returns {
    Void,
    Scalar,
    SetOfScalar,
    Composite(QualifiedName),
    SetOfComposite(QualifiedName),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

impl Routine {
    /// The relation whose rows are returned, which further resources can be embedded in.
    pub(crate) fn returned_relation(&self) -> Option<&QualifiedName> {
        match &self.returns {
            Returns::Composite(name) | Returns::SetOfComposite(name) => Some(name),
            Returns::Void | Returns::Scalar | Returns::SetOfScalar => None,
        }
    }

    pub(crate) fn returns_set(&self) -> bool {
        matches!(self.returns, Returns::SetOfScalar | Returns::SetOfComposite(_))
    }

    /// Values without column names.
    pub(crate) fn returns_values(&self) -> bool {
        matches!(self.returns, Returns::Void | Returns::Scalar | Returns::SetOfScalar)
    }

    /// What overloads are sorted by (PostgREST: fewer parameters first).
    pub(crate) fn listed(&self) -> impl Ord + '_ {
        let parameters: Vec<_> = self.parameters.iter().map(|p| (p.name.as_str(), p.type_name.as_sql())).collect();
        (parameters.len(), self.description.as_deref(), parameters)
    }

    /// For the ambiguity message.
    pub(crate) fn signature(&self) -> String {
        let parameters: Vec<_> =
            self.parameters.iter().map(|p| format!("{} => {}", p.name, p.type_name.as_sql())).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }
}
