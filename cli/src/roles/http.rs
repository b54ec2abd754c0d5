//! Serving HTTP, from the first request to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::api::{Health, Waiters};
use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::PATIENCE;

/// How a process stops that serves requests.
pub(super) struct Farewell {
    /// Is told first: whatever distributes requests goes by it.
    pub(super) health: Arc<Health>,
    /// Requests that wait are answered at once.
    pub(super) waiters: Arc<Waiters>,
    /// How long requests are still taken then.
    pub(super) drain: Duration,
}

/// Serves until `stop`; then says so, takes requests for a little while yet, and lets those in hand finish.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    farewell: Farewell,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let closed = CancellationToken::new();
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(closed.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return ended.context("the API crashed")?.context("the API failed"),
        () = stop.cancelled() => {}
    }
    farewell.health.stop();
    farewell.waiters.close();
    tokio::time::sleep(farewell.drain).await;
    closed.cancel();
    if let Ok(ended) = tokio::time::timeout(PATIENCE, &mut server).await {
        return ended.context("the API crashed")?.context("the API failed");
    }
    warn!("requests were cut off that did not finish in time");
    server.abort();
    Ok(())
}
