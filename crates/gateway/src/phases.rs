//! The life of a request.
//!
//! ```text
//! arrive ─▶ REQUEST_PHASES, in order ─▶ forward ─▶ RESPONSE_PHASES, in order ─▶ compress ─▶ record
//!                │ any may answer or refuse            ▲
//!                └──────────── rescue ─────────────────┘
//! ```

use crate::Edge;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::request_id::REQUEST_ID;
use crate::{forward, health, keys, rescue};
use futures_util::FutureExt as _;
use http::{HeaderValue, StatusCode, header};
use mainstay_kernel::http::{Body, Request, Response, Scheme};
use std::panic::AssertUnwindSafe;

/// What a phase decided.
enum Next {
    /// Go on.
    Phase,
    /// The gateway answers itself.
    Answer(Response),
}

type RequestPhase = fn(&Edge, &mut Exchange, &mut Request) -> Result<Next, Error>;
type ResponsePhase = fn(&Edge, &Exchange, &mut Response);

/// Before the role. None of them waits.
#[rustfmt::skip]
const REQUEST_PHASES: [RequestPhase; 9] = [
    answer_health,     // first: probes must get through redirects, overload and limits
    redirect_to_https, // before anything uses a secret that came in the clear
    take_place,        // sheds load before work is done
    limit_address,     // before preflights, which cost as much as other requests
    answer_preflight,  // browsers send no key with it (Fetch standard)
    require_role,      // a role that is not there is 404, with or without a key
    bound_sizes,
    admit_key,
    limit_key,         // needs the key
];

/// After the role, for answers and errors alike.
const RESPONSE_PHASES: [ResponsePhase; 3] = [allow_origins, add_security_headers, name_request];

/// Answers one request.
pub(crate) async fn answer(edge: &Edge, mut request: Request) -> Response {
    let mut exchange = Exchange::begin(&edge.proxies, &edge.ids, &mut request);
    let _active = edge.access.begin(&exchange.method);
    let outcome = AssertUnwindSafe(pass(edge, &mut exchange, request)).catch_unwind().await;
    let mut response = rescue::settle(outcome, &exchange);
    for phase in RESPONSE_PHASES {
        phase(edge, &exchange, &mut response);
    }
    edge.compress.apply(&exchange, &mut response).await;
    edge.access.record(&exchange, response.status());
    response
}

async fn pass(edge: &Edge, exchange: &mut Exchange, mut request: Request) -> Result<Response, Error> {
    for phase in REQUEST_PHASES {
        if let Next::Answer(response) = phase(edge, exchange, &mut request)? {
            return Ok(response);
        }
    }
    forward::send(edge, exchange, request).await
}

fn answer_health(edge: &Edge, _: &mut Exchange, request: &mut Request) -> Result<Next, Error> {
    Ok(health::answer(edge, request).map_or(Next::Phase, Next::Answer))
}

fn redirect_to_https(edge: &Edge, exchange: &mut Exchange, request: &mut Request) -> Result<Next, Error> {
    let Some(base) = edge.https_base.as_deref().filter(|_| exchange.scheme == Scheme::Http) else {
        return Ok(Next::Phase);
    };
    let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let Ok(location) = HeaderValue::try_from(format!("{base}{target}")) else { return Ok(Next::Phase) };
    let mut response = Response::new(Body::empty());
    // 308 keeps method and body (RFC 9110, 15.4.9)
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(Next::Answer(response))
}

fn take_place(edge: &Edge, exchange: &mut Exchange, _: &mut Request) -> Result<Next, Error> {
    exchange.place = Some(edge.limits.enter()?);
    Ok(Next::Phase)
}

fn limit_address(edge: &Edge, exchange: &mut Exchange, _: &mut Request) -> Result<Next, Error> {
    edge.limits.check_address(exchange.client).map(|()| Next::Phase)
}

fn answer_preflight(edge: &Edge, exchange: &mut Exchange, request: &mut Request) -> Result<Next, Error> {
    Ok(edge.cors.preflight(exchange, request.headers()).map_or(Next::Phase, Next::Answer))
}

fn require_role(edge: &Edge, exchange: &mut Exchange, _: &mut Request) -> Result<Next, Error> {
    let role = exchange.route.role;
    if edge.upstreams.of(role, exchange.route.inside(exchange.target.path())).is_some() {
        Ok(Next::Phase)
    } else {
        Err(forward::absent(role))
    }
}

fn bound_sizes(edge: &Edge, exchange: &mut Exchange, request: &mut Request) -> Result<Next, Error> {
    edge.bounds.check(exchange.route.role, request).map(|()| Next::Phase)
}

fn admit_key(edge: &Edge, exchange: &mut Exchange, request: &mut Request) -> Result<Next, Error> {
    keys::admit(&edge.keys, exchange, request).map(|()| Next::Phase)
}

fn limit_key(edge: &Edge, exchange: &mut Exchange, _: &mut Request) -> Result<Next, Error> {
    let Some(key) = &exchange.key else { return Ok(Next::Phase) };
    edge.limits.check_key(exchange.client, key).map(|()| Next::Phase)
}

fn allow_origins(edge: &Edge, exchange: &Exchange, response: &mut Response) {
    edge.cors.decorate(exchange, response);
}

fn add_security_headers(edge: &Edge, exchange: &Exchange, response: &mut Response) {
    edge.security.decorate(exchange, response);
}

fn name_request(_: &Edge, exchange: &Exchange, response: &mut Response) {
    response.headers_mut().insert(REQUEST_ID, exchange.id_value.clone());
}
