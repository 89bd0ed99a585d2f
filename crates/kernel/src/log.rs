//! Logs on standard output: JSON lines for machines, readable lines on a terminal.
//!
//! Never logged: the headers `authorization`, `apikey`, `cookie`; query strings (they may carry tokens); bodies.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON when standard output is not a terminal, text when it is.
    Auto,
    /// One JSON object a line.
    Json,
    /// Readable text.
    Text,
}

/// Starts logging for the process. `level` is `error`, `warn`, `info`, `debug`, `trace` or a filter such as
/// `info,mainstay_data=debug`. Calling it a second time does nothing.
///
/// # Errors
/// When `level` is not a filter.
pub fn init(level: &str, format: Format) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|e| format!("{level:?} is not a log level: {e}"))?;
    let text = match format {
        Format::Text => true,
        Format::Json => false,
        Format::Auto => std::io::stdout().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let started = if text {
        registry
            .with(fmt::layer().log_internal_errors(false).with_target(false).with_ansi(std::io::stdout().is_terminal()))
            .try_init()
    } else {
        registry
            .with(
                fmt::layer()
                    .json()
                    .log_internal_errors(false)
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false),
            )
            .try_init()
    };
    drop(started);
    Ok(())
}
