//! The resource table.

use crate::fixture;
use mainstay_deploy::render::summary;
use mainstay_manifest::Quantity;
use serde_json::Value;

#[test]
fn the_budget_app_takes_what_its_seed_says() {
    let summary = summary(&fixture::budget_app());
    let total = summary.total;
    assert_eq!(
        format!(
            "{} pods, {}/{}, {}/{}",
            total.pods,
            total.cpu.cpu_milli(),
            total.cpu_limit.unwrap().cpu_milli(),
            total.memory.memory_mebi(),
            total.memory_limit.memory_mebi()
        ),
        "6 pods, 1200m/2400m, 1216Mi/2432Mi"
    );
    assert_eq!(summary.at_most, None);
    let rows: Vec<_> =
        summary.components.iter().map(|row| (row.name.as_str(), row.pods, row.cpu.cpu_milli())).collect();
    assert_eq!(
        rows,
        [
            ("auth-data", 2, "250m".to_owned()),
            ("gateway", 1, "100m".to_owned()),
            ("postgres", 1, "250m".to_owned()),
            ("prometheus", 1, "250m".to_owned()),
            ("grafana", 1, "100m".to_owned()),
        ]
    );
    let text = summary.text();
    let total = text.lines().find(|line| line.starts_with("TOTAL")).unwrap();
    assert_eq!(total.split_whitespace().collect::<Vec<_>>(), ["TOTAL", "6", "1200m", "2400m", "1216Mi", "2432Mi"]);
    assert!(text.contains("db-init (Job)"), "{text}");
    assert!(text.contains("wait-for-postgres (init container)"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("postgres") && line.ends_with("2Gi")), "{text}");
}

#[test]
fn a_scaled_system_has_a_second_sum_within_its_quota() {
    let summary = summary(&fixture::large());
    let most = summary.at_most.unwrap();
    assert!(most.pods > summary.total.pods && most.memory > summary.total.memory);
    let quota = summary.quota.as_ref().unwrap();
    let read = |text: &str| text.parse::<Quantity>().unwrap();
    assert!(read(&quota.cpu) >= most.cpu && read(&quota.memory_limit) >= most.memory_limit);
    assert!(quota.pods.parse::<u32>().unwrap() >= most.pods);
    assert_eq!(
        summary.volumes.iter().map(|v| v.component.as_str()).collect::<Vec<_>>(),
        ["postgres", "backup", "prometheus", "elasticsearch"]
    );
    assert_eq!(summary.storage, read("20Gi") + read("10Gi") + read("5Gi") + read("5Gi"));
    assert!(summary.text().contains("2 to 10"));
}

#[test]
fn without_cpu_limits_there_is_no_sum_of_them() {
    let summary = summary(&fixture::small());
    assert_eq!(summary.total.cpu_limit, None);
    assert!(
        summary.text().lines().any(|line| line.starts_with("TOTAL") && line.contains("  -  ")),
        "{}",
        summary.text()
    );
    assert_eq!(serde_json::to_value(&summary).unwrap()["total"]["cpu_limit"], Value::Null);
}

#[test]
fn the_table_says_the_same_as_the_objects() {
    for system in fixture::all() {
        let objects = mainstay_deploy::objects(&system);
        let mut compared = 0;
        for row in summary(&system).components {
            let pods = ["Deployment", "StatefulSet", "DaemonSet"];
            let Some(object) = objects.iter().find(|o| o.name() == row.name && pods.contains(&o.kind())) else {
                continue;
            };
            let containers = object.value.pointer("/spec/template/spec/containers").unwrap().as_array().unwrap();
            let sum = |kind: &str, name: &str| -> Quantity {
                let texts =
                    containers.iter().map(|c| c.pointer(&format!("/resources/{kind}/{name}")).and_then(Value::as_str));
                texts.map(|text| text.unwrap_or("0").parse::<Quantity>().unwrap()).sum()
            };
            assert_eq!(sum("requests", "cpu"), row.cpu, "{}", row.name);
            assert_eq!(sum("limits", "cpu"), row.cpu_limit.unwrap_or_default(), "{}", row.name);
            assert_eq!(sum("requests", "memory"), row.memory, "{}", row.name);
            assert_eq!(sum("limits", "memory"), row.memory_limit, "{}", row.name);
            if let Some(replicas) = object.value.pointer("/spec/replicas").and_then(Value::as_u64) {
                assert_eq!(replicas, u64::from(row.pods), "{}", row.name);
            }
            compared += 1;
        }
        assert!(compared > 0);
    }
}

#[test]
fn columns_are_aligned() {
    for system in fixture::all() {
        let text = summary(&system).text();
        let table: Vec<_> = text.lines().skip(2).take_while(|line| !line.is_empty()).collect();
        let width = table[0].chars().count();
        assert!(table.iter().all(|line| line.chars().count() == width), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 120 && line.trim_end() == line), "{text}");
    }
}
