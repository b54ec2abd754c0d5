//! Stopping: SIGTERM and Ctrl-C.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A token that is cancelled by the first SIGTERM or Ctrl-C. The second ends the process at once, which is safe: what
/// was not finished goes on at the next start.
pub(crate) fn stop_token() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let signal = next(&mut terminate, &mut interrupt).await;
        info!(signal, "stopping");
        stop.cancel();
        let signal = next(&mut terminate, &mut interrupt).await;
        warn!(signal, "again: ending at once");
        std::process::exit(1);
    });
    Ok(token)
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
