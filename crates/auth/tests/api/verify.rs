use crate::app::{App, Is as _, PASSWORD, Session, refused, text};
use mainstay_testkit::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn link(app: &App, body: Value) -> Value {
    app.admin().post("/admin/generate_link", &body).await.expect(200).json()
}

async fn verify(app: &App, kind: &str, link: &Value) -> Answer {
    app.client.post("/verify", &json!({"type": kind, "token_hash": link["hashed_token"]})).await
}

/// The pairs in the fragment of a redirect.
fn fragment(answer: &Answer) -> BTreeMap<String, String> {
    let (_, fragment) =
        answer.header("location").split_once('#').unwrap_or_else(|| panic!("{}", answer.header("location")));
    form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn a_recovery_link_signs_in_once_and_a_new_password_can_be_set() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let link =
        link(&app, json!({"type": "recovery", "email": "ada@example.com", "redirect_to": "https://app.test/reset"}))
            .await;
    assert_eq!((text(&link, "verification_type"), text(&link, "email")), ("recovery".into(), "ada@example.com".into()));
    assert_eq!(text(&link, "redirect_to"), "https://app.test/reset");
    assert!(text(&link, "action_link").starts_with("https://api.test/auth/v1/verify?token="));
    let session = Session::of(&app, &verify(&app, "recovery", &link).await.expect(200));
    assert_eq!(session.claims()["amr"][0]["method"], "otp");
    refused(&verify(&app, "recovery", &link).await, 403, "otp_expired");
    session.client.put("/user", &json!({"password": "a new password"})).await.is(200);
    app.sign_in("ada@example.com", "a new password").await.is(200);
}

#[tokio::test]
async fn a_link_works_in_the_browser_and_says_when_it_does_not() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let link =
        link(&app, json!({"type": "magiclink", "email": "ada@example.com", "redirect_to": "https://app.test/in"}))
            .await;
    let path = text(&link, "action_link").replace("https://api.test/auth/v1", "");
    let answer = app.client.get(&path).await.expect(303);
    assert!(answer.header("location").starts_with("https://app.test/in#access_token="));
    let pairs = fragment(&answer);
    assert_eq!(
        (pairs["type"].as_str(), pairs["token_type"].as_str(), pairs["expires_in"].as_str()),
        ("magiclink", "bearer", "3600")
    );
    app.client.bearer(&pairs["access_token"]).get("/user").await.is(200);
    app.refresh(&pairs["refresh_token"]).await.is(200);
    let again = app.client.get(&path).await.expect(303);
    let pairs = fragment(&again);
    assert_eq!((pairs["error"].as_str(), pairs["error_code"].as_str()), ("access_denied", "otp_expired"));
    assert_eq!(pairs["error_description"], "Email link is invalid or has expired");
    let elsewhere =
        app.client.get("/verify?token=x&type=magiclink&redirect_to=https%3A%2F%2Fevil.test").await.expect(303);
    assert!(elsewhere.header("location").starts_with("https://app.test/?error="), "{}", elsewhere.header("location"));
}

#[tokio::test]
async fn a_typed_code_works_too_and_dies_after_five_wrong_ones() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let attempt = async |code: &str| {
        app.client.post("/verify", &json!({"type": "recovery", "email": "ada@example.com", "token": code})).await
    };
    let first = link(&app, json!({"type": "recovery", "email": "ada@example.com"})).await;
    let code = text(&first, "email_otp");
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
    attempt(&code).await.is(200);
    refused(&attempt(&code).await, 403, "otp_expired");
    let second = link(&app, json!({"type": "recovery", "email": "ada@example.com"})).await;
    let code = text(&second, "email_otp");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        refused(&attempt(wrong).await, 403, "otp_expired");
    }
    refused(&attempt(&code).await, 403, "otp_expired");
    refused(&verify(&app, "recovery", &second).await, 403, "otp_expired");
}

#[tokio::test]
async fn a_token_expires_is_for_one_purpose_and_replaces_its_predecessor() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let body = json!({"type": "recovery", "email": "ada@example.com"});
    let (old, new) = (link(&app, body.clone()).await, link(&app, body.clone()).await);
    refused(&verify(&app, "recovery", &old).await, 403, "otp_expired");
    refused(&verify(&app, "signup", &new).await, 403, "otp_expired");
    verify(&app, "email", &new).await.is(200);
    let late = link(&app, body).await;
    app.clock.advance_seconds(3_601);
    refused(&verify(&app, "recovery", &late).await, 403, "otp_expired");
}

#[tokio::test]
async fn sign_up_and_invitation_links_make_and_confirm_accounts() {
    let app = App::with(|config| config.autoconfirm = false).await;
    let body = json!({"type": "signup", "email": "ada@example.com", "password": PASSWORD, "data": {"nick": "al"}});
    let signup = link(&app, body.clone()).await;
    assert!(signup.get("email_confirmed_at").is_none() && signup["user_metadata"]["nick"] == "al");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "email_not_confirmed");
    let session = Session::of(&app, &verify(&app, "signup", &signup).await.expect(200));
    assert!(session.user["email_confirmed_at"].is_string());
    assert_eq!(session.user["identities"][0]["identity_data"]["email_verified"], true);
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
    refused(&app.admin().post("/admin/generate_link", &body).await, 422, "email_exists");
    let invite = link(&app, json!({"type": "invite", "email": "guest@example.com"})).await;
    assert!(invite["invited_at"].is_string());
    let guest = Session::of(&app, &verify(&app, "invite", &invite).await.expect(200));
    guest.client.put("/user", &json!({"password": "guest password"})).await.is(200);
    app.sign_in("guest@example.com", "guest password").await.is(200);
    let newcomer = link(&app, json!({"type": "magiclink", "email": "new@example.com"})).await;
    assert_eq!(newcomer["verification_type"], "signup");
    verify(&app, "signup", &newcomer).await.is(200);
}

#[tokio::test]
async fn an_address_changes_when_both_sides_confirm() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    let change = |kind: &str| json!({"type": kind, "email": "ada@example.com", "new_email": "new@example.com"});
    let current = link(&app, change("email_change_current")).await;
    assert_eq!(current["new_email"], "new@example.com");
    let half = verify(&app, "email_change", &current).await.expect(200).json();
    assert_eq!((half["code"].as_str(), half["msg"].is_string()), (Some("200"), true));
    assert_eq!(session.client.get("/user").await.json()["email"], "ada@example.com");
    let again = link(&app, change("email_change_current")).await;
    assert!(
        verify(&app, "email_change", &again).await.expect(200).json()["msg"].is_string(),
        "the same side twice is one side"
    );
    let new = link(&app, change("email_change_new")).await;
    let reply = verify(&app, "email_change", &new).await.expect(200).json();
    assert_eq!(reply["user"]["email"], "new@example.com");
    app.sign_in("new@example.com", PASSWORD).await.is(200);
    app.sign_up("taken@example.com").await;
    let taken = json!({"type": "email_change_new", "email": "new@example.com", "new_email": "taken@example.com"});
    refused(&app.admin().post("/admin/generate_link", &taken).await, 422, "email_exists");
}

#[tokio::test]
async fn one_confirmation_is_enough_when_so_configured() {
    let app = App::with(|config| config.double_confirm_email_changes = false).await;
    app.sign_up("ada@example.com").await;
    let body = json!({"type": "email_change_new", "email": "ada@example.com", "new_email": "new@example.com"});
    let new = link(&app, body).await;
    assert_eq!(verify(&app, "email_change", &new).await.expect(200).json()["user"]["email"], "new@example.com");
}

#[tokio::test]
async fn malformed_verifications_are_refused() {
    let app = App::new().await;
    for (body, status, code) in [
        (json!({}), 400, "validation_failed"),
        (json!({"type": "recovery"}), 400, "validation_failed"),
        (json!({"type": "magic", "token_hash": "x"}), 400, "validation_failed"),
        (json!({"type": "recovery", "token": "123456"}), 400, "validation_failed"),
        (json!({"type": "recovery", "token_hash": "x", "email": "a@b.test"}), 400, "validation_failed"),
        (json!({"type": "sms", "phone": "+49", "token": "123456"}), 422, "phone_provider_disabled"),
        (json!({"type": "recovery", "email": "nobody@b.test", "token": "123456"}), 403, "otp_expired"),
    ] {
        refused(&app.client.post("/verify", &body).await, status, code);
    }
    for (body, status, code) in [
        (json!({"type": "recovery", "email": "nobody@b.test"}), 404, "user_not_found"),
        (json!({"type": "magic", "email": "nobody@b.test"}), 400, "validation_failed"),
        (json!({"type": "recovery"}), 400, "email_address_invalid"),
        (json!({"type": "signup", "email": "nobody@b.test"}), 400, "validation_failed"),
        (json!({"type": "signup", "email": "nobody@b.test", "password": "abc"}), 422, "weak_password"),
    ] {
        refused(&app.admin().post("/admin/generate_link", &body).await, status, code);
    }
}

#[tokio::test]
async fn recovery_answers_everybody_alike_and_the_rest_says_that_there_is_no_mail() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        assert_eq!(app.client.post("/recover", &json!({"email": email})).await.expect(200).text(), "{}");
    }
    let noted = "select count(*) from auth.audit_log_entries where payload ->> 'action' = 'user_recovery_requested'";
    assert_eq!(app.db.value(noted).await, "1");
    refused(&app.client.post("/recover", &json!({})).await, 400, "validation_failed");
    refused(&app.client.post("/recover", &json!({"email": "x"})).await, 400, "email_address_invalid");
    refused(&app.client.post("/otp", &json!({"email": "ada@example.com"})).await, 422, "otp_disabled");
    refused(&app.client.post("/magiclink", &json!({"email": "ada@example.com"})).await, 422, "otp_disabled");
    refused(&app.client.post("/resend", &json!({})).await, 422, "email_provider_disabled");
    refused(&app.admin().post("/invite", &json!({"email": "x@b.test"})).await, 422, "email_provider_disabled");
}
