//! Logs, for a person to read, on standard error.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing::error;
use tracing_subscriber::EnvFilter;

/// Starts logging what `filter` lets through.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("cannot read the log filter {filter:?}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .init();
    // What a panic says may hold anything, a password included: where it was is enough to find it.
    std::panic::set_hook(Box::new(|panic| error!(at = panic.location().map(display), "panicked")));
    Ok(())
}
