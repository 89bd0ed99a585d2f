//! `GET|POST /callback`: back from the provider. Always answers with a redirect: to where the sign-in started when the
//! state is known, to the site otherwise.

use super::error_pairs;
use crate::client::Client;
use crate::error::{Code, Failure};
use crate::oauth::finish::finish;
use crate::oauth::state::{self as oauth_state, Pending};
use crate::redirect;
use crate::routes::input::{Query, body};
use crate::routes::respond::{found, log};
use crate::state::{Shared, State};
use axum::response::Response;
use mainstay_kernel::error::PublicError as _;
use mainstay_kernel::http::Request;

pub(crate) async fn get(
    axum::extract::State(state): axum::extract::State<Shared>,
    client: Client,
    query: Query,
) -> Result<Response, Failure> {
    handle(&state, &client, &query).await
}

/// `response_mode=form_post`.
pub(crate) async fn post(
    axum::extract::State(state): axum::extract::State<Shared>,
    client: Client,
    request: Request,
) -> Result<Response, Failure> {
    let form = Query::parse(&body(request).await?);
    handle(&state, &client, &form).await
}

async fn handle(state: &State, client: &Client, query: &Query) -> Result<Response, Failure> {
    let pending = match take(state, query).await {
        Ok(pending) => pending,
        Err(failure) => return refuse(state.redirects.site(), &failure),
    };
    match arrive(state, client, query, &pending).await {
        Ok(url) => found(&url),
        Err(failure) => {
            state.meters.login_refused.inc();
            refuse(&pending.redirect_to, &failure)
        }
    }
}

async fn take(state: &State, query: &Query) -> Result<Pending, Failure> {
    let token = query.get("state").ok_or_else(|| Failure::new(Code::BadOauthState, "OAuth state parameter missing"))?;
    oauth_state::take(&state.pool, token, state.now()).await
}

async fn arrive(state: &State, client: &Client, query: &Query, pending: &Pending) -> Result<String, Failure> {
    let provider = state.providers.get(&pending.provider)?;
    if let Some(error) = query.get("error") {
        // What the provider says goes to the application as it is: `access_denied` is its user changing their mind.
        let description = query.get("error_description").unwrap_or_default();
        let pairs =
            [("error", error), ("error_code", Code::BadOauthCallback.as_str()), ("error_description", description)];
        return Ok(redirect::with_error(&pending.redirect_to, &pairs));
    }
    if query.get("iss").is_some_and(|issuer| !provider.is_issuer(issuer)) {
        return Err(Failure::new(
            Code::BadOauthCallback,
            "The answer comes from another provider than the question went to",
        ));
    }
    let code =
        query.get("code").ok_or_else(|| Failure::new(Code::BadOauthCallback, "OAuth callback without a code"))?;
    let external = provider.redeem(state.now(), code, &pending.nonce, &pending.verifier).await?;
    finish(state, client, pending, &external).await
}

fn refuse(target: &str, failure: &Failure) -> Result<Response, Failure> {
    log(failure, "-");
    found(&redirect::with_error(target, &error_pairs(failure, &failure.message())))
}
