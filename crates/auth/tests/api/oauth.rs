use crate::app::{App, Is as _, PASSWORD, Session, refused, text};
use crate::provider::{CLIENT, Provider, SECRET, Signature};
use mainstay_testkit::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn settings(issuer: &str) -> mainstay_auth::Provider {
    mainstay_auth::Provider {
        issuer: Some(issuer.to_owned()),
        client_id: CLIENT.to_owned(),
        secret: Some(SECRET.into()),
        name: None,
        scopes: vec!["email".into()],
        enabled: true,
    }
}

async fn start() -> (App, Provider) {
    start_with(|_| {}).await
}

async fn start_with(adjust: impl FnOnce(&mut mainstay_auth::Config)) -> (App, Provider) {
    let now = "2026-01-01T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    let provider = Provider::start(now).await;
    let app = App::with(|config| {
        config.external.insert("acme".into(), settings(&provider.issuer));
        config.uri_allow_list = vec!["myapp://**".into()];
        adjust(config);
    })
    .await;
    (app, provider)
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split(['#']).next().unwrap().split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn fragment(url: &str) -> BTreeMap<String, String> {
    let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
    form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

/// Goes to the provider; the state that came along.
async fn depart(app: &App, provider: &Provider, parameters: &str) -> String {
    let answer = app.client.get(&format!("/authorize?provider=acme{parameters}")).await.expect(302);
    let target = answer.header("location").to_owned();
    assert!(target.starts_with(&format!("{}/authorize?", provider.issuer)), "{target}");
    let pairs = query(&target);
    let state = pairs["state"].clone();
    provider.set(|script| script.authorize = pairs);
    state
}

async fn arrive(app: &App, state: &str) -> String {
    let answer = app.client.get(&format!("/callback?code=good+code&state={state}")).await.expect(302);
    answer.header("location").to_owned()
}

/// The whole way with the implicit flow.
async fn sign_in(app: &App, provider: &Provider) -> String {
    let state = depart(app, provider, "&redirect_to=https%3A%2F%2Fapp.test%2Fin").await;
    arrive(app, &state).await
}

#[track_caller]
fn failed(url: &str, code: &str) {
    assert!(url.starts_with("https://app.test/"), "{url}");
    for pairs in [query(url), fragment(url)] {
        assert_eq!(pairs.get("error_code").map(String::as_str), Some(code), "{url}");
        assert!(!pairs["error"].is_empty() && !pairs["error_description"].is_empty());
    }
}

async fn exchange(app: &App, code: &str, verifier: &str) -> Answer {
    app.client.post("/token?grant_type=pkce", &json!({"auth_code": code, "code_verifier": verifier})).await
}

#[tokio::test]
async fn the_way_to_the_provider_carries_state_nonce_and_challenge() {
    let (app, provider) = start().await;
    let state = depart(&app, &provider, "&scopes=calendar&access_type=offline&nonce=mine&client_id=evil").await;
    let pairs = provider.see(|script| script.authorize.clone());
    assert_eq!((pairs["client_id"].as_str(), pairs["response_type"].as_str()), (CLIENT, "code"));
    assert_eq!(pairs["redirect_uri"], "https://api.test/auth/v1/callback");
    assert_eq!((pairs["scope"].as_str(), pairs["access_type"].as_str()), ("openid email calendar", "offline"));
    assert!(pairs["nonce"].len() >= 20 && pairs["nonce"] != "mine" && state.len() == 43);
    assert_eq!((pairs["code_challenge_method"].as_str(), pairs["code_challenge"].len()), ("S256", 43));
    let stored = app.db.value("select state from auth.oauth_states").await;
    assert!(stored.len() == 64 && stored != state, "kept as a digest");
}

#[tokio::test]
async fn the_implicit_flow_ends_with_a_session_in_the_fragment() {
    let (app, provider) = start().await;
    let url = sign_in(&app, &provider).await;
    assert!(url.starts_with("https://app.test/in#access_token="), "{url}");
    let pairs = fragment(&url);
    assert_eq!(
        (pairs["provider_token"].as_str(), pairs["provider_refresh_token"].as_str()),
        ("provider access", "provider refresh")
    );
    let user = app.client.bearer(&pairs["access_token"]).get("/user").await.expect(200).json();
    assert_eq!(
        (text(&user, "email"), &user["app_metadata"]),
        ("ada@example.com".into(), &json!({"provider": "acme", "providers": ["acme"]}))
    );
    assert_eq!(
        (user["user_metadata"]["full_name"].as_str(), user["user_metadata"]["avatar_url"].as_str()),
        (Some("Ada L"), Some("https://p.test/ada.png"))
    );
    let identity = &user["identities"][0];
    assert_eq!((identity["provider"].as_str(), identity["id"].as_str()), (Some("acme"), Some("subject-1")));
    assert!(user["email_confirmed_at"].is_string());
    app.refresh(&pairs["refresh_token"]).await.is(200);
    let again = fragment(&sign_in(&app, &provider).await);
    let same = app.client.bearer(&again["access_token"]).get("/user").await.expect(200).json();
    assert_eq!(same["id"], user["id"], "the second time it is the same account");
    assert_eq!(app.db.value("select count(*) from auth.users").await, "1");
}

#[tokio::test]
async fn the_pkce_flow_ends_with_a_code_that_needs_the_verifier() {
    let (app, provider) = start().await;
    let pkce = format!("&redirect_to=myapp%3A%2F%2Fcb%2Fin&code_challenge={CHALLENGE}&code_challenge_method=s256");
    let state = depart(&app, &provider, &pkce).await;
    let url = arrive(&app, &state).await;
    assert!(url.starts_with("myapp://cb/in?code=") && !url.contains('#'), "{url}");
    let code = query(&url)["code"].clone();
    let reply = exchange(&app, &code, VERIFIER).await.expect(200);
    let session = Session::of(&app, &reply);
    assert_eq!(
        (reply.json()["provider_token"].as_str(), session.claims()["amr"][0]["method"].as_str()),
        (Some("provider access"), Some("oauth"))
    );
    refused(&exchange(&app, &code, VERIFIER).await, 404, "flow_state_not_found");
    let state = depart(&app, &provider, &pkce).await;
    let code = query(&arrive(&app, &state).await)["code"].clone();
    refused(&exchange(&app, &code, &VERIFIER.replace('d', "e")).await, 400, "bad_code_verifier");
    refused(&exchange(&app, &code, VERIFIER).await, 404, "flow_state_not_found");
    let plain = format!("&code_challenge={VERIFIER}&code_challenge_method=plain");
    let state = depart(&app, &provider, &plain).await;
    let code = query(&arrive(&app, &state).await)["code"].clone();
    exchange(&app, &code, VERIFIER).await.is(200);
    let state = depart(&app, &provider, &plain).await;
    let code = query(&arrive(&app, &state).await)["code"].clone();
    app.clock.advance_seconds(300);
    refused(&exchange(&app, &code, VERIFIER).await, 403, "flow_state_expired");
    assert_eq!(app.db.value("select count(*) from auth.flow_state").await, "0");
}

#[tokio::test]
async fn a_state_works_once_and_for_ten_minutes() {
    let (app, provider) = start().await;
    let state = depart(&app, &provider, "").await;
    assert!(arrive(&app, &state).await.contains("access_token"));
    failed(&arrive(&app, &state).await, "bad_oauth_state");
    failed(&arrive(&app, "made-up").await, "bad_oauth_state");
    let missing = app.client.get("/callback?code=x").await.expect(302);
    failed(missing.header("location"), "bad_oauth_state");
    let state = depart(&app, &provider, "").await;
    app.clock.advance_seconds(600);
    failed(&arrive(&app, &state).await, "bad_oauth_state");
}

#[tokio::test]
async fn an_id_token_that_is_not_for_us_is_refused() {
    let (app, provider) = start().await;
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "someone else"}),
        json!({"aud": [CLIENT, "someone else"]}),
        json!({"iss": "https://evil.test"}),
        json!({"exp": 1_600_000_000}),
    ] {
        provider.set(|script| script.claims = claims.clone());
        failed(&sign_in(&app, &provider).await, "bad_oauth_callback");
    }
    provider.set(|script| script.claims = json!({}));
    for signature in [Signature::Forged, Signature::None] {
        provider.set(|script| script.signature = signature);
        failed(&sign_in(&app, &provider).await, "bad_oauth_callback");
    }
    assert_eq!(app.db.value("select count(*) from auth.users").await, "0");
}

#[tokio::test]
async fn keys_are_fetched_anew_when_unknown_but_not_at_will() {
    let (app, provider) = start().await;
    assert!(sign_in(&app, &provider).await.contains("access_token"));
    assert_eq!(provider.see(|script| script.key_fetches), 1);
    provider.rotate("two");
    failed(&sign_in(&app, &provider).await, "bad_oauth_callback");
    assert_eq!(provider.see(|script| script.key_fetches), 1, "not within a minute");
    app.clock.advance_seconds(61);
    assert!(sign_in(&app, &provider).await.contains("access_token"));
    assert_eq!(provider.see(|script| script.key_fetches), 2);
}

#[tokio::test]
async fn an_address_missing_from_the_id_token_is_asked_for() {
    let (app, provider) = start().await;
    provider.set(|script| {
        script.claims = json!({"email": null, "email_verified": null});
        script.userinfo = json!({"sub": "subject-1", "email": "info@example.com", "email_verified": true});
    });
    let pairs = fragment(&sign_in(&app, &provider).await);
    let user = app.client.bearer(&pairs["access_token"]).get("/user").await.expect(200).json();
    assert_eq!(user["email"], "info@example.com");
    provider.set(|script| script.userinfo = json!({"sub": "someone else", "email": "info@example.com"}));
    failed(&sign_in(&app, &provider).await, "oauth_provider_not_supported");
    provider.set(|script| {
        script.claims = json!({"sub": "subject-2", "email": null});
        script.userinfo = json!({"sub": "subject-2"});
    });
    failed(&sign_in(&app, &provider).await, "email_address_not_provided");
}

#[tokio::test]
async fn accounts_are_linked_only_by_addresses_that_both_sides_proved() {
    let (app, provider) = start().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "email_confirm": true});
    let user = app.admin().post("/admin/users", &body).await.expect(200).json();
    provider.set(|script| script.claims = json!({"email_verified": false}));
    failed(&sign_in(&app, &provider).await, "provider_email_needs_verification");
    provider.set(|script| script.claims = json!({"email": "ADA@example.com"}));
    let pairs = fragment(&sign_in(&app, &provider).await);
    let linked = app.client.bearer(&pairs["access_token"]).get("/user").await.expect(200).json();
    assert_eq!((&linked["id"], &linked["app_metadata"]["providers"]), (&user["id"], &json!(["email", "acme"])));
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
}

#[tokio::test]
async fn whoever_registered_a_strangers_address_loses_it_to_its_owner() {
    let (app, provider) = start().await;
    let squatter = app.sign_up("ada@example.com").await;
    let pairs = fragment(&sign_in(&app, &provider).await);
    let owner = app.client.bearer(&pairs["access_token"]).get("/user").await.expect(200).json();
    assert_eq!((&owner["id"], owner["identities"].as_array().unwrap().len()), (&squatter.user["id"], 1));
    refused(&squatter.client.get("/user").await, 403, "session_not_found");
    refused(&app.refresh(&squatter.refresh).await, 400, "refresh_token_not_found");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "invalid_credentials");
    let owner = app.client.bearer(&pairs["access_token"]);
    owner.put("/user", &json!({"password": "the owner's"})).await.is(200);
    app.sign_in("ada@example.com", "the owner's").await.is(200);
}

#[tokio::test]
async fn closed_sign_ups_and_bans_hold_at_the_provider_too() {
    let (app, provider) = start_with(|config| config.disable_signup = true).await;
    failed(&sign_in(&app, &provider).await, "signup_disabled");
    let body = json!({"email": "ada@example.com", "email_confirm": true, "ban_duration": "1h"});
    app.admin().post("/admin/users", &body).await.is(200);
    failed(&sign_in(&app, &provider).await, "user_banned");
    app.clock.advance_seconds(3_601);
    provider.set(|script| script.claims = json!({"exp": 1_900_000_000}));
    assert!(sign_in(&app, &provider).await.contains("access_token"));
}

#[tokio::test]
async fn trouble_at_the_provider_comes_back_as_an_error() {
    let (app, provider) = start().await;
    let state = depart(&app, &provider, "").await;
    let answer = app
        .client
        .get(&format!("/callback?error=access_denied&error_description=No+thanks&state={state}"))
        .await
        .expect(302);
    let pairs = query(answer.header("location"));
    assert_eq!((pairs["error"].as_str(), pairs["error_description"].as_str()), ("access_denied", "No thanks"));
    let state = depart(&app, &provider, "").await;
    let answer = app.client.get(&format!("/callback?code=bad+code&state={state}")).await.expect(302);
    failed(answer.header("location"), "oauth_provider_not_supported");
    let state = depart(&app, &provider, "").await;
    let answer = app
        .client
        .get(&format!("/callback?code=good+code&state={state}&iss=https%3A%2F%2Fevil.test"))
        .await
        .expect(302);
    failed(answer.header("location"), "bad_oauth_callback");
    let state = depart(&app, &provider, "").await;
    let form = format!("code=good+code&state={state}");
    let posted = app.client.send(http::Method::POST, "/callback", form.into()).await.expect(302);
    assert!(posted.header("location").contains("#access_token="), "form_post works as well");
    let dead = start_with(|config| {
        config.external.insert("dead".into(), settings("http://127.0.0.1:9"));
    })
    .await
    .0;
    let answer = dead.client.get("/authorize?provider=dead&redirect_to=https%3A%2F%2Fapp.test%2Fx").await.expect(302);
    assert!(answer.header("location").starts_with("https://app.test/x?error=temporarily_unavailable"));
}

#[tokio::test]
async fn unknown_providers_and_half_challenges_are_refused() {
    let (app, _provider) = start_with(|config| {
        let mut off = settings("https://off.test");
        off.enabled = false;
        config.external.insert("off".into(), off);
    })
    .await;
    for parameters in ["", "?provider=", "?provider=facebook", "?provider=off"] {
        let answer = app.client.get(&format!("/authorize{parameters}")).await;
        refused(&answer, 400, "validation_failed");
        assert_eq!(answer.json()["message"], "Unsupported provider: provider is not enabled");
    }
    for parameters in
        ["&code_challenge=abc", "&code_challenge_method=s256", "&code_challenge=abc&code_challenge_method=s256"]
    {
        refused(&app.client.get(&format!("/authorize?provider=acme{parameters}")).await, 400, "validation_failed");
    }
    let settings: Value = app.client.get("/settings").await.expect(200).json();
    assert_eq!((settings["external"]["acme"].as_bool(), settings["external"]["off"].as_bool()), (Some(true), None));
}

#[tokio::test]
async fn a_redirect_that_is_not_allowed_ends_at_the_site() {
    let (app, provider) = start().await;
    let state = depart(&app, &provider, "&redirect_to=https%3A%2F%2Fevil.test%2F").await;
    assert!(arrive(&app, &state).await.starts_with("https://app.test/#access_token="));
}
