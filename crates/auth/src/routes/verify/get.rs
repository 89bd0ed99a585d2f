//! `GET /verify`: from a link in a browser. Always answers with a redirect; failures travel in it.

use super::{HALF_WAY, Outcome, Purpose, verify};
use crate::client::Client;
use crate::error::Failure;
use crate::one_time::Proof;
use crate::rate::Action;
use crate::redirect;
use crate::routes::external::error_pairs;
use crate::routes::input::Query;
use crate::routes::respond::see_other;
use crate::state::{Shared, State};
use axum::response::Response;

pub(crate) async fn handle(
    axum::extract::State(state): axum::extract::State<Shared>,
    client: Client,
    query: Query,
) -> Result<Response, Failure> {
    let target = state.redirects.choose(query.get("redirect_to"));
    match attempt(&state, &client, &query).await {
        Ok(Outcome::SignedIn(reply)) => {
            let pairs = reply.fragment(query.get("type"));
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
            see_other(&redirect::with_fragment(&target, &pairs))
        }
        Ok(Outcome::HalfWay) => see_other(&redirect::with_fragment(&target, &[("message", HALF_WAY)])),
        Err(failure) => see_other(&redirect::with_error(&target, &error_pairs(&failure, &failure_text(&failure)))),
    }
}

async fn attempt(state: &State, client: &Client, query: &Query) -> Result<Outcome, Failure> {
    let purpose = Purpose::parse(query.get("type").unwrap_or_default())?;
    let token = query.get("token").or_else(|| query.get("token_hash"));
    let token = token.ok_or_else(|| Failure::invalid("Verify requires a token"))?;
    state.limits.take(Action::Verify, client.address)?;
    verify(state, client, purpose, Proof::Token(token)).await
}

fn failure_text(failure: &Failure) -> String {
    use crate::error::Code;
    use mainstay_kernel::error::PublicError as _;
    if failure.which() == Code::OtpExpired {
        "Email link is invalid or has expired".to_owned()
    } else {
        failure.message()
    }
}
