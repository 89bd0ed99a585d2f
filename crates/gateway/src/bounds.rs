//! Size and time bounds of a request, by role.

use crate::config::Config;
use crate::error::Error;
use crate::route::Role;
use http::header;
use http_body::Body as _;
use http_body_util::Limited;
use mainstay_kernel::http::{Body, Request};
use std::time::Duration;

/// The bounds, resolved.
#[derive(Debug)]
pub(crate) struct Bounds {
    target: usize,
    auth: u64,
    data: u64,
    storage: u64,
    functions: u64,
    timeout: Duration,
    storage_timeout: Duration,
}

impl Bounds {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            target: config.uri_limit.bytes(),
            auth: config.auth_body_limit.0,
            data: config.data_body_limit.0,
            storage: config.storage_body_limit.0,
            functions: config.functions_body_limit.0,
            timeout: config.timeout.0,
            storage_timeout: config.storage_timeout.0,
        }
    }

    /// Refuses what is announced too large, and bounds a body of unknown length while it streams.
    pub(crate) fn check(&self, role: Role, request: &mut Request) -> Result<(), Error> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.target {
            return Err(Error::TargetTooLong { limit: self.target });
        }
        let limit = self.body(role);
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > limit) || request.body().size_hint().lower() > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        // an announced length is enforced by the HTTP framing
        if request.body().size_hint().exact().is_none() {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::new(Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)));
        }
        Ok(())
    }

    /// Largest body towards a role in bytes.
    pub(crate) fn body(&self, role: Role) -> u64 {
        match role {
            Role::Auth => self.auth,
            Role::Storage => self.storage,
            Role::Functions => self.functions,
            Role::Data | Role::Realtime | Role::Graphql => self.data,
            // pages take no bodies; whatever is sent anyway is not worth more
            Role::Portal => self.auth,
        }
    }

    /// How long a role may take to answer.
    pub(crate) fn time(&self, role: Role) -> Duration {
        match role {
            Role::Storage => self.storage_timeout,
            Role::Auth | Role::Data | Role::Functions | Role::Realtime | Role::Graphql | Role::Portal => self.timeout,
        }
    }
}
