//! Logs, on standard error.

use std::io::{IsTerminal, stderr};

use tracing::error;

use crate::config::{LogFilter, LogFormat};

/// Starts logging what `filter` lets through.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let log = tracing_subscriber::fmt().with_env_filter(filter.filter()).with_writer(stderr).with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
        // The list of spans has the current one too.
        LogFormat::Json => {
            log.with_ansi(false).json().flatten_event(true).with_current_span(false).with_span_list(true).init();
        }
    }
    // What a panic says may hold anything, a password included: where it was is enough to find it.
    std::panic::set_hook(Box::new(|panic| error!(at = panic.location().map(display), "panicked")));
}
