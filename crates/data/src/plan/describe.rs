//! The root document and OPTIONS: what may be done, without touching data.

use super::resolve;
use crate::catalog::{Catalog, QualifiedName, Table, Volatility};
use crate::error::{PlanError, RequestError, SingleParameter};
use crate::request::ApiRequest;
use crate::request::media::MediaType;
use crate::request::target::Output;

/// The root document of one schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DescribePlan {
    pub(crate) schema: String,
    pub(crate) output: Output,
}

/// The answer to OPTIONS.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Info {
    /// The value of `Allow`.
    pub(crate) allow: String,
}

pub(super) fn plan(request: &ApiRequest, output: Output) -> Result<DescribePlan, PlanError> {
    let acceptable = [MediaType::OpenApi, MediaType::Json, MediaType::Any];
    if request.accept.iter().any(|media| acceptable.contains(media)) {
        Ok(DescribePlan { schema: request.schema.name.clone(), output })
    } else {
        Err(RequestError::MediaType(request.accept.iter().map(|m| m.name().to_owned()).collect()).into())
    }
}

impl Info {
    pub(super) fn root() -> Self {
        Self { allow: "OPTIONS,GET,HEAD".into() }
    }

    pub(super) fn of_table(table: &Table) -> Self {
        let access = table.access;
        let methods = [
            (true, "OPTIONS,GET,HEAD"),
            (access.insert, "POST"),
            (access.insert && access.update && !table.primary_key.is_empty(), "PUT"),
            (access.update, "PATCH"),
            (access.delete, "DELETE"),
        ];
        let allowed: Vec<_> = methods.into_iter().filter(|(allowed, _)| *allowed).map(|(_, method)| method).collect();
        Self { allow: allowed.join(",") }
    }
}

pub(super) fn function_info(catalog: &Catalog, schema: &str, function: &str) -> Result<Info, PlanError> {
    let name = QualifiedName::new(schema, function);
    let overloads = catalog.overloads(&name);
    if overloads.is_empty() {
        return Err(PlanError::NoFunction {
            function: name.to_string(),
            arguments: Vec::new(),
            body: SingleParameter::None,
            suggestion: resolve::function_suggestion(catalog, &name, &[]),
        });
    }
    let readable = overloads.iter().any(|r| r.volatility != Volatility::Volatile);
    Ok(Info { allow: if readable { "OPTIONS,GET,HEAD,POST" } else { "OPTIONS,POST" }.into() })
}
