//! Histogram Bucket and HTTP Request Count: the requests that the gateway answered.

use super::panel::{COLUMNS, Panel, bars, heading, heatmap, lines, number};
use crate::facts::Facts;

const RATE: &str = "rate(http_server_request_duration_seconds_bucket{@ns, @role}[$__rate_interval])";

pub(super) fn buckets(facts: &Facts) -> Vec<Panel> {
    let quantile = |q: &str, by: &str| format!("histogram_quantile({q}, sum by ({by}le) ({RATE}))");
    let share = |bound: &str| {
        format!(
            "sum(rate(http_server_request_duration_seconds_bucket{{@ns, @role, le=\"{bound}\"}}[$__rate_interval]))
             / sum(rate(http_server_request_duration_seconds_count{{@ns, @role}}[$__rate_interval]))"
        )
    };
    let mut panels = vec![
        number("Median", "s")
            .about("Half of the requests are faster.")
            .query(&quantile("0.5", ""), "p50")
            .warns_at(0.25, 1.0),
        number("99 in 100 are faster than", "s")
            .about("One in a hundred requests takes longer.")
            .query(&quantile("0.99", ""), "p99")
            .warns_at(1.0, 2.5),
        number("Within 100 ms", "percentunit")
            .about("Share of requests answered within 0.1 s.")
            .query(&share("0.1"), "≤ 0.1 s")
            .good_from(0.8, 0.95)
            .up_to(1.0),
        number("Within a second", "percentunit")
            .about("Share of requests answered within 1 s.")
            .query(&share("1"), "≤ 1 s")
            .good_from(0.95, 0.99)
            .up_to(1.0),
        heatmap("Histogram Bucket")
            .about("Each column is a moment, each row a bucket; the darker, the more requests took that long.")
            .query(&format!("sum by (le) ({RATE})"), "{{le}}"),
        lines("Quantiles", "s")
            .about("From the buckets, so no finer than they are.")
            .query(&quantile("0.5", ""), "p50")
            .query(&quantile("0.9", ""), "p90")
            .query(&quantile("0.99", ""), "p99"),
        bars("Requests by bucket in the last hour", "short")
            .about("How many requests took at most so long; buckets include the ones before them.")
            .query("sum by (le) (increase(http_server_request_duration_seconds_bucket{@ns, @role}[1h]))", "≤ {{le}} s")
            .neutral(),
        lines("Slowest routes: p99", "s")
            .about("The ten routes whose slowest requests are slowest.")
            .query(&format!("topk(10, {})", quantile("0.99", "http_route, ")), "{{http_route}}")
            .wide(COLUMNS),
    ];
    if facts.has_remote_roles() {
        panels.push(
            lines("Time that roles take behind the gateway: p99", "s")
                .about("The gateway's calls to the other roles, retries included.")
                .query(
                    "histogram_quantile(0.99, sum by (peer, le) \
                        (rate(http_client_request_duration_seconds_bucket{@ns, @role}[$__rate_interval])))",
                    "{{peer}}",
                )
                .wide(COLUMNS),
        );
    }
    panels
}

pub(super) fn counts(_: &Facts) -> Vec<Panel> {
    let count = "http_server_request_duration_seconds_count{@ns, @role}";
    let failed = "http_server_request_duration_seconds_count{@ns, @role, http_response_status_code=~\"5..\"}";
    let rate = |series: &str| format!("sum(rate({series}[$__rate_interval]))");
    let by = |label: &str| format!("sum by ({label}) (rate({count}[$__rate_interval]))");
    vec![
        number("Requests in the last 24 hours", "short")
            .about("All roles that are chosen.")
            .query(&format!("sum(increase({count}[24h]))"), "requests")
            .neutral(),
        number("Requests per second", "reqps").about("Now.").query(&rate(count), "requests").neutral(),
        number("Failed", "percentunit")
            .about("Share of requests that ended with a status from 500: our fault.")
            .query(&format!("({} or vector(0)) / {}", rate(failed), rate(count)), "failed")
            .warns_at(0.001, 0.01),
        number("Being worked on", "short")
            .about("Requests that are not answered yet.")
            .query("sum(http_server_active_requests{@ns, @role})", "active")
            .warns_at(100.0, 500.0),
        heading("Rates"),
        lines("HTTP Request Count by role and status", "reqps")
            .about("200 to 399 are answers, 400 to 499 the caller's mistakes, from 500 on ours.")
            .query(&by("role, http_response_status_code"), "{{role}} {{http_response_status_code}}")
            .stacked(),
        lines("By method", "reqps")
            .about(
                "GET reads; the others \
            write.",
            )
            .query(&by("http_request_method"), "{{http_request_method}}")
            .stacked(),
        lines("By route", "reqps")
            .about("The ten busiest routes.")
            .query(&format!("topk(10, {})", by("http_route")), "{{http_route}}"),
        lines("Failures by route", "reqps").about("Status from 500, by route and status.").query(
            &format!("sum by (http_route, http_response_status_code) (rate({failed}[$__rate_interval]))"),
            "{{http_route}} {{http_response_status_code}}",
        ),
        lines("Refused callers", "reqps")
            .about("401 and 403: no key, a wrong one, or not allowed. 429: too many requests.")
            .query(
                "sum by (http_route, http_response_status_code)
                   (rate(http_server_request_duration_seconds_count{@ns, @role, \
                       http_response_status_code=~\"401|403|429\"}[$__rate_interval]))",
                "{{http_route}} {{http_response_status_code}}",
            ),
        lines("Connections", "short")
            .about("Open connections by listener.")
            .query("sum by (role, listener) (mainstay_edge_connections{@ns, @role})", "{{role}} {{listener}}"),
        heading("Totals"),
        bars("Requests in the last 24 hours by route", "short")
            .about("The busiest routes first.")
            .query(&format!("topk(15, sum by (http_route) (increase({count}[24h])))"), "{{http_route}}")
            .neutral(),
        bars("Answers in the last 24 hours by status", "short")
            .about("How requests ended.")
            .query(
                &format!(
                    "sum by (http_response_status_code) \
                (increase({count}[24h]))"
                ),
                "{{http_response_status_code}}",
            )
            .neutral(),
    ]
}
