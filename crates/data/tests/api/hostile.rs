use http::Method;
use mainstay_kernel::http::Body;
use percent_encoding_lite::encode;
use serde_json::json;

use crate::app::{App, url};

/// Texts that would do harm if any of them became SQL.
const ATTACKS: &[&str] = &[
    "'; drop table films; --",
    "\"; drop table films; --",
    "1) or (1=1",
    "x\" as y, (select password from pg_shadow) as z from films; --",
    "$1",
    "\\'; drop table films; --",
    "*/ drop table films /*",
    "E'\\x27'",
    "id::text; drop table films",
    "pg_sleep(5)",
    "\u{0}",
    "%",
    "a\u{1F600}b",
];

mod percent_encoding_lite {
    /// Encodes everything that is no letter or digit.
    pub(super) fn encode(text: &str) -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    }
}

#[tokio::test]
async fn sql_in_any_position_stays_text() {
    let app = App::start().await;
    let service = app.service();
    for attack in ATTACKS {
        let quoted = format!("\"{}\"", attack.replace('\\', "\\\\").replace('"', "\\\""));
        for text in [encode(attack), encode(&quoted)] {
            for path in [
                format!("/films?select={text}"),
                format!("/films?select=id::{text}"),
                format!("/films?select={text}:id"),
                format!("/films?select=id,{text}(id)"),
                format!("/films?select=id,directors!{text}(id)"),
                format!("/films?select=meta->{text}"),
                format!("/films?id=eq.{text}"),
                format!("/films?title=eq.{text}"),
                format!("/films?title=in.({text})"),
                format!("/films?title=like(any).{text}"),
                format!("/films?title=fts({text}).x"),
                format!("/films?title=fts.{text}"),
                format!("/films?{text}=eq.1"),
                format!("/films?title={text}.1"),
                format!("/films?or=({text}.eq.1)"),
                format!("/films?or=(title.eq.{text})"),
                format!("/films?order={text}"),
                format!("/films?order=id.{text}"),
                format!("/films?limit={text}"),
                format!("/films?offset={text}"),
                format!("/films?select=directors(id)&directors.{text}=eq.1"),
                format!("/rpc/greet?name={text}"),
                format!("/rpc/{text}"),
                format!("/{text}"),
            ] {
                let answer = service.get(&url(&path)).await;
                let status = answer.status.as_u16();
                assert!((200..500).contains(&status), "{path}: {status} {}", answer.text());
            }
            for path in [format!("/films?columns={text}"), format!("/directors?on_conflict={text}")] {
                let answer =
                    service.with("prefer", "resolution=merge-duplicates").post(&path, &json!({"name": attack})).await;
                assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
            }
        }
        let keys = service.post("/films", &json!({(*attack): attack})).await;
        assert!(keys.status.is_client_error(), "{}", keys.text());
        let value = service.post("/keyless", &json!({"b": attack})).await;
        assert!(value.status.as_u16() < 500, "{}", value.text());
        for header in ["prefer", "accept", "accept-profile", "range", "content-type"] {
            if attack.is_ascii() && !attack.contains('\0') {
                let answer = service
                    .with(header, attack)
                    .with("prefer", &format!("timezone={attack}"))
                    .get("/films?limit=1")
                    .await;
                assert!(answer.status.as_u16() < 500, "{header}: {}", answer.text());
            }
        }
    }
    assert_eq!(app.db.value("select count(*) from films").await, "6");
}

#[tokio::test]
async fn size_and_depth_are_bounded() {
    let app = App::configured(|config| config.max_body = mainstay_kernel::config::Size(100_000)).await;
    let service = app.service();
    let deep_select = format!("/films?select={}id{}", "directors(".repeat(500), ")".repeat(500));
    let _ = service.get(&deep_select).await.expect(400);
    let deep_logic = format!("/films?or={}id.eq.1{}", "(and".repeat(500), ")".repeat(500));
    let _ = service.get(&deep_logic).await.expect(400);
    let deepest = format!("/films?or=({}id.eq.1{})", "and(".repeat(60), ")".repeat(60));
    let _ = service.get(&deepest).await.expect(200);
    let wide = format!("/films?select={}", vec!["id"; 3_000].join(","));
    let _ = service.get(&wide).await.expect(400);
    let columns = format!("/films?select={}", (0..1_600).map(|i| format!("a{i}:id")).collect::<Vec<_>>().join(","));
    let _ = service.get(&columns).await.expect(200);
    let _ = service.get(&format!("/films?{}", "id=gt.0&".repeat(1_500))).await.expect(200);
    let _ = service.get(&format!("/films?{}", "id=gt.0&".repeat(5_000))).await.expect(400);
    let list: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    let answer = service.get(&format!("/films?select=id&id=in.({})", list.join(","))).await.expect(200);
    assert_eq!(answer.json().as_array().map(Vec::len), Some(6));
    let json_client = service.with("content-type", "application/json");
    let send = |body: Vec<u8>| json_client.send(Method::POST, "/films", Body::from(body));
    let nested = format!("{{\"title\":\"x\",\"meta\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(send(nested.into_bytes()).await.expect(400).json()["code"], "PGRST102");
    assert_eq!(send(b"{\"title\":\"\xff\"}".to_vec()).await.expect(400).json()["code"], "PGRST102");
    assert_eq!(send(b"{\"title\":\"a\\u0000b\"}".to_vec()).await.expect(400).json()["code"], "22P05");
    assert_eq!(send(b"{\"title\":\"a\0b\"}".to_vec()).await.expect(400).json()["code"], "PGRST102");
    assert_eq!(send(vec![b' '; 100_001]).await.expect(413).json()["code"], "body_too_large");
    assert_eq!(service.get("/films?select=title&title=eq.%FF").await.expect(400).json()["code"], "PGRST100");
}

#[tokio::test]
async fn wrong_types_are_the_clients_fault() {
    let app = App::start().await;
    let service = app.service();
    for path in [
        "/films?id=eq.abc",
        "/films?id=in.(a,b)",
        "/films?id=gt.99999999999999999999",
        "/films?tags=cs.notanarray",
        "/films?meta=cs.nojson",
        "/films?title=is.true",
        "/films?price=fts.x",
        "/films?select=id->a->b&id->x=eq.1",
        "/films?select=title::int",
        "/films?select=title::no_such_type",
        "/films?during=ov.nope",
        "/films?title=match.(",
        "/films?offset=-1",
        "/films?offset=99999999999999999999",
        "/films?limit=9223372036854775807&offset=9223372036854775807",
        "/films?select=meta->99999999999999999999",
        "/films?id=like.x",
        "/films?select=id&select=title",
        "/films?title=fts(nolanguage).x",
    ] {
        let answer = service.get(&url(path)).await;
        assert!(answer.status.as_u16() < 500, "{path}: {} {}", answer.status, answer.text());
    }
    for body in [
        json!({"id": "abc"}),
        json!({"title": {"a": 1}}),
        json!({"tags": 5}),
        json!({"price": "x"}),
        json!([[1]]),
        json!("text"),
        json!(1),
    ] {
        let answer = service.post("/films", &body).await;
        assert!(answer.status.as_u16() < 500, "{body}: {}", answer.text());
    }
}
