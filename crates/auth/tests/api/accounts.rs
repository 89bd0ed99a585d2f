use crate::app::{App, Is as _, PASSWORD, Session, refused};
use mainstay_auth::{AccountError, NewUser};
use secrecy::SecretString;

#[tokio::test]
async fn the_operator_makes_lists_and_repairs_accounts() {
    let app = App::with(|config| config.disable_signup = true).await;
    let mut new = NewUser::new("Root@example.com", PASSWORD);
    new.role = Some("service_role".into());
    new.app_metadata.insert("tier".into(), "x".into());
    let user = app.room.create_user(new.clone()).await.unwrap();
    assert_eq!(
        (user.email.as_str(), user.role.as_str(), &user.app_metadata["tier"]),
        ("root@example.com", "service_role", &"x".into())
    );
    assert!(matches!(app.room.create_user(new).await, Err(AccountError::Exists)));
    assert!(matches!(app.room.create_user(NewUser::new("no address", PASSWORD)).await, Err(AccountError::Invalid(_))));
    assert!(matches!(app.room.create_user(NewUser::new("a@b.test", "abc")).await, Err(AccountError::Invalid(_))));
    let session = Session::of(&app, &app.sign_in("root@example.com", PASSWORD).await.expect(200));
    assert_eq!(session.claims()["role"], "service_role");
    session.client.get("/admin/users").await.is(200);
    let (users, total) = app.room.list_users(1, 10).await.unwrap();
    assert_eq!((users.len(), total), (1, 1));
    app.room.set_password("root@example.com", &SecretString::from("another one")).await.unwrap();
    refused(&session.client.get("/user").await, 403, "session_not_found");
    refused(&session.client.get("/admin/users").await, 403, "session_not_found");
    app.sign_in("root@example.com", "another one").await.is(200);
    let missing = app.room.set_password("none@example.com", &SecretString::from("another one")).await;
    assert!(matches!(missing, Err(AccountError::NotFound)));
}

#[tokio::test]
async fn the_room_is_ready_when_its_tables_are() {
    let app = App::new().await;
    assert!(app.room.ready().await.is_ready());
    app.db.query("alter table auth.users rename to away").await;
    assert!(!app.room.ready().await.is_ready());
}
