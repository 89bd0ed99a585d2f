use crate::app::{App, Is as _, PASSWORD, Session, refused, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_user_gets_a_session_when_confirmation_is_off() {
    let app = App::new().await;
    let body =
        json!({"email": " Ada@Example.com ", "password": PASSWORD, "data": {"nick": "al"}, "gotrue_meta_security": {}});
    let answer = app.client.post("/signup", &body).await.expect(200);
    let reply = answer.json();
    assert_eq!((reply["token_type"].as_str(), reply["expires_in"].as_i64()), (Some("bearer"), Some(3600)));
    assert_eq!(reply["expires_at"], app.unix() + 3600);
    let user = &reply["user"];
    assert_eq!(
        (user["email"].as_str(), user["aud"].as_str(), user["role"].as_str()),
        (Some("ada@example.com"), Some("authenticated"), Some("authenticated"))
    );
    assert_eq!(user["user_metadata"]["nick"], "al");
    assert_eq!(user["app_metadata"], json!({"provider": "email", "providers": ["email"]}));
    let identity = &user["identities"][0];
    assert_eq!((identity["provider"].as_str(), &identity["id"]), (Some("email"), &user["id"]));
    assert!(
        identity["identity_id"].is_string()
            && user["last_sign_in_at"].is_string()
            && user["email_confirmed_at"].is_string()
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(user.get("encrypted_password").is_none());
    let stored = app.db.value("select encrypted_password from auth.users").await;
    assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
    assert_eq!(
        app.db
            .value(
                "select count(*) from auth.audit_log_entries where payload ->> 'action' in ('user_signedup', 'login')"
            )
            .await,
        "2"
    );
}

#[tokio::test]
async fn a_taken_address_is_refused_whatever_its_case() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let answer = app.client.post("/signup", &json!({"email": "ADA@example.com", "password": "other password"})).await;
    refused(&answer, 422, "user_already_exists");
    assert_eq!(app.db.value("select count(*) from auth.users").await, "1");
    assert_eq!(app.db.value("select count(*) from auth.sessions").await, "1");
    app.sign_in("ada@example.com", PASSWORD).await.is(200);
}

#[tokio::test]
async fn of_two_sign_ups_at_once_one_wins() {
    let app = App::new().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let attempts: [_; 4] = std::array::from_fn(|_| app.client.post("/signup", &body));
    let [a, b, c, d] = attempts;
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422, 422, 422]);
}

#[tokio::test]
async fn with_confirmation_on_the_reply_is_the_bare_user_known_or_not() {
    let app = App::with(|config| config.autoconfirm = false).await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "data": {"nick": "al"}});
    let first = app.client.post("/signup", &body).await.expect(200).json();
    let second = app.client.post("/signup", &body).await.expect(200).json();
    for user in [&first, &second] {
        assert!(user.get("access_token").is_none() && user.get("email_confirmed_at").is_none());
        assert_eq!(user["user_metadata"]["nick"], "al");
    }
    assert_eq!(first["identities"].as_array().unwrap().len(), 1);
    assert_eq!(second["identities"], json!([]), "applications test for this");
    assert_ne!(first["id"], second["id"]);
    let keys = |user: &Value| user.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys(&first), keys(&second), "nothing but the identities differs");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "email_not_confirmed");
}

#[tokio::test]
async fn bad_input_is_refused_with_a_reason() {
    let app = App::with(|config| config.password_required_characters = vec!["0123456789".into()]).await;
    for (body, status, code) in [
        (json!({"email": "ada", "password": PASSWORD}), 400, "email_address_invalid"),
        (json!({"email": "ada@example.com"}), 400, "validation_failed"),
        (json!({"email": "ada@example.com", "password": ""}), 400, "validation_failed"),
        (json!({"email": "ada@example.com", "password": 7}), 400, "bad_json"),
        (json!({"email": "ada@example.com", "password": PASSWORD, "data": "text"}), 400, "bad_json"),
        (json!({"phone": "+4912345", "password": PASSWORD}), 422, "phone_provider_disabled"),
        (json!({"data": {}}), 422, "anonymous_provider_disabled"),
    ] {
        refused(&app.client.post("/signup", &body).await, status, code);
    }
    let weak = app.client.post("/signup", &json!({"email": "ada@example.com", "password": "abc"})).await;
    refused(&weak, 422, "weak_password");
    assert_eq!(weak.json()["weak_password"]["reasons"], json!(["length", "characters"]));
    let nul =
        app.client.post("/signup", &json!({"email": "a@b.test", "password": "abcdef1", "data": {"x": "\u{0}"}})).await;
    refused(&nul, 400, "validation_failed");
    assert_eq!(app.db.value("select count(*) from auth.users").await, "0");
}

#[tokio::test]
async fn sign_ups_can_be_closed() {
    let app = App::with(|config| config.disable_signup = true).await;
    refused(
        &app.client.post("/signup", &json!({"email": "a@b.test", "password": PASSWORD})).await,
        422,
        "signup_disabled",
    );
}

#[tokio::test]
async fn anonymous_users_become_permanent_with_an_address() {
    let app = App::with(|config| config.anonymous_users = true).await;
    let anonymous = Session::of(&app, &app.client.post("/signup", &json!({"data": {"cart": 3}})).await.expect(200));
    assert_eq!(anonymous.user["is_anonymous"], true);
    assert_eq!(
        (anonymous.claims()["is_anonymous"].as_bool(), anonymous.claims()["email"].as_str()),
        (Some(true), Some(""))
    );
    assert_eq!(anonymous.claims()["amr"][0]["method"], "anonymous");
    let too_early = anonymous.client.put("/user", &json!({"password": PASSWORD})).await;
    refused(&too_early, 422, "validation_failed");
    let user = anonymous
        .client
        .put("/user", &json!({"email": "ada@example.com", "password": PASSWORD}))
        .await
        .expect(200)
        .json();
    assert_eq!((user["is_anonymous"].as_bool(), text(&user, "email")), (Some(false), "ada@example.com".into()));
    assert_eq!(user["app_metadata"]["providers"], json!(["email"]));
    assert_eq!(user["user_metadata"]["cart"], 3);
    let again = Session::of(&app, &app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    assert_eq!(again.id(), anonymous.id());
}

#[tokio::test]
async fn a_trigger_of_the_application_sees_the_new_user_and_may_refuse() {
    let app = App::new().await;
    app.db
        .execute(
            "create table public.profiles (id uuid primary key references auth.users on delete cascade, nick text not null);
             create function public.new_user() returns trigger language plpgsql security definer set search_path = '' as $$
             begin insert into public.profiles values (new.id, new.raw_user_meta_data ->> 'nick'); return new; end $$;
             create trigger on_auth_user_created after insert on auth.users for each row execute function public.new_user();",
        )
        .await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "data": {"nick": "al"}});
    let session = Session::of(&app, &app.client.post("/signup", &body).await.expect(200));
    assert_eq!(app.db.value("select nick from public.profiles").await, "al");
    let refusal = app.client.post("/signup", &json!({"email": "bob@example.com", "password": PASSWORD})).await;
    refused(&refusal, 500, "unexpected_failure");
    assert!(refusal.json()["error_id"].is_string() && !refusal.text().contains("profiles"), "{}", refusal.text());
    app.admin().delete(&format!("/admin/users/{}", session.id())).await.is(200);
    assert_eq!(app.db.value("select count(*) from public.profiles").await, "0");
}
