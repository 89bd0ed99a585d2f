use http::Method;
use mainstay_kernel::http::Body;
use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn results_take_the_shape_of_the_return_type() {
    let app = App::start().await;
    let anon = &app.anon;
    assert_eq!(anon.post("/rpc/add", &json!({"a": 2, "b": 40})).await.expect(200).text(), "42");
    assert_eq!(anon.get("/rpc/add?a=1&b=2").await.expect(200).text(), "3");
    assert_eq!(anon.get("/rpc/add?a=1&b=2&c=3").await.expect(200).text(), "6");
    assert_eq!(anon.get("/rpc/numbers?most=3").await.expect(200).json(), json!([1, 2, 3]));
    assert_eq!(
        anon.get("/rpc/one_film?wanted=3&select=id,title").await.expect(200).json(),
        json!({"id": 3, "title": "Solaris"})
    );
    assert_eq!(anon.get("/rpc/pairs").await.expect(200).json(), json!([{"k": "a", "v": 1}, {"k": "b", "v": 2}]));
    assert_eq!(anon.get("/rpc/pairs?select=k&v=gt.1").await.expect(200).json(), json!([{"k": "b"}]));
    assert_eq!(anon.post("/rpc/any_film", &json!({})).await.expect(200).json(), json!({"id": 3, "title": "Solaris"}));
    assert_eq!(
        anon.get("/rpc/any_films").await.expect(200).json(),
        json!([{"id": 1, "title": "The Dispossessed"}, {"id": 2, "title": "The Lathe of Heaven"}])
    );
    let void = anon.post("/rpc/nothing", &json!({})).await.expect(204);
    assert!(void.body.is_empty());
    let head = anon.head("/rpc/add?a=1&b=2").await.expect(200);
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn returned_rows_are_read_like_a_table() {
    let app = App::start().await;
    let anon = &app.anon;
    let path = "/rpc/films_by?director=1&select=title,directors(name)&order=id.desc&limit=1";
    assert_eq!(
        anon.get(path).await.expect(200).json(),
        json!([{"title": "The Lathe of Heaven", "directors": {"name": "Le Guin"}}])
    );
    let counted =
        anon.with("prefer", "count=exact").post("/rpc/films_by?select=id&limit=1", &json!({"director": 1})).await;
    assert_eq!(counted.expect(206).header("content-range"), "0-0/2");
    let filtered = anon.get("/rpc/films_by?director=1&price=gt.8&select=id").await.expect(200);
    assert_eq!(filtered.json(), json!([{"id": 1}]));
    let single = anon.with("accept", "application/vnd.pgrst.object+json");
    assert_eq!(single.get("/rpc/films_by?director=3&select=id").await.expect(200).json(), json!({"id": 5}));
    let _ = single.get("/rpc/films_by?director=1").await.expect(406);
    let csv = anon.with("accept", "text/csv").get("/rpc/pairs").await.expect(200);
    assert_eq!(csv.text(), "k,v\na,1\nb,2");
    let page = anon.get("/rpc/numbers?most=5&limit=2&offset=1").await.expect(200);
    assert_eq!(page.json(), json!([2, 3]));
}

#[tokio::test]
async fn arguments_come_by_name_default_list_or_body() {
    let app = App::start().await;
    let anon = &app.anon;
    assert_eq!(anon.get("/rpc/greet?name=Ada").await.expect(200).json(), json!("Hello Ada"));
    assert_eq!(
        anon.post("/rpc/greet", &json!({"name": "Ada", "greeting": "Hi"})).await.expect(200).json(),
        json!("Hi Ada")
    );
    assert_eq!(anon.get("/rpc/greet_quoted?%22the.name%22=Ada").await.expect(200).json(), json!("Ada"));
    assert_eq!(anon.get("/rpc/greet?name=ignored&name=Ada").await.expect(200).json(), json!("Hello Ada"));
    assert_eq!(anon.get("/rpc/join_words?words=a&words=b,c").await.expect(200).json(), json!("a-b,c"));
    assert_eq!(anon.post("/rpc/join_words", &json!({"words": ["x", "y"]})).await.expect(200).json(), json!("x-y"));
    assert_eq!(
        anon.post("/rpc/echo", &json!({"any": ["thing", 1]})).await.expect(200).json(),
        json!({"any": ["thing", 1]})
    );
    assert_eq!(anon.post("/rpc/echo", &json!([1, {"a": 2}])).await.expect(200).json(), json!([1, {"a": 2}]));
    let bytes = anon
        .with("content-type", "application/octet-stream")
        .send(Method::POST, "/rpc/size", Body::from(vec![0_u8, 255, 1]))
        .await;
    assert_eq!(bytes.expect(200).text(), "3");
    let text = anon.with("content-type", "text/plain").send(Method::POST, "/rpc/shout", Body::from("loud")).await;
    assert_eq!(text.expect(200).json(), json!("LOUD"));
    let form = anon
        .with("content-type", "application/x-www-form-urlencoded")
        .send(Method::POST, "/rpc/add", Body::from("a=1&b=2"))
        .await;
    assert_eq!(form.expect(200).text(), "3");
    let empty = anon.with("content-type", "application/json").send(Method::POST, "/rpc/pairs", Body::empty()).await;
    let _ = empty.expect(200);
    assert_eq!(anon.get("/rpc/add?a=x&b=2").await.expect(400).json()["code"], "22P02");
}

#[tokio::test]
async fn functions_that_do_not_match_are_suggested() {
    let app = App::start().await;
    let anon = &app.anon;
    let wrong_name = anon.post("/rpc/gret", &json!({"name": "x"})).await.expect(404).json();
    assert_eq!(wrong_name["code"], "PGRST202");
    assert_eq!(wrong_name["hint"], "Perhaps you meant to call the function public.greet");
    assert_eq!(wrong_name["message"], "Could not find the function public.gret(name) in the schema cache");
    assert_eq!(
        wrong_name["details"],
        "Searched for the function public.gret with parameter name or with a single unnamed json/jsonb parameter, \
         but no matches were found in the schema cache."
    );
    let wrong_arguments = anon.get("/rpc/greet?nam=x&greetin=y").await.expect(404).json();
    assert_eq!(wrong_arguments["hint"], "Perhaps you meant to call the function public.greet(greeting, name)");
    app.db.execute("create function twin(a int) returns int language sql as 'select 1'; create function twin(a text) returns int language sql as 'select 2'; notify pgrst").await;
    for _ in 0..200 {
        if anon.get("/rpc/twin?a=1").await.status != 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let twin = anon.get("/rpc/twin?a=1").await.expect(300).json();
    assert_eq!(
        (twin["code"].as_str(), twin["message"].as_str()),
        (
            Some("PGRST203"),
            Some(
                "Could not choose the best candidate function between: public.twin(a => integer), public.twin(a => text)"
            )
        )
    );
    let listed = anon.get("/rpc/same_name?arg=value").await.expect(300).json();
    assert_eq!(
        listed["message"],
        "Could not choose the best candidate function between: public.same_name(arg => integer), \
         public.same_name(arg => xml), public.same_name(arg => text, num => integer)"
    );
    assert_eq!(anon.delete("/rpc/add").await.expect(405).json()["code"], "PGRST101");
}
