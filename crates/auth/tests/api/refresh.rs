use crate::app::{App, Is as _, Session, refused};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_refresh_replaces_both_tokens_and_keeps_the_session() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    app.clock.advance_seconds(1_000);
    let second = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(first.claims()["session_id"], second.claims()["session_id"]);
    assert_eq!(first.claims()["amr"], second.claims()["amr"], "the proof is as old as the sign-in");
    assert_eq!(second.claims()["iat"], app.unix());
    assert_eq!(second.user["id"], first.user["id"]);
    let third = Session::of(&app, &app.refresh(&second.refresh).await.expect(200));
    third.client.get("/user").await.is(200);
    let stored = app.db.value("select string_agg(token, ' ') from auth.refresh_tokens").await;
    for token in [&first.refresh, &second.refresh, &third.refresh] {
        assert!(!stored.contains(token.as_str()), "tokens are stored as digests only");
    }
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    let second = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    app.clock.advance_seconds(3_000);
    let again = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    assert_eq!(again.refresh, second.refresh, "the direct predecessor of the active token gets it, however late");
    assert_eq!(app.db.value("select count(*) from auth.refresh_tokens").await, "2");
}

#[tokio::test]
async fn within_the_interval_any_ancestor_gets_the_active_token() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    let second = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    let third = Session::of(&app, &app.refresh(&second.refresh).await.expect(200));
    app.clock.advance_seconds(9);
    let again = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    assert_eq!(again.refresh, third.refresh);
    assert_eq!(app.metric("mainstay_auth_refreshes_total{result=\"reused\"}"), 1.0);
}

#[tokio::test]
async fn a_copied_token_ends_the_whole_session_and_no_other() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    let elsewhere = Session::of(&app, &app.sign_in("ada@example.com", crate::app::PASSWORD).await.expect(200));
    let second = Session::of(&app, &app.refresh(&first.refresh).await.expect(200));
    let third = Session::of(&app, &app.refresh(&second.refresh).await.expect(200));
    app.clock.advance_seconds(11);
    refused(&app.refresh(&first.refresh).await, 400, "refresh_token_already_used");
    refused(&app.refresh(&third.refresh).await, 400, "refresh_token_already_used");
    refused(&app.refresh(&second.refresh).await, 400, "refresh_token_already_used");
    refused(&third.client.get("/user").await, 403, "session_not_found");
    elsewhere.client.get("/user").await.is(200);
    app.refresh(&elsewhere.refresh).await.is(200);
    let noted = "select count(*) from auth.audit_log_entries where payload ->> 'action' = 'token_revoked'";
    assert_eq!(app.db.value(noted).await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_all_get_the_same_successor() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    let attempts = (0..12).map(|_| app.refresh(&first.refresh));
    let mut tokens = BTreeSet::new();
    for answer in join_all(attempts).await {
        tokens.insert(Session::of(&app, &answer.expect(200)).refresh);
    }
    assert_eq!(tokens.len(), 1);
    assert_eq!(
        app.db.value("select count(*) filter (where not revoked) || '/' || count(*) from auth.refresh_tokens").await,
        "1/2"
    );
}

/// Polls all futures together.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in pending.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if pending.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn sessions_end_by_age_and_by_idleness() {
    let app = App::with(|config| {
        config.session_timebox = mainstay_kernel::config::Seconds::new(1_000);
        config.session_inactivity_timeout = mainstay_kernel::config::Seconds::new(600);
    })
    .await;
    let idle = app.sign_up("idle@example.com").await;
    let busy = app.sign_up("busy@example.com").await;
    app.clock.advance_seconds(500);
    let busy = Session::of(&app, &app.refresh(&busy.refresh).await.expect(200));
    app.clock.advance_seconds(200);
    let answer = app.refresh(&idle.refresh).await;
    refused(&answer, 400, "session_expired");
    assert!(answer.text().contains("Inactivity"));
    let busy = Session::of(&app, &app.refresh(&busy.refresh).await.expect(200));
    app.clock.advance_seconds(300);
    refused(&app.refresh(&busy.refresh).await, 400, "session_expired");
    refused(&busy.client.get("/user").await, 403, "session_not_found");
}

#[tokio::test]
async fn expired_state_is_removed_and_the_rest_is_not() {
    let app = App::with(|config| config.session_timebox = mainstay_kernel::config::Seconds::new(100)).await;
    app.sign_up("ada@example.com").await;
    app.clock.advance_seconds(101);
    app.room.clean_up().await.unwrap();
    assert_eq!(app.db.value("select count(*) from auth.sessions").await, "1", "kept for a day");
    app.clock.advance_seconds(86_400);
    let fresh = Session::of(&app, &app.sign_in("ada@example.com", crate::app::PASSWORD).await.expect(200));
    app.room.clean_up().await.unwrap();
    assert_eq!(app.db.value("select count(*) from auth.sessions").await, "1");
    fresh.client.get("/user").await.is(200);
}
