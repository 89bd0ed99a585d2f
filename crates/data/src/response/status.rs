//! Outcome → HTTP status.

use http::StatusCode;

use crate::execute::Outcome;
use crate::plan::{Change, MutatePlan, OnConflict};
use crate::request::ApiRequest;
use crate::request::prefer::{Representation, Resolution};
use crate::request::query::range::Range;
use crate::request::target::Mutation;

/// 206 only if a count was asked for and the page is not all of it; 416 past the end.
pub(super) fn of_range(range: Range, page: i64, total: Option<i64>) -> StatusCode {
    match total {
        None => StatusCode::OK,
        Some(total) if range.offset > total => StatusCode::RANGE_NOT_SATISFIABLE,
        Some(total) if page < total => StatusCode::PARTIAL_CONTENT,
        Some(_) => StatusCode::OK,
    }
}

pub(super) fn of_mutation(plan: &MutatePlan, request: &ApiRequest, outcome: &Outcome) -> StatusCode {
    let full = request.prefer.representation == Some(Representation::Full);
    // without a key to conflict with nothing counts, and every row is new
    let inserted = match &plan.change {
        Change::Insert { on_conflict: OnConflict::Fail, .. } => outcome.page,
        _ => outcome.inserted.unwrap_or(0),
    };
    let none_inserted = inserted <= 0;
    match plan.mutation {
        Mutation::Insert if request.prefer.resolution == Some(Resolution::Merge) && none_inserted => StatusCode::OK,
        Mutation::Insert => StatusCode::CREATED,
        Mutation::Upsert if full && none_inserted => StatusCode::OK,
        Mutation::Upsert if full => StatusCode::CREATED,
        Mutation::Update | Mutation::Delete if full => StatusCode::OK,
        Mutation::Upsert | Mutation::Update | Mutation::Delete => StatusCode::NO_CONTENT,
    }
}
