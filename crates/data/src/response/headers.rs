//! Values of the answer's headers.

use percent_encoding::utf8_percent_encode;

use crate::plan::{Change, OnConflict, Plan};
use crate::request::ApiRequest;
use crate::request::query::UNRESERVED;
use crate::request::target::{Announced, Mutation};

/// `first-last/total`, with `*` for what is empty or unknown.
pub(super) fn content_range(offset: i64, page: i64, total: Option<i64>) -> String {
    let last = offset.saturating_add(page).saturating_sub(1);
    let total_text = total.map_or("*".to_owned(), |total| total.to_string());
    if total == Some(0) || offset > last { format!("*/{total_text}") } else { format!("{offset}-{last}/{total_text}") }
}

pub(super) fn path_segment(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}

/// Where the inserted row is: `/table?id=eq.5`.
pub(super) fn location(table: &str, key: &[(String, String)]) -> String {
    let pairs: Vec<_> = key.iter().map(|(k, v)| format!("{}={}", path_segment(k), path_segment(v))).collect();
    format!("/{}?{}", path_segment(table), pairs.join("&"))
}

/// The schema, when there was a choice.
pub(super) fn profile(request: &ApiRequest) -> Option<&str> {
    match request.schema.announced {
        Announced::Yes => Some(&request.schema.name),
        Announced::No => None,
    }
}

/// The preferences that had an effect on this kind of request (RFC 7240 section 3).
pub(super) fn preference_applied(request: &ApiRequest, plan: &Plan) -> Option<String> {
    let prefer = &request.prefer;
    let mutation = match plan {
        Plan::Mutate(plan) => Some(plan.mutation),
        _ => None,
    };
    let resolves = matches!(
        plan,
        Plan::Mutate(m) if matches!(&m.change, Change::Insert { on_conflict, .. } if *on_conflict != OnConflict::Fail)
    );
    let fills = matches!(mutation, Some(Mutation::Insert | Mutation::Update));
    let limits = matches!(mutation, Some(Mutation::Update | Mutation::Delete)) || matches!(plan, Plan::Call(_));
    let applied: Vec<String> = [
        prefer.resolution.filter(|_| resolves).map(|p| p.text().to_owned()),
        prefer.missing.filter(|_| fills).map(|p| p.text().to_owned()),
        prefer.representation.filter(|_| mutation.is_some()).map(|p| p.text().to_owned()),
        prefer.count.map(|p| p.text().to_owned()),
        prefer.transaction.map(|p| p.text().to_owned()),
        prefer.handling.map(|p| p.text().to_owned()),
        prefer.timezone.as_ref().map(|zone| format!("timezone={zone}")),
        prefer.affected_limit().filter(|_| limits).map(|rows| format!("max-affected={rows}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!applied.is_empty()).then(|| applied.join(", "))
}
