//! How to say it: a mechanical print of the plan. Pure and infallible.
//!
//! The main statement always returns one row of the same seven columns, see [`column`].

mod body;
mod call;
mod condition;
mod count;
mod mutate;
mod payload;
mod read;
mod session;
mod snippet;

pub(crate) use session::Session;
pub(crate) use snippet::{Sql, array_literal};

use crate::plan::{Counting, Plan, ReadNode};
use snippet::Qualifier;

/// The CTE all read sides read from.
const SOURCE: &str = "pgrst_source";

/// The columns of the main statement's one row.
pub(crate) mod column {
    pub(crate) const TOTAL: usize = 0;
    pub(crate) const PAGE: usize = 1;
    pub(crate) const LOCATION: usize = 2;
    pub(crate) const BODY: usize = 3;
    pub(crate) const HEADERS: usize = 4;
    pub(crate) const STATUS: usize = 5;
    pub(crate) const INSERTED: usize = 6;
}

/// What is sent, in this order and in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statements {
    pub(crate) session: Sql,
    pub(crate) pre_request: Option<Sql>,
    pub(crate) main: Sql,
    /// The planner's estimate of the total.
    pub(crate) explain: Option<Sql>,
}

/// Prints the plan, or nothing when it needs no database.
pub(crate) fn render(plan: &Plan, session: &Session<'_>) -> Option<Statements> {
    let (main, counted) = match plan {
        Plan::Read(plan) => (read::main(plan), Some((&plan.root, plan.count))),
        Plan::Mutate(plan) => (mutate::main(plan), None),
        Plan::Call(plan) => (call::main(plan), None),
        Plan::Describe(_) | Plan::Info(_) => return None,
    };
    Some(Statements {
        session: session::settings(plan, session),
        pre_request: session.pre_request.map(session::pre_request),
        main,
        explain: counted.and_then(|(root, count)| explain(root, count)),
    })
}

fn explain(root: &ReadNode, count: Counting) -> Option<Sql> {
    match count {
        Counting::Estimate | Counting::Both { .. } => {
            let mut sql = Sql::new("EXPLAIN (FORMAT JSON) ");
            count::query(&mut sql, root, None);
            Some(sql)
        }
        Counting::None | Counting::Page | Counting::Query { .. } => None,
    }
}

/// How a node's columns are qualified.
fn qualifier(node: &ReadNode) -> Qualifier<'_> {
    match &node.alias {
        Some(alias) => Qualifier::Alias(alias),
        None => Qualifier::Table(&node.table),
    }
}

/// Response headers and status set by SQL. An unset setting reads as an empty text once it was ever set.
fn overrides(sql: &mut Sql) {
    sql.raw(
        "nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), '')",
    );
}
