//! What we will do: every name resolved, every default filled in. Pure.

mod call;
mod describe;
mod mutate;
mod negotiate;
pub(crate) mod read;
mod resolve;

pub(crate) use call::{Arguments, CallPlan};
pub(crate) use describe::{DescribePlan, Info};
pub(crate) use mutate::{Change, MutatePlan, OnConflict};
pub(crate) use negotiate::BodyBuilder;
pub(crate) use read::node::{Condition, Embed, Extent, Origin, Output, ReadNode, Shape, SortKey, Value};

use crate::catalog::Catalog;
use crate::error::{PlanError, RequestError};
use crate::request::ApiRequest;
use crate::request::media::MediaType;
use crate::request::prefer::Count;
use crate::request::target::Action;

/// The settings the plan stage needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanRules {
    /// Most rows one answer may have.
    pub(crate) max_rows: Option<i64>,
    pub(crate) aggregates: Aggregates,
}

/// Whether clients may use aggregate functions (PostgREST: `db-aggregates-enabled`, off by default).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Aggregates {
    #[default]
    Refused,
    Allowed,
}

/// What a request comes down to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    Read(ReadPlan),
    Mutate(MutatePlan),
    Call(CallPlan),
    Describe(DescribePlan),
    /// Needs no database.
    Info(Info),
}

/// GET or HEAD of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadPlan {
    pub(crate) root: ReadNode,
    pub(crate) body: BodyBuilder,
    pub(crate) media: MediaType,
    pub(crate) count: Counting,
}

/// How the total is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Not asked for.
    None,
    /// The page is everything, so its size is the total.
    Page,
    /// By a query of its own, stopping at so many rows.
    Query { limit: Option<i64> },
    /// By the planner's estimate.
    Estimate,
    /// By a query stopping at `limit`, and the estimate past that.
    Both { limit: Option<i64> },
}

impl Counting {
    fn of(asked: Option<Count>, root: &ReadNode, max_rows: Option<i64>) -> Self {
        let whole = root.range.is_all() && max_rows.is_none();
        match asked {
            None => Counting::None,
            Some(Count::Planned) => Counting::Estimate,
            Some(Count::Exact) if whole => Counting::Page,
            Some(Count::Exact) => Counting::Query { limit: None },
            Some(Count::Estimated) if whole => Counting::Page,
            Some(Count::Estimated) => Counting::Both { limit: max_rows.map(|rows| rows.saturating_add(1)) },
        }
    }
}

/// Whether the transaction may change data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TxMode {
    ReadOnly,
    ReadWrite,
}

impl Plan {
    pub(crate) fn tx_mode(&self) -> TxMode {
        match self {
            Plan::Read(_) | Plan::Describe(_) | Plan::Info(_) => TxMode::ReadOnly,
            Plan::Mutate(_) => TxMode::ReadWrite,
            Plan::Call(call) => call.tx_mode,
        }
    }

    /// The media type of the answer.
    pub(crate) fn media(&self) -> &MediaType {
        match self {
            Plan::Read(plan) => &plan.media,
            Plan::Mutate(plan) => &plan.media,
            Plan::Call(plan) => &plan.media,
            Plan::Describe(_) => &MediaType::OpenApi,
            Plan::Info(_) => &MediaType::Json,
        }
    }
}

/// Resolves a request against the catalog.
///
/// # Errors
/// The 2xx family, and what of the 1xx family needs the catalog to be seen.
pub(crate) fn plan(catalog: &Catalog, rules: &PlanRules, request: &ApiRequest) -> Result<Plan, PlanError> {
    if request.prefer.is_strict() && !request.prefer.unknown.is_empty() {
        return Err(RequestError::Preferences(request.prefer.unknown.clone()).into());
    }
    match &request.action {
        Action::Read { table, output } => {
            let table = resolve::table(catalog, &request.schema.name, table)?;
            let root = read::plan(catalog, rules, request, &read::Base::Table(&table.name))?;
            let (body, media) = negotiate::negotiate(request, negotiate::Wanted::from(*output))?;
            let count = Counting::of(request.prefer.count, &root, rules.max_rows);
            Ok(Plan::Read(ReadPlan { root, body, media, count }))
        }
        Action::Mutate { table, mutation } => mutate::plan(catalog, rules, request, table, *mutation).map(Plan::Mutate),
        Action::Call { function, invocation } => {
            call::plan(catalog, rules, request, function, *invocation).map(Plan::Call)
        }
        Action::Describe { output } => describe::plan(request, *output).map(Plan::Describe),
        Action::InfoTable(table) => {
            resolve::table(catalog, &request.schema.name, table).map(|t| Plan::Info(Info::of_table(t)))
        }
        Action::InfoFunction(function) => {
            describe::function_info(catalog, &request.schema.name, function).map(Plan::Info)
        }
        Action::InfoRoot => Ok(Plan::Info(Info::root())),
    }
}
