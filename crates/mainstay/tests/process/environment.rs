//! What the environment and the files of a Secret do.

use crate::support::{Folder, Mainstay, free_port, get};

const KEY: &str = "geheim-geheim-geheim-geheim-geheim";

#[test]
fn secret_files_are_variables() {
    let folder = Folder::new("secret-files");
    folder.write("mainstay.toml", "name = \"x\"\n");
    let secrets = folder.secret(
        "secret",
        &[
            ("DATABASE_URL", "postgresql://u:geheim@h/d\n"),
            ("SECRET_KEY", KEY),
            ("GOOGLE_CLIENT_SECRET", "geheim"),
            ("GOOGLE_CLIENT_ID", "from-the-file"),
            ("LOG_LEVEL", "debug"),
            ("tls.key", "no variable"),
        ],
    );
    let more = folder.secret("more", &[("MAINSTAY_DATABASE_AUTH_URL", "postgresql://a:geheim@h/d")]);
    let show = Mainstay::new(&["config", "show", &folder.text()]).env("LOG_LEVEL", "warn");
    let shown = show.clone().env("MAINSTAY_SECRETS_DIR", &format!("{secrets}:{more}")).run();
    for line in [
        "url = ********  # file DATABASE_URL in MAINSTAY_SECRETS_DIR",
        "auth_url = ********  # file MAINSTAY_DATABASE_AUTH_URL in MAINSTAY_SECRETS_DIR",
        "jwt_secret = ********  # file SECRET_KEY in MAINSTAY_SECRETS_DIR",
        "level = \"warn\"  # environment variable LOG_LEVEL",
        "from-the-file",
    ] {
        shown.is(0, line);
    }
    show.clone()
        .env("MAINSTAY_SECRETS_DIR", "/nowhere/at/all")
        .run()
        .is(64, "the folder /nowhere/at/all cannot be read");
    let wrong = folder.secret("wrong", &[("PORT", "geheim")]);
    show.env("MAINSTAY_SECRETS_DIR", &wrong).run().is(64, "file PORT in MAINSTAY_SECRETS_DIR: `gateway.port`");
}

#[test]
fn what_other_programs_expect_does_no_harm_and_host_port_and_log_level_act() {
    let folder = Folder::new("environment");
    let (port, admin) = (free_port(), free_port());
    let mut serve = Mainstay::new(&["serve", &folder.text(), "--roles", "portal"]);
    for (name, value) in [
        ("APP_ENV", "production"),
        ("NODE_ENV", "production"),
        ("FLASK_ENV", "production"),
        ("DB_HOST", "postgres-service"),
        ("DB_PORT", "tcp://10.0.0.1:5432"),
        ("POSTGRES_USER", "u"),
        ("POSTGRES_PASSWORD", "geheim"),
        ("SMTP_PASS", "geheim"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("HOST", "127.0.0.2"),
        ("LOG_LEVEL", "error"),
        ("MAINSTAY_LOG_FORMAT", "json"),
        ("MAINSTAY_ADMIN_HOST", "0.0.0.0"),
    ] {
        serve = serve.env(name, value);
    }
    let mut process = serve.env("PORT", &port).env("MAINSTAY_ADMIN_PORT", &admin).start();
    process.says("is ready at");
    assert!(process.said().contains(&format!("http://127.0.0.2:{port}")), "{}", process.said());
    assert!(!process.said().contains("\"level\":\"INFO\""), "{}", process.said());
    assert_eq!(get(admin, "/readyz", "").0, 200);
    // bound to the address of HOST alone
    assert_eq!(get(port, "/", "").0, 0);
    process.terminate();
    process.end().is(0, "");
}

#[test]
fn serve_needs_the_login_of_its_own_roles_only() {
    let folder = Folder::new("logins");
    let serve = |roles: &str| Mainstay::new(&["serve", &folder.text(), "--roles", roles]).env("JWT_SECRET", KEY);
    serve("auth,data").run().is(64, "the role auth needs a database; set DATABASE_URL, or MAINSTAY_DATABASE_AUTH_URL");
    let auth = "postgresql://supabase_auth_admin:geheim@127.0.0.1:1/d";
    serve("auth,data").env("MAINSTAY_DATABASE_AUTH_URL", auth).run().is(64, "the role data needs a database");
    serve("auth")
        .env("MAINSTAY_DATABASE_AUTH_URL", "mysql://u:geheim@h/d")
        .run()
        .is(64, "(MAINSTAY_DATABASE_AUTH_URL)");
}
