//! Logs, from Loki.

use super::panel::{COLUMNS, Panel, lines, log_lines};

/// Lines of the chosen namespace, roles and levels. A line that is not JSON has no level, and `.*` matches that too.
const LINES: &str = r#"{namespace="$namespace", role=~"$role", level=~"$level"}"#;

/// Lines that say what went wrong, whatever level is chosen.
const WORSE: &str = r#"{namespace="$namespace", role=~"$role", level=~"ERROR|WARN"}"#;

pub(super) fn panels() -> Vec<Panel> {
    vec![
        lines("Lines by level", "short")
            .about("Lines in each step, by level.")
            .of_logs()
            .query(&format!("sum by (level) (count_over_time({LINES} [$__auto]))"), "{{level}}")
            .stacked(),
        lines("Errors and warnings by role", "short")
            .about("Lines of level ERROR and WARN.")
            .of_logs()
            .query(&format!("sum by (role, level) (count_over_time({WORSE} [$__auto]))"), "{{role}} {{level}}"),
        log_lines("Lines")
            .about("Search for a request_id to see what one request did in every role.")
            .query(&format!("{LINES} |= `$search`"), "")
            .wide(COLUMNS),
    ]
}
