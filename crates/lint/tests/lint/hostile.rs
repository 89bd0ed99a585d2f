//! Any JSON at any place: no panic, no loop, and time that grows with the size.

use crate::GOOD;
use mainstay_lint::{Options, lint};
use mainstay_manifest::yaml::{self, Document};
use proptest::prelude::*;
use serde_json::{Value, json};

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "shop",
            "gateway",
            "-1",
            "1e999Gi",
            "99999999999999999999",
            "100%",
            "é",
            "0/0",
            "http://:1@/",
            "9223372036854775807E",
            "\u{0}"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(
                (
                    prop::sample::select(vec!["name", "spec", "metadata", "matchLabels", "containers", "port", "a"]),
                    inner
                ),
                0..4
            )
            .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

/// Puts something at the n-th place of a value, counted depth first.
fn put(value: &mut Value, n: &mut usize, new: &Value) -> bool {
    if *n == 0 {
        *value = new.clone();
        return true;
    }
    *n -= 1;
    match value {
        Value::Object(map) => map.values_mut().any(|inner| put(inner, n, new)),
        Value::Array(items) => items.iter_mut().any(|inner| put(inner, n, new)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_json_at_any_place_makes_it_panic(changes in prop::collection::vec((0_usize..2000, anything()), 1..12)) {
        let mut documents = yaml::read("good.yaml", GOOD).unwrap();
        for (place, new) in changes {
            let mut n = place;
            for document in &mut documents {
                if put(&mut document.value, &mut n, &new) {
                    break;
                }
            }
        }
        let report = lint(&documents, &Options::default());
        let _ = report.json();
        let _ = report.text(true);
    }

    #[test]
    fn documents_of_nonsense_are_findings(value in anything()) {
        let documents = vec![Document { source: "x".into(), line: 1, value }];
        prop_assert!(!lint(&documents, &Options::default()).findings.is_empty());
    }
}

#[test]
fn deep_nesting_is_no_problem() {
    let mut value = Value::from("x");
    for _ in 0..20_000 {
        value = Value::Array(vec![value]);
    }
    // wherever a text, a size, a port or a list is expected
    let mut document = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {}}, "spec": {"containers": [{"resources": {"limits": {}}}]}});
    document["metadata"]["labels"]["a"] = std::mem::take(&mut value);
    let documents = vec![Document { source: "x".into(), line: 1, value: document }];
    assert!(!lint(&documents, &Options::default()).findings.is_empty());
    std::mem::forget(documents);
}

#[test]
fn ten_thousand_documents_take_less_than_two_seconds() {
    let mut text = String::new();
    let good = yaml::read("good.yaml", GOOD).unwrap();
    let mut documents = Vec::new();
    // one namespace with many applications: the worst case for selectors
    while documents.len() < 10_000 {
        let n = documents.len();
        // what is there for the whole namespace is there once
        let wide = |d: &&Document| {
            matches!(d.value["kind"].as_str(), Some("Namespace" | "ResourceQuota" | "LimitRange"))
                || matches!(d.value["metadata"]["name"].as_str(), Some("default-deny" | "dns"))
        };
        for document in good.iter().filter(|d| n == 0 || !wide(d)) {
            text.clear();
            text.push_str(&document.value.to_string());
            for word in ["gateway", "auth", "postgres", "db-init", "backup", "workers", "read-config", "shop-tls"] {
                text = text.replace(&format!("\"{word}"), &format!("\"{word}{n}"));
            }
            let value = serde_json::from_str(&text).unwrap();
            documents.push(Document { source: "many.yaml".into(), line: n, value });
        }
    }
    let report = lint(&documents, &Options::default());
    assert_eq!(report.objects, documents.len());
}
