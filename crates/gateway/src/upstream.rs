//! Where roles are: in this process or behind a URL. Nobody but this file and `forward` can tell the difference.

use crate::route::Role;
use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::{HttpClient, Request, Response, Service};
use mainstay_kernel::metrics::{Histogram, Registry};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// A role that answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Upstream(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Local(Local),
    Remote(Arc<Remote>),
}

#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) service: Service,
    ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
}

pub(crate) struct Remote {
    base: Base,
    pub(crate) client: HttpClient,
    pub(crate) durations: Option<Histogram>,
}

/// Scheme, authority and leading path of a remote role.
#[derive(Debug, Clone)]
struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at the end.
    path: String,
}

/// A URL that cannot be an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of a server; write for example \"http://data:8080\"")]
pub struct UpstreamError(String);

/// The roles that this gateway reaches. A role that is absent is answered with 404.
#[derive(Clone, Default)]
pub struct Upstreams {
    /// `/auth/v1`
    pub auth: Option<Upstream>,
    /// `/rest/v1`
    pub data: Option<Upstream>,
    /// `/storage/v1`
    pub storage: Option<Upstream>,
    /// `/functions/v1`, for names that are not in `services`.
    pub functions: Option<Upstream>,
    /// `/functions/v1/<name>`: the project's own services by name.
    pub services: BTreeMap<String, Upstream>,
    /// `/realtime/v1`
    pub realtime: Option<Upstream>,
    /// Everything that is no API.
    pub portal: Option<Upstream>,
}

// === impl Upstream ===

impl Upstream {
    /// A role in this process: its service (an `axum::Router` is one) and how to ask whether it is ready.
    pub fn local<S>(service: S, ready: impl Fn() -> Readiness + Send + Sync + 'static) -> Self
    where
        S: tower::Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self(Kind::Local(Local { service: Service::new(service), ready: Arc::new(ready) }))
    }

    /// A role behind a URL. A path in the URL is put before every path.
    ///
    /// # Errors
    /// When the URL has no scheme or host, or a query.
    pub fn remote(url: &str, client: &HttpClient) -> Result<Self, UpstreamError> {
        let refuse = || UpstreamError(url.to_owned());
        let parts = url.parse::<Uri>().map_err(|_| refuse())?.into_parts();
        let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::as_str);
        if path.contains('?') {
            return Err(refuse());
        }
        let path = path.trim_end_matches('/').to_owned();
        let base =
            Base { scheme: parts.scheme.ok_or_else(refuse)?, authority: parts.authority.ok_or_else(refuse)?, path };
        Ok(Self(Kind::Remote(Arc::new(Remote { base, client: client.clone(), durations: None }))))
    }

    pub(crate) fn ready(&self) -> Readiness {
        match &self.0 {
            Kind::Local(local) => (local.ready)(),
            Kind::Remote(_) => Readiness::Ready,
        }
    }

    fn measured(self, registry: &Registry, role: Role) -> Self {
        let Kind::Remote(remote) = self.0 else { return self };
        let durations = registry.histogram(
            "http_client_request_duration_seconds",
            "Time until a role behind a URL answered, retries included.",
            &[("peer", role.label())],
        );
        let (base, client) = (remote.base.clone(), remote.client.clone());
        Self(Kind::Remote(Arc::new(Remote { base, client, durations: Some(durations) })))
    }
}

// === impl Remote ===

impl Remote {
    /// The full address of a target; `None` when the two do not make a valid one.
    pub(crate) fn address(&self, target: &Uri) -> Option<Uri> {
        let target = target.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.base.scheme.clone());
        parts.authority = Some(self.base.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(format!("{}{target}", self.base.path)).ok()?);
        Uri::from_parts(parts).ok()
    }
}

// === impl Upstreams ===

impl Upstreams {
    /// Who answers a path of a role, and how much of the path (as the role sees it) is the name of a service.
    pub(crate) fn of(&self, role: Role, inside: &str) -> Option<(&Upstream, usize)> {
        if role == Role::Functions
            && let Some(rest) = inside.strip_prefix('/')
        {
            let name = rest.split('/').next().unwrap_or_default();
            if let Some(service) = self.services.get(name) {
                return Some((service, name.len() + 1));
            }
        }
        Some((self.role(role)?, 0))
    }

    fn role(&self, role: Role) -> Option<&Upstream> {
        match role {
            Role::Auth => self.auth.as_ref(),
            Role::Data => self.data.as_ref(),
            Role::Storage => self.storage.as_ref(),
            Role::Functions => self.functions.as_ref(),
            Role::Realtime => self.realtime.as_ref(),
            Role::Portal => self.portal.as_ref(),
            Role::Graphql => None,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Upstream> {
        let roles = [&self.auth, &self.data, &self.storage, &self.functions, &self.realtime, &self.portal];
        roles.into_iter().flatten().chain(self.services.values())
    }

    pub(crate) fn measured(self, registry: &Registry) -> Self {
        let measure = |upstream: Option<Upstream>, role| upstream.map(|upstream| upstream.measured(registry, role));
        Self {
            auth: measure(self.auth, Role::Auth),
            data: measure(self.data, Role::Data),
            storage: measure(self.storage, Role::Storage),
            functions: measure(self.functions, Role::Functions),
            services: self
                .services
                .into_iter()
                .map(|(name, to)| (name, to.measured(registry, Role::Functions)))
                .collect(),
            realtime: measure(self.realtime, Role::Realtime),
            portal: measure(self.portal, Role::Portal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_joined_with_one_slash() {
        let client = HttpClient::new(std::time::Duration::from_secs(1), 1);
        for (base, target, full) in [
            ("http://data:8080", "/orders?id=eq.1", "http://data:8080/orders?id=eq.1"),
            ("http://data:8080/", "/", "http://data:8080/"),
            ("https://host/inner/", "/x", "https://host/inner/x"),
        ] {
            let Kind::Remote(remote) = Upstream::remote(base, &client).unwrap().0 else { panic!("not remote") };
            assert_eq!(remote.address(&target.parse().unwrap()).unwrap().to_string(), full);
        }
        for bad in ["", "data:8080/x y", "/only/path", "http://h/?q=1"] {
            assert!(Upstream::remote(bad, &client).is_err(), "{bad}");
        }
    }
}
