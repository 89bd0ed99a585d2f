//! Secret values: made once, kept, never seen.

use crate::apply::deployed;
use crate::double::{Behaviour, Double};
use crate::fixture::{self, Told, options, project};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mainstay_cluster::{CertifiedKey, Options, Silent, deploy, history, plan, rotate, status};
use mainstay_manifest::{Phase, SecretKey, SecretSpec, Source, keys};
use serde_json::{Value, json};
use std::sync::Arc;

fn value(double: &Double, secret: &str, key: &str) -> String {
    let live = double.get("secrets", "shop", secret).unwrap();
    String::from_utf8(STANDARD.decode(live["data"][key].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn values_are_made_once_and_kept() {
    let (double, cluster, desired) = deployed().await;
    let password = value(&double, "db-secrets", "POSTGRES_PASSWORD");
    assert_eq!(password.len(), 32, "24 bytes as base64url");
    assert_eq!(value(&double, "db-secrets", "DATABASE_URL"), format!("postgres://owner:{password}@postgres/app"));
    assert!(value(&double, "api-keys", "PUBLISHABLE_KEY").starts_with("sb_publishable_"));
    assert!(mainstay_identity::KeySet::new(None, Some(&value(&double, "api-keys", "JWT_KEYS"))).is_ok());
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(value(&double, "db-secrets", "POSTGRES_PASSWORD"), password);
    // one key was lost: it comes back, the others stay
    double.edit("secrets", "shop", "db-secrets", "kubectl", |o| {
        o["data"].as_object_mut().unwrap().remove("POSTGRES_USER");
    });
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    let item = planned.items.iter().find(|i| i.object == "Secret db-secrets").unwrap();
    assert_eq!(item.fields[0].new.as_deref(), Some("1 keys to make: POSTGRES_USER"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(
        (value(&double, "db-secrets", "POSTGRES_USER"), value(&double, "db-secrets", "POSTGRES_PASSWORD")),
        ("owner".into(), password)
    );
}

#[tokio::test]
async fn values_are_never_seen() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    let told = Told::default();
    desired.secrets[0].keys.push(SecretKey {
        name: "SMTP_PASS".into(),
        source: Source::Given { variable: "SMTP_PASS".into(), required: true },
    });
    let wishes = Options { given: [("SMTP_PASS".to_owned(), "hunter2-hunter2".into())].into(), ..options() };
    let mut shown = format!("{wishes:?}{cluster:?}");
    let planned = plan(&cluster, &desired, &wishes).await.unwrap();
    shown += &serde_json::to_string(&planned).unwrap();
    let outcome = deploy(&cluster, &desired, &wishes, &told).await.unwrap();
    shown += &format!("{outcome:?}{}", serde_json::to_string(&outcome).unwrap());
    // a process that prints its own password, and one that then crashes
    let password = value(&double, "db-secrets", "POSTGRES_PASSWORD");
    double.state().logs.insert("data".into(), format!("cannot log in with {password}\n"));
    double.behave("data", Behaviour::Crashes(1, "Error"));
    fixture::set(&mut desired, "Deployment", "data", "/spec/template/spec/terminationGracePeriodSeconds", json!(3));
    let failure = deploy(&cluster, &desired, &wishes, &told).await.unwrap_err();
    shown += &format!("{failure} {failure:?}");
    assert!(shown.contains("cannot log in with [secret]"), "{failure}");
    let planned = plan(&cluster, &desired, &wishes).await.unwrap();
    shown += &format!("{planned:?}{:?}", history(&cluster, "shop").await.unwrap());
    shown += &format!("{:?}", status(&cluster, "shop", "shop").await.unwrap());
    shown += &told.text();
    let state = double.state();
    for secret in state.all("secrets", Some("shop")) {
        if secret["type"] == "mainstay.dev/release.v1" {
            let record = STANDARD.decode(secret["data"]["record"].as_str().unwrap()).unwrap();
            shown += &String::from_utf8(record).unwrap();
        }
    }
    for (plural, object) in state.objects.iter().filter(|((plural, ..), _)| *plural != "secrets") {
        shown += &format!("{plural:?}{object}");
    }
    shown += &state.requests.join("\n");
    let mut values = 0;
    for secret in state.all("secrets", Some("shop")).iter().filter(|s| s["type"] == "Opaque") {
        for (key, encoded) in secret["data"].as_object().unwrap() {
            let encoded = encoded.as_str().unwrap();
            let plain = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
            if plain != "owner" {
                values += 1;
                assert!(!shown.contains(&plain) && !shown.contains(encoded), "{key} was seen");
            }
        }
    }
    assert_eq!(values, 6);
}

#[tokio::test]
async fn what_a_person_must_give_is_asked_for_by_name() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    let given = |name: &str, required| SecretKey {
        name: name.into(),
        source: Source::Given { variable: name.into(), required },
    };
    desired.secrets[0].keys.extend([given("SMTP_PASS", true), given("OPTIONAL", false)]);
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!((failure.error.code(), failure.to_string().as_str()), ("MC041", "A person must give SMTP_PASS."));
    let wishes = Options { given: [("SMTP_PASS".to_owned(), "x".into())].into(), ..options() };
    deploy(&cluster, &desired, &wishes, &Silent).await.unwrap();
    // it is kept: nobody has to give it again
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(value(&double, "db-secrets", "SMTP_PASS"), "x");
    assert!(double.get("secrets", "shop", "db-secrets").unwrap()["data"].get("OPTIONAL").is_none());
}

#[tokio::test]
async fn a_secret_that_an_operator_makes_is_waited_for() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    fixture::remove(&mut desired, "Secret", "db-secrets");
    let meta = json!({"name": "db-secrets", "namespace": "shop"});
    let external =
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": meta, "spec": {}});
    desired.objects.push(fixture::object(Phase::Configuration, external));
    let late = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let data = json!({"POSTGRES_USER": "YQ==", "POSTGRES_PASSWORD": "YQ==", "DATABASE_URL": "YQ=="});
        let made = json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data});
        double.create("secrets", made);
        double.edit("externalsecrets", "shop", "db-secrets", "operator", |o| {
            o["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        });
    };
    let wishes = options();
    let (outcome, ()) = tokio::join!(deploy(&cluster, &desired, &wishes, &Silent), late);
    outcome.unwrap();
    assert_eq!(value(&double, "db-secrets", "POSTGRES_PASSWORD"), "a", "theirs is left as it is");
    // who does not wait is told, and not stopped
    let (other, mut unmade) = (Double::start().await, desired.clone());
    unmade.version = "2".into();
    let outcome = deploy(&other.cluster(), &unmade, &Options { wait: false, ..options() }, &Silent).await.unwrap();
    assert!(
        outcome.notes.iter().any(|note| note.contains("Secret db-secrets is not there yet")),
        "{:?}",
        outcome.notes
    );
}

#[tokio::test]
async fn an_existing_secret_is_only_checked() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    fixture::remove(&mut desired, "Secret", "db-secrets");
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(
        (failure.error.code(), failure.to_string().as_str()),
        ("MC040", "The Secret db-secrets does not exist.")
    );
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-secrets", "namespace": "shop"}, "data": {"POSTGRES_USER": "YQ=="}});
    double.create("secrets", theirs);
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.to_string(), "The Secret db-secrets lacks POSTGRES_PASSWORD, DATABASE_URL.");
    double.edit("secrets", "shop", "db-secrets", "them", |o| {
        o["data"] = json!({"POSTGRES_USER": "YQ==", "POSTGRES_PASSWORD": "YQ==", "DATABASE_URL": "YQ=="});
    });
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let live = double.get("secrets", "shop", "db-secrets").unwrap();
    assert!(live["metadata"].get("labels").is_none(), "not a member, never ours to remove");
}

#[tokio::test]
async fn rotation_makes_new_values_and_what_follows_from_them() {
    let (double, cluster, desired) = deployed().await;
    let (old, keys) = (value(&double, "db-secrets", "POSTGRES_PASSWORD"), value(&double, "api-keys", "JWT_KEYS"));
    let made = rotate(
        &cluster,
        &desired,
        &["db-secrets/POSTGRES_PASSWORD".into(), "api-keys/JWT_KEYS".into()],
        &options(),
        &Silent,
    )
    .await
    .unwrap();
    assert_eq!(
        made,
        [
            ("api-keys".into(), vec!["JWT_KEYS".into()]),
            ("db-secrets".into(), vec!["DATABASE_URL".into(), "POSTGRES_PASSWORD".into()])
        ]
    );
    let new = value(&double, "db-secrets", "POSTGRES_PASSWORD");
    assert_ne!(old, new);
    assert!(value(&double, "db-secrets", "DATABASE_URL").contains(&new));
    let both: Vec<Value> = serde_json::from_str(&value(&double, "api-keys", "JWT_KEYS")).unwrap();
    let first: Vec<Value> = serde_json::from_str(&keys).unwrap();
    assert_eq!((both.len(), &both[1]["kid"]), (2, &first[0]["kid"]));
    assert_eq!(rotate(&cluster, &desired, &["nothing".into()], &options(), &Silent).await.unwrap_err().code(), "MC043");
}

#[tokio::test]
async fn certificates_are_made_by_the_hook_and_renewed_before_they_end() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    let meta = json!({"name": "tls", "namespace": "shop", "annotations": {keys::SECRET_KEYS: "tls.crt,tls.key"}});
    desired.objects.push(fixture::object(
        Phase::Configuration,
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta}),
    ));
    let key = |name: &str| SecretKey { name: name.into(), source: Source::Certificate(vec!["shop.test".into()]) };
    desired.secrets.push(SecretSpec { name: "tls".into(), keys: vec![key("tls.crt"), key("tls.key")] });
    assert_eq!(deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err().error.code(), "MC044");
    let made = Arc::new(std::sync::Mutex::new(Vec::new()));
    let counted = made.clone();
    let maker: mainstay_cluster::CertificateMaker = Arc::new(move |names, old| {
        let mut made = counted.lock().unwrap();
        made.push((names.to_vec(), old.is_some()));
        let days = if made.len() == 1 { 20 } else { 300 };
        Ok(CertifiedKey { certificate: fixture::certificate(days), key: "a key that nobody sees".into() })
    });
    let wishes = Options { certificates: Some(maker), ..options() };
    deploy(&cluster, &desired, &wishes, &Silent).await.unwrap();
    let days = status(&cluster, "shop", "shop").await.unwrap().certificates[0].days_left;
    assert!((18..=20).contains(&days), "{days}");
    deploy(&cluster, &desired, &wishes, &Silent).await.unwrap();
    deploy(&cluster, &desired, &wishes, &Silent).await.unwrap();
    assert_eq!(*made.lock().unwrap(), [(vec!["shop.test".to_owned()], false), (vec!["shop.test".to_owned()], true)]);
}
