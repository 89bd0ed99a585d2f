use crate::app::{App, Is as _, PASSWORD, Session, refused, text};
use serde_json::json;

#[tokio::test]
async fn an_administrator_makes_reads_changes_and_deletes_a_user() {
    let app = App::with(|config| config.disable_signup = true).await;
    let admin = app.admin();
    let body = json!({"email": "Made@example.com", "password": "made by admin", "email_confirm": true,
        "app_metadata": {"tier": "x"}, "user_metadata": {"nick": "m"}, "role": "editor"});
    let user = admin.post("/admin/users", &body).await.expect(200).json();
    assert!(user["email_confirmed_at"].is_string());
    assert_eq!(user["app_metadata"], json!({"provider": "email", "providers": ["email"], "tier": "x"}));
    assert_eq!((text(&user, "role"), text(&user, "email")), ("editor".into(), "made@example.com".into()));
    let path = format!("/admin/users/{}", text(&user, "id"));
    assert_eq!(admin.get(&path).await.expect(200).json()["id"], user["id"]);
    let session = Session::of(&app, &app.sign_in("made@example.com", "made by admin").await.expect(200));
    assert_eq!(session.claims()["role"], "editor");
    let change =
        json!({"user_metadata": {"a": 1}, "app_metadata": {"tier": null, "plan": "y"}, "email": "moved@example.com"});
    let user = admin.put(&path, &change).await.expect(200).json();
    assert_eq!(user["user_metadata"], json!({"nick": "m", "a": 1}));
    assert_eq!((user["app_metadata"]["plan"].as_str(), user["app_metadata"].get("tier")), (Some("y"), None));
    assert_eq!(user["identities"][0]["email"], "moved@example.com");
    session.client.get("/user").await.is(200);
    admin.put(&path, &json!({"password": "set by admin"})).await.is(200);
    refused(&session.client.get("/user").await, 403, "session_not_found");
    app.sign_in("moved@example.com", "set by admin").await.is(200);
    assert_eq!(admin.delete(&path).await.expect(200).json(), json!({}));
    refused(&admin.get(&path).await, 404, "user_not_found");
    refused(&admin.put(&path, &json!({})).await, 404, "user_not_found");
    refused(&admin.delete(&path).await, 404, "user_not_found");
    assert_eq!(app.db.value("select count(*) from auth.sessions").await, "0");
    let by_admin = "select string_agg(payload ->> 'action', ' ' order by created_at, payload ->> 'action') \
        from auth.audit_log_entries where payload ->> 'actor_username' = 'service_role'";
    assert_eq!(app.db.value(by_admin).await, "user_deleted user_modified user_modified user_signedup");
}

#[tokio::test]
async fn an_unconfirmed_user_waits_for_an_administrator() {
    let app = App::new().await;
    let user =
        app.admin().post("/admin/users", &json!({"email": "a@b.test", "password": PASSWORD})).await.expect(200).json();
    refused(&app.sign_in("a@b.test", PASSWORD).await, 400, "email_not_confirmed");
    let path = format!("/admin/users/{}", text(&user, "id"));
    let user = app.admin().put(&path, &json!({"email_confirm": true})).await.expect(200).json();
    assert_eq!(user["identities"][0]["identity_data"]["email_verified"], true);
    app.sign_in("a@b.test", PASSWORD).await.is(200);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let app = App::new().await;
    let admin = app.admin();
    let taken = app.sign_up("taken@example.com").await;
    for (body, status, code) in [
        (json!({}), 400, "validation_failed"),
        (json!({"email": "x"}), 400, "email_address_invalid"),
        (json!({"email": "Taken@example.com"}), 422, "email_exists"),
        (json!({"email": "a@b.test", "id": taken.id()}), 422, "email_exists"),
        (json!({"email": "a@b.test", "password": "abc"}), 422, "weak_password"),
        (json!({"email": "a@b.test", "password_hash": "$2a$10$x"}), 400, "validation_failed"),
        (json!({"email": "a@b.test", "password_hash": "$argon2id$x", "password": PASSWORD}), 400, "validation_failed"),
        (json!({"email": "a@b.test", "ban_duration": "for ever"}), 400, "validation_failed"),
        (json!({"phone": "+4912"}), 422, "phone_provider_disabled"),
        (json!({"email": "a@b.test", "user_metadata": []}), 400, "bad_json"),
    ] {
        refused(&admin.post("/admin/users", &body).await, status, code);
    }
    let other = app.sign_up("other@example.com").await;
    let path = format!("/admin/users/{}", other.id());
    refused(&admin.put(&path, &json!({"email": "taken@example.com"})).await, 422, "email_exists");
    refused(&admin.put(&path, &json!({"ban_duration": "1d"})).await, 400, "validation_failed");
    refused(&admin.get("/admin/users/nonsense").await, 404, "validation_failed");
    assert_eq!(app.db.value("select count(*) from auth.users").await, "2");
    let by_admin = "select count(*) from auth.audit_log_entries where payload ->> 'actor_username' = 'service_role'";
    assert_eq!(app.db.value(by_admin).await, "1", "only the taken id, whose account does exist, is noted");
}

#[tokio::test]
async fn a_hash_from_elsewhere_signs_in() {
    let app = App::new().await;
    let elsewhere = App::with(|config| config.password_hash_memory_kib = 256).await;
    elsewhere.sign_up("x@b.test").await;
    let hash = elsewhere.db.value("select encrypted_password from auth.users").await;
    let body = json!({"email": "a@b.test", "password_hash": hash, "email_confirm": true});
    app.admin().post("/admin/users", &body).await.is(200);
    app.sign_in("a@b.test", PASSWORD).await.is(200);
}

#[tokio::test]
async fn a_soft_delete_keeps_an_empty_row_and_frees_the_address() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    let path = format!("/admin/users/{}", session.id());
    let body = json!({"should_soft_delete": true}).to_string();
    app.admin().send(http::Method::DELETE, &path, body.into()).await.is(200);
    let user = app.admin().get(&path).await.expect(200).json();
    assert!(user["deleted_at"].is_string());
    assert_eq!(
        (text(&user, "email"), &user["user_metadata"], &user["identities"]),
        (String::new(), &json!({}), &json!([]))
    );
    refused(&session.client.get("/user").await, 403, "user_not_found");
    refused(&app.refresh(&session.refresh).await, 400, "refresh_token_not_found");
    refused(&app.sign_in("ada@example.com", PASSWORD).await, 400, "invalid_credentials");
    assert_ne!(app.sign_up("ada@example.com").await.id(), session.id());
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let app = App::new().await;
    let admin = app.admin();
    for n in 0..5 {
        app.clock.advance_seconds(1);
        admin
            .post("/admin/users", &json!({"email": format!("u{n}@b.test"), "user_metadata": {"full_name": "Ada L"}}))
            .await
            .is(200);
    }
    let page = admin.get("/admin/users?page=2&per_page=2").await.expect(200);
    let emails: Vec<String> = page.json()["users"].as_array().unwrap().iter().map(|user| text(user, "email")).collect();
    assert_eq!(emails, ["u2@b.test", "u1@b.test"]);
    assert_eq!(page.json()["aud"], "authenticated");
    assert_eq!(page.header("x-total-count"), "5");
    let url = "https://api.test/auth/v1/admin/users";
    assert_eq!(
        page.header("link"),
        format!("<{url}?page=3&per_page=2>; rel=\"next\", <{url}?page=3&per_page=2>; rel=\"last\"")
    );
    let last = admin.get("/admin/users?page=3&per_page=2").await.expect(200);
    assert_eq!(last.header("link"), format!("<{url}?page=3&per_page=2>; rel=\"last\""));
    assert_eq!(admin.get("/admin/users?page=9").await.expect(200).json()["users"], json!([]));
    assert_eq!(admin.get("/admin/users?filter=U3%40").await.expect(200).header("x-total-count"), "1");
    assert_eq!(admin.get("/admin/users?filter=ada").await.expect(200).header("x-total-count"), "5");
    refused(&admin.get("/admin/users?page=x").await, 400, "validation_failed");
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_from_where() {
    let app = App::new().await;
    let session = app.sign_up("ada@example.com").await;
    app.clock.advance_seconds(1);
    session.client.post("/logout", &json!({})).await.is(204);
    let answer = app.admin().get("/admin/audit?per_page=1").await.expect(200);
    assert_eq!(answer.header("x-total-count"), "3");
    let entry = &answer.json()[0];
    assert_eq!(
        (entry["payload"]["action"].as_str(), entry["payload"]["log_type"].as_str()),
        (Some("logout"), Some("account"))
    );
    assert_eq!(
        (entry["payload"]["actor_username"].as_str(), entry["ip_address"].as_str()),
        (Some("ada@example.com"), Some("127.0.0.1"))
    );
    assert_eq!(entry["payload"]["actor_id"], session.id());
}

#[tokio::test]
async fn rows_from_seed_files_are_users_too() {
    let app = App::new().await;
    app.db
        .execute(
            "insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, recovery_sent_at,
               last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at, confirmation_token, email_change,
               email_change_token_new, recovery_token, banned_until)
             values ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated', 'Seed@Example.com',
               '$2a$10$abcdefghijklmnopqrstuv', now(), now(), now(), '{}', null, now(), now(), '', '', '', '', 'infinity');",
        )
        .await;
    let user = &app.admin().get("/admin/users").await.expect(200).json()["users"][0];
    assert_eq!(user["user_metadata"], json!({}));
    refused(&app.sign_in("seed@example.com", "whatever").await, 400, "invalid_credentials");
    let signup = app.client.post("/signup", &json!({"email": "seed@example.com", "password": PASSWORD})).await;
    refused(&signup, 422, "user_already_exists");
}

#[tokio::test]
async fn the_data_api_roles_cannot_reach_the_tables() {
    let app = App::new().await;
    for role in ["anon", "authenticated", "service_role"] {
        for table in ["users", "refresh_tokens", "sessions", "one_time_tokens", "oauth_states", "flow_state"] {
            let privileges =
                format!("select has_table_privilege('{role}', 'auth.{table}', 'select, insert, update, delete')");
            assert_eq!(app.db.value(&privileges).await, "f", "{role} {table}");
        }
    }
}
