//! How to answer: a mechanical print of the outcome. Pure.

mod headers;
pub(crate) mod openapi;
mod overrides;
mod status;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::catalog::Returns;
use crate::error::{Error, Failure, Problem, RangeFault, RequestError};
use crate::execute::Outcome;
use crate::plan::{CallPlan, Info, MutatePlan, Plan, ReadPlan};
use crate::request::ApiRequest;
use crate::request::prefer::{Count, Representation};
use crate::request::target::{Action, Invocation, Mutation, Output};
use headers::{content_range, preference_applied, profile};

/// An answer under construction.
struct Draft {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers a request that the database served.
///
/// # Errors
/// Overrides set by SQL that are no headers or status.
pub(crate) fn respond(outcome: Outcome, request: &ApiRequest, plan: &Plan) -> Result<Response<Bytes>, Error> {
    let (headers, status) = (outcome.headers.clone(), outcome.status.clone());
    let mut draft = match plan {
        Plan::Read(plan) => read(outcome, request, plan),
        Plan::Mutate(plan) => mutate(outcome, request, plan),
        Plan::Call(plan) => call(outcome, request, plan),
        Plan::Describe(_) => Draft::new(StatusCode::OK),
        Plan::Info(info) => options(info),
    };
    if let Some(applied) = preference_applied(request, plan) {
        draft.set(HeaderName::from_static("preference-applied"), &applied);
    }
    overrides::apply(&mut draft, status.as_deref(), headers.as_deref())?;
    Ok(draft.finish())
}

/// The answer to OPTIONS.
pub(crate) fn info(info: &Info) -> Response<Bytes> {
    options(info).finish()
}

/// The root document.
pub(crate) fn document(body: Bytes, output: Output, request: &ApiRequest) -> Response<Bytes> {
    let mut draft = Draft::new(StatusCode::OK);
    draft.typed("application/openapi+json; charset=utf-8", request);
    if output == Output::Body {
        draft.body = body;
    }
    draft.finish()
}

/// A refusal. `Proxy-Status` names the code (RFC 9209).
pub(crate) fn failure(failure: Failure) -> Response<Bytes> {
    let mut draft = Draft::new(failure.status);
    draft.set(header::CONTENT_TYPE, "application/json; charset=utf-8");
    draft.set(HeaderName::from_static("proxy-status"), &format!("PostgREST; error={}", failure.problem.code));
    for (name, value) in failure.headers {
        draft.headers.insert(name, value);
    }
    draft.body = failure.problem.to_json().into();
    draft.finish()
}

fn options(info: &Info) -> Draft {
    let mut draft = Draft::new(StatusCode::OK);
    draft.set(header::ALLOW, &info.allow);
    draft
}

fn read(outcome: Outcome, request: &ApiRequest, plan: &ReadPlan) -> Draft {
    let mut draft = Draft::new(status::of_range(request.range, outcome.page, outcome.total));
    draft.set(header::CONTENT_RANGE, &content_range(request.range.offset, outcome.page, outcome.total));
    let query = &request.query.canonical;
    let separator = if query.is_empty() { "" } else { "?" };
    let path = headers::path_segment(&plan.root.table.name);
    draft.set(header::CONTENT_LOCATION, &format!("/{path}{separator}{query}"));
    draft.typed(plan.media.content_type(), request);
    draft.body = ranged_body(&draft, outcome, request);
    if matches!(request.action, Action::Read { output: Output::Headers, .. }) {
        draft.body = Bytes::new();
    }
    draft
}

/// The rows, or the explanation of a 416.
fn ranged_body(draft: &Draft, outcome: Outcome, request: &ApiRequest) -> Bytes {
    if draft.status != StatusCode::RANGE_NOT_SATISFIABLE {
        return outcome.body;
    }
    let fault = RangeFault::OutOfBounds { offset: request.range.offset, total: outcome.total.unwrap_or(0) };
    let problem: Problem = RequestError::Range(fault).problem();
    problem.to_json().into()
}

fn mutate(outcome: Outcome, request: &ApiRequest, plan: &MutatePlan) -> Draft {
    let full = request.prefer.representation == Some(Representation::Full);
    let mut draft = Draft::new(status::of_mutation(plan, request, &outcome));
    // there is no plan to take an estimate from
    let counted = request.prefer.count.filter(|count| *count != Count::Planned).map(|_| outcome.page);
    let range = match plan.mutation {
        Mutation::Insert | Mutation::Delete => Some(content_range(1, 0, counted)),
        Mutation::Update => Some(content_range(0, outcome.page, counted)),
        Mutation::Upsert => None,
    };
    if let Some(range) = range {
        draft.set(header::CONTENT_RANGE, &range);
    }
    if plan.mutation == Mutation::Insert
        && request.prefer.representation == Some(Representation::HeadersOnly)
        && !outcome.location.is_empty()
    {
        draft.set(header::LOCATION, &headers::location(&plan.table.name, &outcome.location));
    }
    if full {
        draft.typed(plan.media.content_type(), request);
        draft.body = outcome.body;
    }
    draft
}

fn call(outcome: Outcome, request: &ApiRequest, plan: &CallPlan) -> Draft {
    let void = plan.routine.returns == Returns::Void;
    let status = match void {
        true => StatusCode::NO_CONTENT,
        false => status::of_range(request.range, outcome.page, outcome.total),
    };
    let mut draft = Draft::new(status);
    draft.set(header::CONTENT_RANGE, &content_range(request.range.offset, outcome.page, outcome.total));
    if void {
        return draft;
    }
    draft.typed(plan.media.content_type(), request);
    draft.body = ranged_body(&draft, outcome, request);
    let head = Invocation::Read(Output::Headers);
    if matches!(&request.action, Action::Call { invocation, .. } if *invocation == head) {
        draft.body = Bytes::new();
    }
    draft
}

impl Draft {
    fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Sets a header; text that is no legal value (names with control characters) is left out.
    fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    fn typed(&mut self, content_type: &str, request: &ApiRequest) {
        self.set(header::CONTENT_TYPE, content_type);
        if let Some(schema) = profile(request) {
            self.set(HeaderName::from_static("content-profile"), schema);
        }
    }

    fn finish(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

#[cfg(test)]
mod tests;
