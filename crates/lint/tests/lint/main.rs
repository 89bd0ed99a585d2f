//! The linter against a good sample, holes made into it, honest strangers' files and nonsense.
#![allow(clippy::unwrap_used, reason = "tests")]

mod evaluator;
mod hostile;
mod mutations;
mod quiet;

use mainstay_lint::{Options, Report, lint};
use mainstay_manifest::yaml;

const GOOD: &str = include_str!("good.yaml");

fn run(text: &str) -> Report {
    let documents = yaml::read("sample.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    lint(&documents, &Options::default())
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_hardened_sample_has_no_finding_at_all() {
    let report = run(GOOD);
    assert!(report.findings.is_empty(), "{}", report.text(false));
    assert_eq!(report.worst(), None);
}

#[test]
fn findings_tell_file_line_object_and_place() {
    let report = run(&GOOD.replace("configMapRef: {name: gateway-config}", "configMapRef: {name: gateway-confg}"));
    let finding = report.findings.iter().find(|finding| finding.code == "ML101").unwrap();
    let line = GOOD[..GOOD.find("kind: Deployment").unwrap()].lines().count() - 1;
    assert_eq!((finding.source.as_str(), finding.line), ("sample.yaml", line + 1));
    assert_eq!(finding.object, "Deployment shop/gateway");
    assert_eq!(finding.path, "spec.template.spec.containers[0].envFrom[0].configMapRef");
    assert_eq!(finding.message, "ConfigMap \"gateway-confg\" does not exist in namespace \"shop\".");
}

#[test]
fn an_annotation_silences_with_a_reason_only() {
    let holed = GOOD.replace("serviceName: postgres-headless", "serviceName: nothing");
    let with = |annotation: &str| {
        run(&holed.replace(
            "metadata: {name: postgres, namespace: shop}\nspec:\n  serviceName",
            &format!("metadata: {{name: postgres, namespace: shop, annotations: {{mainstay.dev/lint-ignore: {annotation}}}}}\nspec:\n  serviceName"),
        ))
    };
    assert_eq!(codes(&run(&holed)), ["ML116"]);
    let silent = with("\"ML116: the platform makes the Service\"");
    assert!(silent.findings.is_empty(), "{}", silent.text(false));
    assert_eq!(silent.ignored, 1);
    assert_eq!(codes(&with("ML116")), ["ML116", "ML002"]);
    assert_eq!(codes(&with("\"ML116,ML777: x\"")), ["ML003"]);
    let documents = yaml::read("x", &holed).unwrap();
    let options = Options { ignore: ["ML116".to_owned()].into() };
    assert_eq!(lint(&documents, &options).findings, []);
}

#[test]
fn codes_are_unique_and_ordered_and_every_row_is_written_out() {
    let all: Vec<_> = mainstay_lint::CHECKS.iter().flat_map(|theme| theme.checks).collect();
    assert!(all.windows(2).all(|pair| pair[0].code < pair[1].code));
    for check in all {
        assert!(check.code.len() == 5 && check.code.starts_with("ML"), "{}", check.code);
        assert!(check.why.ends_with('.') && !check.title.is_empty(), "{}", check.code);
        assert!(check.way_out.ends_with(['.', '…']), "{}", check.code);
    }
}
