use serde_json::{Value, json};

use crate::app::App;

async fn get(app: &App, path: &str) -> Value {
    app.anon.get(path).await.expect(200).json()
}

#[tokio::test]
async fn foreign_keys_embed_in_every_direction() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/films?select=title,directors(name)&id=in.(3,6)&order=id").await,
        json!([{"title": "Solaris", "directors": {"name": "Lem"}}, {"title": "Beowulf, \"anonymous\"", "directors": null}])
    );
    assert_eq!(
        get(&app, "/directors?select=name,works:films(id)&order=id&id=in.(1,4)").await,
        json!([{"name": "Le Guin", "works": [{"id": 1}, {"id": 2}]}, {"name": "Nobody", "works": []}])
    );
    assert_eq!(
        get(&app, "/films?select=id,technical_specs(minutes)&id=in.(1,2)&order=id").await,
        json!([{"id": 1, "technical_specs": {"minutes": 120}}, {"id": 2, "technical_specs": null}])
    );
    assert_eq!(
        get(&app, "/films?select=id,actors(name)&id=eq.1&actors.order=name.desc").await,
        json!([{"id": 1, "actors": [{"name": "Bo"}, {"name": "Ada"}]}])
    );
    assert_eq!(
        get(&app, "/actors?select=name,films(title,directors(name))&id=eq.1&films.order=id").await,
        json!([{"name": "Ada", "films": [
            {"title": "The Dispossessed", "directors": {"name": "Le Guin"}},
            {"title": "Solaris", "directors": {"name": "Lem"}}]}])
    );
    assert_eq!(
        get(&app, "/films?select=id,best_actor(name)&id=eq.3").await,
        json!([{"id": 3, "best_actor": {"name": "Ada"}}])
    );
    assert_eq!(
        get(&app, "/film_titles?select=title,directors(name)&film_id=eq.3").await,
        json!([{"title": "Solaris", "directors": {"name": "Lem"}}])
    );
    assert_eq!(
        get(&app, "/directors?select=name,film_titles(film_id)&id=eq.2&film_titles.order=film_id").await,
        json!([{"name": "Lem", "film_titles": [{"film_id": 3}, {"film_id": 4}]}])
    );
}

#[tokio::test]
async fn a_table_embeds_itself() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/directors?select=name,mentor:mentor_id(name)&id=eq.2").await,
        json!([{"name": "Lem", "mentor": {"name": "Le Guin"}}])
    );
    assert_eq!(
        get(&app, "/directors?select=name,pupils:directors(name)&id=eq.1&pupils.order=id").await,
        json!([{"name": "Le Guin", "pupils": [{"name": "Lem"}, {"name": "Butler"}]}])
    );
    assert_eq!(
        get(
            &app,
            "/directors?select=name,pupils:directors!mentor_id(name,mentor:mentor_id(id))&id=eq.1&pupils.id=eq.2"
        )
        .await,
        json!([{"name": "Le Guin", "pupils": [{"name": "Lem", "mentor": {"id": 1}}]}])
    );
}

#[tokio::test]
async fn a_table_embeds_itself_through_a_junction() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/directors?select=id,friends:directors!friends_a_fkey(id)&order=id&limit=2&friends.order=id").await,
        json!([{"id": 1, "friends": [{"id": 2}, {"id": 3}]}, {"id": 2, "friends": []}])
    );
    assert_eq!(
        get(&app, "/directors?select=id,friends:directors!friends_b_fkey(id)&order=id&limit=2").await,
        json!([{"id": 1, "friends": []}, {"id": 2, "friends": [{"id": 1}]}])
    );
    // the junction alone does not say in which direction
    assert_eq!(app.anon.get("/directors?select=directors!friends(id)").await.expect(300).json()["code"], "PGRST201");
}

#[tokio::test]
async fn hints_settle_what_is_ambiguous() {
    let app = App::start().await;
    let answer = app.anon.get("/orders?select=id,addresses(city)").await.expect(300);
    let body = answer.json();
    assert_eq!(body["code"], "PGRST201");
    assert_eq!(body["details"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        body["details"][0],
        json!({"cardinality": "many-to-one", "embedding": "orders with addresses",
               "relationship": "orders_billing_fkey using orders(billing_id) and addresses(id)"})
    );
    assert_eq!(
        body["hint"],
        "Try changing 'addresses' to one of the following: 'addresses!orders_billing_fkey', \
         'addresses!orders_shipping_fkey'. Find the desired relationship in the 'details' key."
    );
    for path in [
        "/orders?select=a:addresses!orders_shipping_fkey(city)",
        "/orders?select=a:addresses!shipping_id(city)",
        "/orders?select=a:shipping_id(city)",
        "/orders?select=a:orders_shipping_fkey(city)",
    ] {
        assert_eq!(get(&app, path).await, json!([{"a": {"city": "Urras"}}]), "{path}");
    }
    assert_eq!(
        get(&app, "/orders?select=b:addresses!billing_id(city),s:addresses!shipping_id(city)").await,
        json!([{"b": {"city": "Anarres"}, "s": {"city": "Urras"}}])
    );
    let none = app.anon.get("/films?select=directorss(name)").await.expect(400).json();
    assert_eq!(none["code"], "PGRST200");
    assert_eq!(none["hint"], "Perhaps you meant 'directors' instead of 'directorss'.");
    assert_eq!(
        none["details"],
        "Searched for a foreign key relationship between 'films' and 'directorss' in the schema 'public', but no matches were found."
    );
}

#[tokio::test]
async fn embeds_are_filtered_ordered_and_limited() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/films?select=id,directors!inner(name)&directors.name=eq.Lem&order=id").await,
        json!([{"id": 3, "directors": {"name": "Lem"}}, {"id": 4, "directors": {"name": "Lem"}}])
    );
    assert_eq!(
        get(&app, "/directors?select=id,films(title)&id=eq.1&films.order=title.desc&films.limit=1").await,
        json!([{"id": 1, "films": [{"title": "The Lathe of Heaven"}]}])
    );
    assert_eq!(
        get(&app, "/directors?select=id,films!inner(id)&films.or=(id.eq.3,title.eq.Kindred)&order=id").await,
        json!([{"id": 2, "films": [{"id": 3}]}, {"id": 3, "films": [{"id": 5}]}])
    );
    assert_eq!(
        get(&app, "/directors?select=id,films!inner()&films.price=gt.9&order=id").await,
        json!([{"id": 1}, {"id": 3}])
    );
    assert_eq!(
        get(&app, "/films?select=id,roles(actors(name))&id=eq.1&roles.actors.name=eq.Bo&roles.order=actor_id").await,
        json!([{"id": 1, "roles": [{"actors": null}, {"actors": {"name": "Bo"}}]}])
    );
    let answer = app.anon.get("/films?directors.name=eq.Lem").await.expect(400).json();
    assert_eq!(
        (answer["code"].as_str(), answer["hint"].as_str()),
        (Some("PGRST108"), Some("Verify that 'directors' is included in the 'select' query parameter."))
    );
}

#[tokio::test]
async fn null_filters_on_embeds_are_joins() {
    let app = App::start().await;
    let ids = |value: Value| value.as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids(get(&app, "/directors?select=id,films()&films=is.null&order=id").await), [4]);
    assert_eq!(ids(get(&app, "/directors?select=id,films()&films=not.is.null&order=id").await), [1, 2, 3]);
    assert_eq!(ids(get(&app, "/films?select=id,directors(name)&directors=is.null").await), [6]);
    assert_eq!(
        ids(get(
            &app,
            "/films?select=id,directors(),technical_specs()&or=(directors.is.null,technical_specs.not.is.null)&order=id"
        )
        .await),
        [1, 3, 6]
    );
    let counted =
        app.anon.with("prefer", "count=exact").get("/directors?select=id,films()&films=is.null&limit=1").await;
    assert_eq!(counted.expect(200).header("content-range"), "0-0/1");
    let inner =
        app.anon.with("prefer", "count=exact").get("/directors?select=id,films!inner(id)&films.id=gt.2&limit=1").await;
    assert_eq!(inner.expect(206).header("content-range"), "0-0/2");
    assert_eq!(app.anon.get("/films?select=directors(*)&directors=eq.1").await.expect(400).json()["code"], "PGRST120");
}

#[tokio::test]
async fn spreads_lift_columns_to_the_parent() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/films?select=id,...directors(author:name)&id=in.(5,6)&order=id").await,
        json!([{"id": 5, "author": "Butler"}, {"id": 6, "author": null}])
    );
    assert_eq!(
        get(&app, "/directors?select=name,...films(titles:title,id)&id=in.(2,4)&order=id&films.order=id").await,
        json!([{"name": "Lem", "titles": ["Solaris", "The Cyberiad"], "id": [3, 4]}, {"name": "Nobody", "titles": [], "id": []}])
    );
    assert_eq!(
        get(&app, "/roles?select=character,...films(title,...directors(name))&actor_id=eq.1&film_id=eq.3").await,
        json!([{"character": "Kelvin", "title": "Solaris", "name": "Lem"}])
    );
}

#[tokio::test]
async fn rows_are_ordered_by_to_one_embeds_only() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/films?select=id,directors(name)&order=directors(name).desc.nullslast,id&limit=3").await,
        json!([{"id": 3, "directors": {"name": "Lem"}}, {"id": 4, "directors": {"name": "Lem"}}, {"id": 1, "directors": {"name": "Le Guin"}}])
    );
    assert_eq!(
        app.anon.get("/directors?select=id,films(id)&order=films(id)").await.expect(400).json()["code"],
        "PGRST118"
    );
    assert_eq!(app.anon.get("/directors?order=films(id)").await.expect(400).json()["code"], "PGRST108");
}

#[tokio::test]
async fn functions_replace_foreign_keys_of_the_same_name() {
    let db = mainstay_testkit::Database::fresh().await;
    db.execute(
        "create table makers (id int primary key, name text);
         create table games (id int primary key, maker_id int references makers(id));
         create function makers(games) returns setof makers rows 1 language sql stable as
           $$ select id, 'computed ' || name from makers where id = $1.maker_id $$;
         insert into makers values (1, 'Sid'); insert into games values (1, 1);
         grant select on all tables in schema public to anon; grant execute on all functions in schema public to anon",
    )
    .await;
    let app = App::on(db, |_| {}).await;
    assert_eq!(
        get(&app, "/games?select=id,makers(name)").await,
        json!([{"id": 1, "makers": {"name": "computed Sid"}}])
    );
    assert_eq!(get(&app, "/games?select=id,maker_id(name)").await, json!([{"id": 1, "maker_id": {"name": "Sid"}}]));
}

#[tokio::test]
async fn a_column_with_an_embeds_name_is_filtered_as_a_column() {
    let app = App::start().await;
    assert_eq!(
        get(&app, "/films?select=id,director_id(name)&director_id=eq.2&order=id").await,
        json!([{"id": 3, "director_id": {"name": "Lem"}}, {"id": 4, "director_id": {"name": "Lem"}}])
    );
    assert_eq!(
        get(&app, "/films?select=id,director_id(name)&director_id=is.null").await,
        json!([{"id": 6, "director_id": null}])
    );
}

#[tokio::test]
async fn ambiguous_relationships_are_listed_to_many_first_and_junctions_last() {
    let db = mainstay_testkit::Database::fresh().await;
    db.execute(
        "create table sections (id int primary key, head_id int);
         create table agents (id int primary key, section_id int constraint a_section references sections(id));
         alter table sections add constraint z_head foreign key (head_id) references agents(id);
         create table visits (agent_id int references agents(id), section_id int references sections(id),
           primary key (agent_id, section_id));
         grant select on all tables in schema public to anon",
    )
    .await;
    let app = App::on(db, |_| {}).await;
    let body = app.anon.get("/agents?select=*,sections(*)").await.expect(300).json();
    assert_eq!(
        body["details"],
        json!([
            {"cardinality": "one-to-many", "embedding": "agents with sections",
             "relationship": "z_head using agents(id) and sections(head_id)"},
            {"cardinality": "many-to-one", "embedding": "agents with sections",
             "relationship": "a_section using agents(section_id) and sections(id)"},
            {"cardinality": "many-to-many", "embedding": "agents with sections",
             "relationship": "visits using visits_agent_id_fkey(agent_id) and visits_section_id_fkey(section_id)"}])
    );
    assert_eq!(
        body["hint"],
        "Try changing 'sections' to one of the following: 'sections!z_head', 'sections!a_section', 'sections!visits'. \
         Find the desired relationship in the 'details' key."
    );
}
