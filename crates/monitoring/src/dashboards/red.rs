//! RED per role: rate, errors, duration. The gateway measures every role by the routes it passes on.

use super::panel::{Panel, heading, lines};
use crate::facts::Facts;

/// Roles behind the gateway and the matcher of their routes.
const ROUTES: [(&str, &str); 3] = [
    ("auth", "http_route=~\"/auth/v1.*\""),
    ("data", "http_route=~\"/rest/v1.*\""),
    ("portal", "http_route!~\"/(auth|rest|storage|functions|realtime|graphql)/v1.*\""),
];

pub(super) fn panels(facts: &Facts) -> Vec<Panel> {
    let mut panels = Vec::new();
    if facts.runs("gateway") {
        panels.extend(section("gateway", ""));
        for (role, routes) in ROUTES {
            if facts.runs(role) {
                panels.extend(section(role, &format!(", {routes}")));
                panels.extend(own(role));
            }
        }
    } else {
        for role in ["auth", "data"].into_iter().filter(|role| facts.runs(role)) {
            panels.push(heading(role));
            panels.extend(own(role));
        }
    }
    let services: Vec<_> = facts.sorted().into_iter().filter(|c| c.roles.is_empty() && c.scrape.is_some()).collect();
    if !services.is_empty() || panels.is_empty() {
        panels.push(heading("other components"));
        panels.push(
            lines("Answering", "short")
                .about("Pods that answer Prometheus, by component.")
                .query("sum by (role) (up{@ns})", "{{role}}"),
        );
    }
    panels
}

fn section(role: &str, routes: &str) -> Vec<Panel> {
    let count = format!("http_server_request_duration_seconds_count{{@ns{routes}}}");
    let failed =
        format!("http_server_request_duration_seconds_count{{@ns{routes}, http_response_status_code=~\"5..\"}}");
    let bucket = format!("http_server_request_duration_seconds_bucket{{@ns{routes}}}");
    let quantile = |q: &str| format!("histogram_quantile({q}, sum by (le) (rate({bucket}[$__rate_interval])))");
    vec![
        heading(role),
        lines("Rate", "reqps")
            .about("Requests per second by route.")
            .query(&format!("sum by (http_route) (rate({count}[$__rate_interval]))"), "{{http_route}}")
            .wide(8)
            .stacked(),
        lines("Errors", "percentunit")
            .about("Share of requests that ended with a status from 500.")
            .query(
                &format!("(sum(rate({failed}[$__rate_interval])) or vector(0)) / sum(rate({count}[$__rate_interval]))"),
                "failed",
            )
            .warns_at(0.001, 0.01)
            .wide(8),
        lines("Duration", "s")
            .about("Time until the head of the answer was ready.")
            .query(&quantile("0.5"), "p50")
            .query(&quantile("0.9"), "p90")
            .query(&quantile("0.99"), "p99")
            .wide(8),
    ]
}

/// What a role counts itself.
fn own(role: &str) -> Vec<Panel> {
    match role {
        "auth" => vec![
            lines("Sign-ins", "short")
                .about("Per minute, by result.")
                .query("sum by (result) (rate(mainstay_auth_logins_total{@ns}[$__rate_interval])) * 60", "{{result}}")
                .wide(8),
            lines("Accounts and refreshes", "short")
                .about("Per minute. Reused: a refresh token was used twice, so it may have been stolen.")
                .query("sum(rate(mainstay_auth_sign_ups_total{@ns}[$__rate_interval])) * 60", "sign-ups")
                .query(
                    "sum by (result) (rate(mainstay_auth_refreshes_total{@ns}[$__rate_interval])) * \
                    60",
                    "refresh {{result}}",
                )
                .wide(8),
            lines("Password hashes", "short")
                .about("Running or waiting; each takes a core for tens of milliseconds.")
                .query("sum by (pod) (mainstay_auth_password_queue{@ns})", "{{pod}}")
                .warns_at(10.0, 20.0)
                .wide(8),
        ],
        "data" => vec![
            lines("Time by stage", "s")
                .about("Nine in ten requests spend less. Execute is PostgreSQL; the other stages are ours.")
                .query(
                    "histogram_quantile(0.9, sum by (stage, le) \
                        (rate(mainstay_data_stage_seconds_bucket{@ns}[$__rate_interval])))",
                    "{{stage}}",
                )
                .wide(8),
            lines("Server errors", "short")
                .about("Answers with a status from 500 per minute.")
                .query("sum(rate(mainstay_data_server_errors_total{@ns}[$__rate_interval])) * 60", "errors")
                .wide(8),
            lines("Catalog", "short")
                .about("Tables and views that the API knows, and loads of the catalog in an hour.")
                .query("max(mainstay_data_catalog_tables{@ns})", "tables")
                .query("sum by (result) (increase(mainstay_data_catalog_loads_total{@ns}[1h]))", "loads {{result}}")
                .wide(8),
        ],
        _ => Vec::new(),
    }
}
