use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn reads_cannot_write() {
    let app = App::start().await;
    let service = app.service();
    let answer = service.get("/rpc/touch_note?mark=x").await.expect(405);
    assert_eq!(answer.json()["code"], "25006");
    assert_eq!(service.post("/rpc/touch_note", &json!({"mark": "x"})).await.expect(200).text(), "1");
    assert_eq!(app.db.value("select count(*) from notes").await, "1");
}

#[tokio::test]
async fn sql_raises_what_clients_see() {
    let app = App::start().await;
    let anon = &app.anon;
    let raised = anon.post("/rpc/fail", &json!({"why": "because"})).await.expect(400);
    assert_eq!(raised.json(), json!({"code": "P0001", "message": "because", "details": "a detail", "hint": "a hint"}));
    assert_eq!(raised.header("proxy-status"), "PostgREST; error=P0001");
    let _ = anon.post("/rpc/fail", &json!({"why": "x", "state": "PT418"})).await.expect(418);
    let own = anon.post("/rpc/raise_pgrst", &json!({})).await.expect(402);
    assert_eq!(own.json(), json!({"code": "C1", "message": "Pay", "details": "d", "hint": "h"}));
    assert_eq!(own.header("x-pay"), "now");
}

#[tokio::test]
async fn sql_sets_headers_and_status() {
    let app = App::start().await;
    let answer = app.anon.post("/rpc/teapot", &json!({})).await.expect(418);
    assert_eq!(answer.header("x-tea"), "green");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.json(), json!({"tea": true}));
    assert_eq!(app.anon.post("/rpc/bad_headers", &json!({})).await.expect(500).json()["code"], "PGRST111");
    // a setting of one request is gone in the next
    assert_eq!(app.anon.get("/rpc/add?a=1&b=2").await.expect(200).header("x-tea"), "");
}

#[tokio::test]
async fn the_request_is_known_to_sql() {
    let app = App::start().await;
    app.db.execute("alter role anon set statement_timeout = '3s'").await;
    app.db.execute("notify pgrst, 'reload schema'").await;
    for _ in 0..200 {
        if app.anon.get("/rpc/whoami").await.expect(200).json()["timeout"] == "3s" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let answer = app
        .anon
        .with("x-agent", "me \"quoted\"")
        .with("prefer", "timezone=America/Lima")
        .get("/rpc/whoami")
        .await
        .expect(200);
    assert_eq!(
        answer.json(),
        json!({"role": "anon", "uid": null, "method": "GET", "path": "/rpc/whoami", "agent": "me \"quoted\"",
               "timeout": "3s", "zone": "America/Lima"})
    );
    assert_eq!(answer.header("preference-applied"), "timezone=America/Lima");
    let ignored = app.anon.with("prefer", "handling=lenient, timezone=Nowhere").get("/rpc/whoami").await.expect(200);
    assert_eq!(ignored.header("preference-applied"), "handling=lenient");
    assert_ne!(ignored.json()["zone"], "Nowhere");
    let strict = app.anon.with("prefer", "handling=strict, timezone=Nowhere").get("/films").await.expect(400).json();
    assert_eq!(
        (strict["code"].as_str(), strict["details"].as_str()),
        (Some("PGRST122"), Some("Invalid preferences: timezone=Nowhere"))
    );
    app.db.execute("alter role anon set statement_timeout = '200ms'; notify pgrst").await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(app.anon.post("/rpc/slow", &json!({})).await.expect(500).json()["code"], "57014");
    app.db.execute("alter role anon reset statement_timeout").await;
}

#[tokio::test]
async fn a_pre_request_function_may_refuse() {
    let app = App::start().await;
    app.db
        .execute(
            "create function check_it() returns void language plpgsql as $$ begin
               if current_setting('request.headers')::json->>'x-block' is not null then
                 raise sqlstate 'PT429' using message = 'slow down'; end if; end $$",
        )
        .await;
    let app = App::on(app.db, |config| config.pre_request = Some("public.check_it".into())).await;
    let _ = app.anon.get("/films").await.expect(200);
    assert_eq!(app.anon.with("x-block", "1").get("/films").await.expect(429).json()["message"], "slow down");
}

#[tokio::test]
async fn a_client_that_leaves_leaves_nothing_behind() {
    let app = App::start().await;
    app.db
        .execute(
            "create function slow_note() returns void language plpgsql as $$ begin
               insert into notes (owner, body) values (gen_random_uuid(), 'half'); perform pg_sleep(1.5); end $$;
             grant execute on function slow_note to service_role; notify pgrst",
        )
        .await;
    let service = app.service();
    for _ in 0..200 {
        if service.get("/rpc/slow_note").await.status != 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    for prefer in ["", "handling=strict"] {
        let client = service.with("prefer", prefer).with("accept", "application/vnd.pgrst.object+json");
        let (client, body) = (client, json!({}));
        let asked = client.post("/rpc/slow_note", &body);
        let left = tokio::time::timeout(std::time::Duration::from_millis(300), asked).await;
        assert!(left.is_err(), "the call was meant to be slow");
    }
    // the pool has four connections; all of them must be good
    for _ in 0..6 {
        let _ = service.get("/films?select=id").await.expect(200);
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(app.db.value("select count(*) from notes").await, "0");
}
