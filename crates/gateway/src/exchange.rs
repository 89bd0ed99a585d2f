//! What the gateway knows about one request, from its arrival to its answer.

use crate::address::{self, Trust};
use crate::compress::Coding;
use crate::limit::Place;
use crate::request_id::Ids;
use crate::route::{self, Route};
use http::{HeaderValue, Method, Uri, header};
use mainstay_identity::ResolvedKey;
use mainstay_kernel::http::{ClientAddr, PeerAddr, Request, RequestId, Scheme};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

/// One request's context. Copies of header values and the target share the bytes of the request.
pub(crate) struct Exchange {
    /// When it arrived.
    pub(crate) began: Instant,
    /// Its method.
    pub(crate) method: Method,
    /// Its target as it was sent. The query may hold secrets: only the path may be logged.
    pub(crate) target: Uri,
    /// Where it goes.
    pub(crate) route: Route,
    /// Who sent it.
    pub(crate) client: IpAddr,
    /// How the client reached us or the trusted proxy in front.
    pub(crate) scheme: Scheme,
    /// Whether the sender of `X-Forwarded-*` is believed.
    pub(crate) trust: Trust,
    /// Its id, and the same as a header value.
    pub(crate) id: RequestId,
    pub(crate) id_value: HeaderValue,
    /// `Origin`, when a page of another origin asks.
    pub(crate) origin: Option<HeaderValue>,
    /// The best encoding the client accepts.
    pub(crate) coding: Option<Coding>,
    /// The API key, once it is known.
    pub(crate) key: Option<Arc<ResolvedKey>>,
    /// The `Authorization` that goes to the role.
    pub(crate) authorization: Option<HeaderValue>,
    /// Its place among the requests in flight.
    pub(crate) place: Option<Place>,
}

impl Exchange {
    /// Reads what all phases need and writes the extensions that roles read.
    pub(crate) fn begin(trusted: &address::Proxies, ids: &Ids, request: &mut Request) -> Self {
        let peer = request.extensions().get::<PeerAddr>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
        let scheme = request.extensions().get::<Scheme>().copied().unwrap_or(Scheme::Http);
        let origin = address::origin(trusted, peer, scheme, request.headers());
        let (id, id_value) = ids.accept_or_make(request.headers());
        let extensions = request.extensions_mut();
        extensions.insert(ClientAddr(origin.client));
        extensions.insert(origin.scheme);
        extensions.insert(id.clone());
        Self {
            began: Instant::now(),
            method: request.method().clone(),
            target: request.uri().clone(),
            route: route::find(request.uri().path()),
            client: origin.client,
            scheme: origin.scheme,
            trust: origin.trust,
            id,
            id_value,
            origin: request.headers().get(header::ORIGIN).cloned(),
            coding: request.headers().get(header::ACCEPT_ENCODING).and_then(Coding::best),
            key: None,
            authorization: None,
            place: None,
        }
    }
}
