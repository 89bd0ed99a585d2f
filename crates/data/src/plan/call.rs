//! Function calls: which overload, which arguments.

use std::collections::BTreeSet;

use super::mutate::columns_needed;
use super::negotiate::{BodyBuilder, Wanted, negotiate};
use super::read::node::{Condition, ReadNode};
use super::read::{self, Base};
use super::{Counting, PlanRules, TxMode, resolve};
use crate::catalog::{Catalog, Parameter, QualifiedName, Routine, Volatility};
use crate::error::SingleParameter;
use crate::error::{PlanError, RequestError};
use crate::request::ApiRequest;
use crate::request::media::MediaType;
use crate::request::payload::{Payload, PayloadKind};
use crate::request::target::{Invocation, Output};

/// A call and how its rows are shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallPlan {
    pub(crate) routine: Routine,
    pub(crate) arguments: Arguments,
    pub(crate) read: ReadNode,
    /// Columns of the returned rows that are looked at.
    pub(crate) returning: Vec<String>,
    pub(crate) tx_mode: TxMode,
    pub(crate) body: BodyBuilder,
    pub(crate) media: MediaType,
    pub(crate) count: Counting,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Arguments {
    None,
    /// The whole body is the one unnamed argument.
    Single(Parameter, Payload),
    /// One bind per argument: (parameter, values); several values for a variadic one.
    Direct(Vec<(Parameter, Vec<String>)>),
    /// Members of a JSON object.
    Json(Vec<Parameter>, Payload),
}

pub(super) fn plan(
    catalog: &Catalog,
    rules: &PlanRules,
    request: &ApiRequest,
    function: &str,
    invocation: Invocation,
) -> Result<CallPlan, PlanError> {
    let name = QualifiedName::new(&request.schema.name, function);
    let keys = argument_names(request, invocation);
    let routine = find(catalog, &name, &keys, request, invocation)?.clone();
    if request.prefer.affected_limit().is_some() && !routine.returns_set() {
        return Err(RequestError::MaxAffectedRpc.into());
    }
    let relation = routine.returned_relation().cloned().unwrap_or_else(|| routine.name.clone());
    // embeds are looked up in the requested schema under the returned relation's name
    let read = read::plan(catalog, rules, request, &Base::Call(&relation))?;
    let wanted = match invocation {
        Invocation::Read(Output::Headers) => Wanted::Nothing,
        Invocation::Read(Output::Body) | Invocation::Post => Wanted::Rows,
    };
    let (body, media) = negotiate(request, wanted)?;
    let count = Counting::of(request.prefer.count, &read, rules.max_rows);
    let tx_mode = match (invocation, routine.volatility) {
        (Invocation::Post, Volatility::Volatile) => TxMode::ReadWrite,
        _ => TxMode::ReadOnly,
    };
    Ok(CallPlan {
        arguments: arguments(&routine, &keys, request, invocation),
        returning: returned_columns(&read),
        routine,
        read,
        tx_mode,
        body,
        media,
        count,
    })
}

fn argument_names(request: &ApiRequest, invocation: Invocation) -> Vec<String> {
    let mut names: Vec<String> = match invocation {
        Invocation::Read(_) => request.query.arguments.iter().map(|(name, _)| name.clone()).collect(),
        Invocation::Post => request.payload.as_ref().map(|p| p.keys.clone()).unwrap_or_default(),
    };
    names.sort();
    names.dedup();
    names
}

/// Columns a filter or sort key uses must be returned as well as those shown.
fn returned_columns(read: &ReadNode) -> Vec<String> {
    let needed = columns_needed(read, &[]);
    if needed.iter().any(|column| column == "*") {
        return needed;
    }
    let mut needed: BTreeSet<String> = needed.into_iter().collect();
    read.conditions.iter().for_each(|condition| collect(condition, &mut needed));
    needed.into_iter().collect()
}

fn collect(condition: &Condition, columns: &mut BTreeSet<String>) {
    match condition {
        Condition::Group { members, .. } => members.iter().for_each(|member| collect(member, columns)),
        Condition::Test { value, .. } => {
            columns.insert(value.column.clone());
        }
        Condition::Embedded { .. } => {}
    }
}

/// Overload resolution by argument names, then by a single unnamed parameter (PostgREST: "Overloaded functions").
fn find<'a>(
    catalog: &'a Catalog,
    name: &QualifiedName,
    keys: &[String],
    request: &ApiRequest,
    invocation: Invocation,
) -> Result<&'a Routine, PlanError> {
    let overloads = catalog.overloads(name);
    let named: Vec<_> = overloads.iter().filter(|r| takes(r, keys, request, invocation)).collect();
    let unnamed: Vec<_> = overloads.iter().filter(|r| takes_body(r, request, invocation)).collect();
    match (named.as_slice(), unnamed.as_slice()) {
        ([only], _) | ([], [only]) => Ok(only),
        ([], []) => Err(PlanError::NoFunction {
            function: name.to_string(),
            arguments: keys.to_vec(),
            body: single_parameter(request, invocation),
            suggestion: match single_parameter(request, invocation) {
                SingleParameter::Only(_) => None,
                SingleParameter::None | SingleParameter::Json => resolve::function_suggestion(catalog, name, keys),
            },
        }),
        ([], several) | (several, _) => {
            Err(PlanError::AmbiguousFunction(several.iter().map(|r| (*r).clone()).collect()))
        }
    }
}

fn takes(routine: &Routine, keys: &[String], request: &ApiRequest, invocation: Invocation) -> bool {
    if routine.parameters.is_empty() {
        return keys.is_empty() && !matches!(single_parameter(request, invocation), SingleParameter::Only(_));
    }
    if routine.parameters.iter().any(|p| p.name.is_empty()) {
        return false;
    }
    let required = routine.parameters.iter().filter(|p| p.required).all(|p| keys.contains(&p.name));
    required && keys.iter().all(|key| routine.parameters.iter().any(|p| p.name == *key))
}

fn takes_body(routine: &Routine, request: &ApiRequest, invocation: Invocation) -> bool {
    let [only] = routine.parameters.as_slice() else { return false };
    if !only.name.is_empty() || invocation != Invocation::Post {
        return false;
    }
    matches!(
        (&request.content, only.type_name.as_sql()),
        (MediaType::Json, "json" | "jsonb")
            | (MediaType::Text, "text")
            | (MediaType::Xml, "xml")
            | (MediaType::OctetStream, "bytea")
    )
}

fn single_parameter(request: &ApiRequest, invocation: Invocation) -> SingleParameter {
    match (invocation, &request.content) {
        (Invocation::Post, MediaType::Json) => SingleParameter::Json,
        (Invocation::Post, MediaType::Text) => SingleParameter::Only("text"),
        (Invocation::Post, MediaType::Xml) => SingleParameter::Only("xml"),
        (Invocation::Post, MediaType::OctetStream) => SingleParameter::Only("bytea"),
        _ => SingleParameter::None,
    }
}

fn arguments(routine: &Routine, keys: &[String], request: &ApiRequest, invocation: Invocation) -> Arguments {
    let given: Vec<Parameter> = routine.parameters.iter().filter(|p| keys.contains(&p.name)).cloned().collect();
    match (invocation, &request.payload) {
        (Invocation::Post, Some(payload)) => match (&payload.kind, routine.parameters.as_slice()) {
            (_, [only]) if only.name.is_empty() => Arguments::Single(only.clone(), payload.clone()),
            (PayloadKind::Form(pairs), _) => direct(given, pairs),
            _ if given.is_empty() => Arguments::None,
            _ => Arguments::Json(given, payload.clone()),
        },
        _ => direct(given, &request.query.arguments),
    }
}

/// The last value of a repeated name counts; a variadic parameter takes them all.
fn direct(given: Vec<Parameter>, pairs: &[(String, String)]) -> Arguments {
    if given.is_empty() {
        return Arguments::None;
    }
    let values = |parameter: &Parameter| {
        let mut all = pairs.iter().filter(|(name, _)| *name == parameter.name).map(|(_, value)| value.clone());
        if parameter.variadic { all.collect() } else { all.next_back().into_iter().collect() }
    };
    Arguments::Direct(given.into_iter().map(|p| (p.clone(), values(&p))).collect())
}
