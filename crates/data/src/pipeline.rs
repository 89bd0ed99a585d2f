//! A request from top to bottom: who, parse, plan, render, execute, respond.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use mainstay_identity::{Caller, Verifier, bearer};
use mainstay_kernel::http::{BodyError, Request, read_body};
use mainstay_pg::Pool;

use crate::catalog::{QualifiedName, Snapshot};
use crate::error::{AuthError, CallerKind, Error, ExecError, RequestError};
use crate::events::{Events, Timings};
use crate::plan::{self, Plan, PlanRules};
use crate::request::prefer::{Preferences, Transaction};
use crate::request::{self, ApiRequest, RequestRules};
use crate::sql::{self, Session};
use crate::timezones::TimeZones;
use crate::{execute, response};

/// Everything requests need; shared by all of them.
pub(crate) struct Stages {
    pub(crate) pool: Pool,
    pub(crate) verifier: Verifier,
    pub(crate) snapshot: Snapshot,
    pub(crate) timezones: TimeZones,
    pub(crate) events: Events,
    pub(crate) request_rules: RequestRules,
    pub(crate) plan_rules: PlanRules,
    pub(crate) session_rules: SessionRules,
    pub(crate) max_body: usize,
}

/// Settings that go to the database with every request.
pub(crate) struct SessionRules {
    /// Empty when callers without a token are refused.
    pub(crate) anon_role: String,
    pub(crate) extra_search_path: Vec<String>,
    pub(crate) pre_request: Option<QualifiedName>,
}

/// Who is calling, as the database will know them.
struct Identity {
    role: Box<str>,
    claims: Arc<str>,
    kind: CallerKind,
}

impl Stages {
    /// Answers a request, whatever happens.
    pub(crate) async fn answer(&self, request: Request) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let identity = match self.identify(&head) {
            Ok(identity) => identity,
            Err(error) => return self.refuse(&error.into(), CallerKind::Anonymous),
        };
        let body = match read_body(body, self.max_body).await {
            Ok(body) => body,
            Err(error) => return self.refuse(&body_error(error).into(), identity.kind),
        };
        match self.serve(&head, body, &identity).await {
            Ok(response) => response,
            Err(error) => self.refuse(&error, identity.kind),
        }
    }

    /// The stages.
    async fn serve(&self, head: &Parts, body: Bytes, identity: &Identity) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let mut request = request::parse(&self.request_rules, head, body)?;
        self.check_timezone(&mut request.prefer).await?;
        let request = request;
        let parsed = Instant::now();
        let catalog = self.snapshot.current().ok_or(ExecError::NoCatalog)?;
        let plan = plan::plan(&catalog, &self.plan_rules, &request)?;
        if let Plan::Describe(describe) = &plan {
            authorize_root(identity)?;
            let document = response::openapi::document(&catalog, &describe.schema);
            return Ok(response::document(document, describe.output, &request));
        }
        if let Plan::Info(info) = &plan {
            return Ok(response::info(info));
        }
        let role_settings = catalog.role_settings(&identity.role);
        let session = self.session(head, identity, &request, role_settings);
        let statements = sql::render(&plan, &session)
            .ok_or_else(|| ExecError::Internal("a plan for the database has no statements".into()))?;
        let planned = Instant::now();
        let outcome = execute::execute(&self.pool, statements, &plan, &request, Transaction::Commit).await?;
        let executed = Instant::now();
        let response = response::respond(outcome, &request, &plan)?;
        self.events.answered(Timings {
            parse: parsed - start,
            plan: planned - parsed,
            execute: executed - planned,
            respond: executed.elapsed(),
        });
        Ok(response)
    }

    /// A zone nobody knows is a preference nobody knows: an error with `handling=strict`, and else without effect.
    async fn check_timezone(&self, prefer: &mut Preferences) -> Result<(), ExecError> {
        if let Some(zone) = &prefer.timezone
            && !self.timezones.knows(&self.pool, zone).await?
        {
            prefer.unknown.push(format!("timezone={zone}"));
            prefer.timezone = None;
        }
        Ok(())
    }

    fn identify(&self, head: &Parts) -> Result<Identity, AuthError> {
        let anon = &self.session_rules.anon_role;
        match bearer(&head.headers) {
            Some(token) => {
                let caller: Arc<Caller> =
                    self.verifier.verify(token).map_err(|error| AuthError::from_token(token, &error))?;
                let kind = if *caller.role == **anon { CallerKind::Anonymous } else { CallerKind::Known };
                Ok(Identity { role: caller.role.clone(), claims: caller.claims.clone(), kind })
            }
            None if anon.is_empty() => Err(AuthError::Required),
            None => {
                let claims = serde_json::json!({ "role": anon }).to_string();
                Ok(Identity { role: anon.as_str().into(), claims: claims.into(), kind: CallerKind::Anonymous })
            }
        }
    }

    fn session<'a>(
        &'a self,
        head: &'a Parts,
        identity: &'a Identity,
        request: &'a ApiRequest,
        role_settings: &'a [(String, String)],
    ) -> Session<'a> {
        Session {
            role: &identity.role,
            claims: &identity.claims,
            role_settings,
            schema: &request.schema.name,
            extra_search_path: &self.session_rules.extra_search_path,
            method: head.method.as_str(),
            path: head.uri.path(),
            headers: &head.headers,
            timezone: request.prefer.timezone.as_deref(),
            pre_request: self.session_rules.pre_request.as_ref(),
        }
    }

    fn refuse(&self, error: &Error, caller: CallerKind) -> Response<Bytes> {
        let failure = error.failure(caller);
        if failure.status.is_server_error() {
            let cause = match error {
                Error::Exec(error) => error.cause(),
                Error::Request(_) | Error::Plan(_) | Error::Auth(_) => &failure.problem.message,
            };
            self.events.server_error(&failure.problem.code, cause);
        }
        response::failure(failure)
    }
}

/// The description names every table and function, so it is for servers only.
fn authorize_root(identity: &Identity) -> Result<(), AuthError> {
    if *identity.role == *"service_role" { Ok(()) } else { Err(AuthError::RootForbidden) }
}

fn body_error(error: BodyError) -> RequestError {
    match error {
        BodyError::TooLarge { limit } => RequestError::BodyTooLarge(limit),
        BodyError::Aborted => RequestError::Body("The request body ended before it was complete".into()),
    }
}
