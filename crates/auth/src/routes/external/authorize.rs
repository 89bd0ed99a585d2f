//! `GET /authorize?provider=…`: to the provider.

use super::error_pairs;
use crate::client::Client;
use crate::error::{Code, Failure};
use crate::oauth::state::{self as oauth_state, Pending};
use crate::pkce::Challenge;
use crate::rate::Action;
use crate::redirect;
use crate::routes::input::Query;
use crate::routes::respond::{found, log};
use crate::secret;
use crate::state::{Shared, State};
use axum::response::Response;
use mainstay_kernel::error::PublicError as _;

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    client: Client,
    query: Query,
) -> Result<Response, Failure> {
    let provider = state.providers.get(query.get("provider").unwrap_or_default())?;
    let challenge = Challenge::parse(query.get("code_challenge"), query.get("code_challenge_method"))?;
    state.limits.take(Action::SignIn, client.address)?;
    let target = state.redirects.choose(query.get("redirect_to"));
    match depart(&state, provider, &query, challenge, &target).await {
        Ok(url) => found(&url),
        // The browser is here, not the application: it hears of trouble at its own address.
        Err(failure) if failure.which() == Code::OauthProviderNotSupported => {
            log(&failure, "-");
            found(&redirect::with_error(&target, &error_pairs(&failure, &failure.message())))
        }
        Err(failure) => Err(failure),
    }
}

async fn depart(
    state: &State,
    provider: &crate::oauth::provider::Provider,
    query: &Query,
    challenge: Option<Challenge>,
    target: &str,
) -> Result<String, Failure> {
    let now = state.now();
    let token = secret::random_token().map_err(Failure::internal)?;
    let scopes: Vec<String> = query
        .get("scopes")
        .unwrap_or_default()
        .split([' ', ','])
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    let departure = provider.depart(now, &token, &scopes, query.pairs()).await?;
    let pending = Pending {
        provider: provider.id.clone(),
        redirect_to: target.to_owned(),
        nonce: departure.nonce,
        verifier: departure.verifier,
        challenge,
    };
    oauth_state::put(&state.pool, &token, &pending, now).await?;
    Ok(departure.url)
}
