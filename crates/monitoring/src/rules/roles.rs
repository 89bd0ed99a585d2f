//! Rules about Mainstay's own processes; they need nothing but the processes' metrics.

use super::Severity::{Critical, Warning};
use super::{Alert, Group, OBJECTIVE, Rule, alert, group, record};
use crate::facts::{Component, Facts};

/// Windows that the error ratio is kept for: the burn-rate pairs need a short and a long one each.
const WINDOWS: [&str; 4] = ["5m", "30m", "1h", "6h"];

pub(super) fn groups(facts: &Facts) -> Vec<Group> {
    let mut alerts: Vec<Rule> = facts.mainstay().iter().flat_map(|component| of_component(component)).collect();
    for service in facts.sorted().iter().filter(|c| c.roles.is_empty() && c.scrape.is_some()) {
        alerts.push(role_down(service, Warning).into());
    }
    alerts.push(target_down().into());
    if !facts.mainstay().is_empty() {
        alerts.extend(processes(facts));
    }
    if facts.runs("gateway") {
        alerts.extend(requests(facts));
    }
    if facts.runs("auth") {
        alerts.extend(auth());
    }
    if facts.runs("data") {
        alerts.push(catalog().into());
    }
    if facts.has_pool() {
        alerts.extend(pools());
    }
    vec![group("mainstay.recordings", recordings(facts)), group("mainstay.roles", alerts)]
}

/// Recorded ratios are empty, not zero, while nothing is asked: there is no share of nothing.
fn recordings(facts: &Facts) -> Vec<Rule> {
    if !facts.runs("gateway") {
        return Vec::new();
    }
    let mut rules = vec![record(
        "role:http_server_requests:rate5m",
        "sum by (namespace, role) (rate(http_server_request_duration_seconds_count{@ns}[5m]))",
    )];
    for window in WINDOWS {
        let name = format!("role:http_server_request_errors:ratio_rate{window}");
        let all =
            format!("sum by (namespace, role) (rate(http_server_request_duration_seconds_count{{@ns}}[{window}]))");
        let failed = all.replace("{@ns}", "{@ns, http_response_status_code=~\"5..\"}");
        rules.push(record(&name, &format!("({failed} or 0 * {all}) / ({all} > 0)")));
    }
    rules.push(record(
        "role_route:http_server_request_duration_seconds:p99_rate5m",
        "histogram_quantile(0.99, sum by (namespace, role, http_route, le)
            (rate(http_server_request_duration_seconds_bucket{@ns}[5m])))",
    ));
    rules
}

fn of_component(component: &Component) -> Vec<Rule> {
    let mut rules = vec![role_down(component, Critical).into()];
    if let Some(limit) = component.memory_limit {
        let name = &component.name;
        rules.push(
            alert(
                "MemoryNearLimit",
                Warning,
                "10m",
                &format!("max by (pod, role) (process_resident_memory_bytes{{@ns, role=\"{name}\"}}) / {limit} > 0.9"),
            )
            .label("role", name)
            .says(
                "A process uses most of the memory it may have.",
                "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory limit. At the limit it \
                    is killed; \
                 raise the limit of this workload or find what grew.",
            )
            .into(),
        );
    }
    rules
}

fn role_down(component: &Component, severity: super::Severity) -> Alert {
    let name = &component.name;
    alert("RoleDown", severity, "2m", &format!("absent(up{{@ns, role=\"{name}\"}} == 1)")).label("role", name).says(
        "No pod of a role answers.",
        "No pod of {{ $labels.role }} has answered Prometheus for two minutes. See `mainstay status --cluster` and \
         `mainstay logs`.",
    )
}

fn target_down() -> Alert {
    alert("TargetDown", Warning, "10m", "up{@ns} == 0").says(
        "A scrape target does not answer.",
        "Prometheus cannot read {{ $labels.instance }} ({{ $labels.role }}, pod {{ $labels.pod }}): the pod is \
            ill, or a \
         network policy is in the way.",
    )
}

fn processes(facts: &Facts) -> Vec<Rule> {
    let refused = alert(
        "ConnectionsRefused",
        Warning,
        "5m",
        "sum by (role, listener) (increase(mainstay_edge_refused_connections_total{@ns}[10m])) > 10",
    )
    .says(
        "Connections are refused because a cap is reached.",
        "{{ $labels.role }} refused {{ $value | humanize }} connections on its {{ $labels.listener }} listener in ten \
         minutes. Add replicas, or raise the cap if one client is meant to hold so many.",
    );
    let mut rules = vec![refused.into()];
    // kube-state-metrics counts restarts better: it sees those of containers that never answered
    if !facts.kube_state_metrics {
        rules.push(
            alert("RoleRestarting", Warning, "0s", "changes(process_start_time_seconds{@ns}[30m]) > 2")
                .says(
                    "A process restarts again and again.",
                    "{{ $labels.pod }} ({{ $labels.role }}) started {{ $value }} times in half an hour. See \
                     `mainstay logs --previous`.",
                )
                .into(),
        );
    }
    rules
}

fn requests(facts: &Facts) -> Vec<Rule> {
    let mut rules: Vec<Rule> = vec![
        burn(Critical, 14.4, "5m", "1h", "2m").into(),
        burn(Warning, 6.0, "30m", "6h", "15m").into(),
        alert(
            "HighLatencyP99",
            Warning,
            "10m",
            "role_route:http_server_request_duration_seconds:p99_rate5m{@ns} > 2.5
             and on (namespace, role, http_route)
             sum by (namespace, role, http_route) (rate(http_server_request_duration_seconds_count{@ns}[5m])) > 0.1",
        )
        .says(
            "Answers are slow.",
            "One in a hundred requests to {{ $labels.http_route }} takes longer than {{ $value | \
                humanizeDuration }}. The \
             dashboard RED per role shows which part of the way takes the time.",
        )
        .into(),
    ];
    if facts.has_remote_roles() {
        rules.push(
            alert(
                "GatewayUpstreamErrors",
                Warning,
                "5m",
                r#"sum by (role, http_route)
                     (rate(http_server_request_duration_seconds_count{@ns,
                         http_response_status_code=~"502|503|504"}[5m]))
                   / sum by (role, http_route) (rate(http_server_request_duration_seconds_count{@ns}[5m])) > 0.05"#,
            )
            .says(
                "The gateway cannot reach a role.",
                "{{ $value | humanizePercentage }} of the requests to {{ $labels.http_route }} found no role to \
                    answer them. \
                 See whether its pods are ready and whether a network policy closes the way.",
            )
            .into(),
        );
    }
    rules
}

/// A pair of windows (SRE workbook, chapter 5): the long one says that it matters, the short one that it still goes on.
/// Ten failed requests at least, so that one failure on a quiet night wakes nobody.
fn burn(severity: super::Severity, factor: f64, short: &str, long: &str, wait: &str) -> Alert {
    let budget = 1.0 - OBJECTIVE;
    let limit = format!("{:.4}", factor * budget);
    let ratio = |window: &str| format!("role:http_server_request_errors:ratio_rate{window}{{@ns}} > {limit}");
    alert(
        "HighErrorRate",
        severity,
        wait,
        &format!(
            r#"{} and {} and on (namespace, role) sum by (namespace, role)
               (increase(http_server_request_duration_seconds_count{{@ns,
                   http_response_status_code=~"5.."}}[{long}])) >= 10"#,
            ratio(short),
            ratio(long),
        ),
    )
    .label("window", long)
    .says(
        "Too many requests fail.",
        &format!(
            "{{{{ $value | humanizePercentage }}}} of the requests to {{{{ $labels.role }}}} failed with a \
                status from 500 \
             in {short}, and as many in {long}: {factor} times what a month allows. See the dashboard HTTP \
                 Request Count, \
             then `mainstay logs`."
        ),
    )
}

fn auth() -> Vec<Rule> {
    vec![
        alert(
            "AuthFailuresSpike",
            Warning,
            "5m",
            r#"sum by (role) (increase(mainstay_auth_logins_total{@ns, result="refused"}[10m])) > 50
               and sum by (role) (increase(mainstay_auth_logins_total{@ns, result="refused"}[10m]))
                 > sum by (role) (increase(mainstay_auth_logins_total{@ns}[10m])) / 2"#,
        )
        .says(
            "Many sign-ins are refused.",
            "{{ $value | humanize }} sign-ins were refused in ten minutes, more than succeeded: passwords are \
                being tried, \
             or a client has a wrong one. The audit log names the addresses.",
        )
        .into(),
        alert("AuthPasswordQueue", Warning, "5m", "max by (role, pod) (mainstay_auth_password_queue{@ns}) > 20")
            .says(
                "Sign-ins wait for password hashes.",
                "{{ $value }} password hashes run or wait in {{ $labels.pod }}. Give auth more CPU or more replicas.",
            )
            .into(),
    ]
}

fn catalog() -> Alert {
    alert(
        "DataCatalogLoadFailed",
        Warning,
        "5m",
        r#"sum by (role) (increase(mainstay_data_catalog_loads_total{@ns, result="error"}[15m])) > 0"#,
    )
    .says(
        "The data API cannot read the database's catalog.",
        "Loads of the catalog fail in {{ $labels.role }}: it answers with the tables it knew before. Its log says why.",
    )
}

fn pools() -> Vec<Rule> {
    vec![
        alert(
            "DbPoolExhausted",
            Critical,
            "5m",
            "mainstay_db_pool_lent{@ns} >= mainstay_db_pool_connections{@ns}
             and on (namespace, pod, pool)
             histogram_quantile(0.9, sum by (namespace, pod, pool, le) \
                 (rate(mainstay_db_pool_wait_seconds_bucket{@ns}[5m]))) > 0.1",
        )
        .says(
            "Requests wait for database connections.",
            "All {{ $value }} connections of the pool {{ $labels.pool }} in {{ $labels.pod }} are lent, and \
                callers wait. \
             Look for slow queries first; then raise the pool or add replicas within the server's max_connections.",
        )
        .into(),
    ]
}
