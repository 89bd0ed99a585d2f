//! The read planner: an ordered list of passes over the tree.

mod embed;
mod filter;
pub(crate) use filter::{condition as filter_condition, tree as filter_tree};
pub(crate) mod node;
mod order;
mod range;
mod select;

use crate::catalog::{Catalog, QualifiedName};
use crate::error::{PlanError, RequestError};
use crate::plan::PlanRules;
use crate::request::ApiRequest;
use node::{Origin, ReadNode};

/// What the root reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Base<'a> {
    Table(&'a QualifiedName),
    /// Rows a mutation returned: filters of the root chose them already, and it has no page.
    Mutation(&'a QualifiedName),
    /// Rows a function returned.
    Call(&'a QualifiedName),
}

/// What every pass may look at.
struct Context<'a> {
    catalog: &'a Catalog,
    rules: &'a PlanRules,
    request: &'a ApiRequest,
    base: Base<'a>,
}

type Pass = fn(&Context<'_>, ReadNode) -> Result<ReadNode, PlanError>;

/// In this order: embeds make the nodes that the others look for, null filters and related orders need the embeds'
/// joins, and the cap comes after every asked-for range.
const PASSES: [(&str, Pass); 9] = [
    ("embed resources", embed::add),
    ("add filters", filter::add_filters),
    ("add logic", filter::add_logic),
    ("turn null filters on embeds into joins", filter::resolve_null_filters),
    ("add orders", order::add),
    ("add ranges", range::add),
    ("cap ranges", range::cap),
    ("check aggregates", select::check_aggregates),
    ("expand stars", select::expand_stars),
];

/// Plans the read side of a request.
///
/// # Errors
/// Unknown or ambiguous embeds, and clauses that name what is not embedded.
pub(crate) fn plan(
    catalog: &Catalog,
    rules: &PlanRules,
    request: &ApiRequest,
    base: &Base<'_>,
) -> Result<ReadNode, PlanError> {
    let context = Context { catalog, rules, request, base: *base };
    let (table, origin) = match base {
        Base::Table(table) => (*table, Origin::Table),
        Base::Mutation(table) | Base::Call(table) => (*table, Origin::Source),
    };
    let alias = (origin == Origin::Source).then(|| table.name.clone());
    let root = select::node(table.clone(), origin, alias, &request.query.select, catalog);
    PASSES.iter().try_fold(root, |node, (_, pass)| pass(&context, node))
}

/// The node a path of names leads to.
fn descend<'n>(node: &'n mut ReadNode, path: &[String]) -> Result<&'n mut ReadNode, PlanError> {
    let Some((name, rest)) = path.split_first() else { return Ok(node) };
    match node.embeds.iter_mut().find(|embed| embed.is_called(name)) {
        Some(embed) => descend(&mut embed.node, rest),
        None => Err(RequestError::NotEmbedded(name.clone()).into()),
    }
}
