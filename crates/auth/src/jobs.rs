//! Background work: what is over is removed, in small steps, safe to run on several replicas at once.

use crate::state::Shared;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_pg::Statement;
use std::time::Duration;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(60);

/// Runs until the process stops.
pub(crate) async fn run(state: Shared, lifecycle: Lifecycle) {
    loop {
        tokio::select! {
            () = lifecycle.stopping() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        state.limits.prune();
        if let Err(error) = clean(&state).await {
            tracing::warn!("expired auth state was not removed, will try again: {error}");
        }
    }
}

/// One round. Each statement takes at most a thousand rows, so that no lock lasts.
pub(crate) async fn clean(state: &crate::state::State) -> Result<(), mainstay_pg::Error> {
    let now = state.now().to_string();
    for sql in [
        "delete from auth.oauth_states where state in (select state from auth.oauth_states where expires_at < $1::timestamptz limit 1000)",
        "delete from auth.flow_state where id in (select id from auth.flow_state where created_at < $1::timestamptz - interval '1 hour' limit 1000)",
        "delete from auth.one_time_tokens where id in (select id from auth.one_time_tokens where expires_at < $1::timestamptz limit 1000)",
        // A closed session is kept for a day, so that its tokens still hear why they are refused.
        "delete from auth.sessions where id in (select id from auth.sessions where not_after < $1::timestamptz - interval '1 day' limit 1000)",
        // Replaced tokens betray their copies for a month.
        "delete from auth.refresh_tokens where id in (select id from auth.refresh_tokens where revoked and updated_at < $1::timestamptz - interval '30 days' limit 1000)",
    ] {
        state.pool.run(&[Statement::prepared(sql).bind(now.as_str())]).await?;
    }
    Ok(())
}
