//! Serving HTTP, from the first request to the last.
//!
//! Whoever connects has a place ([`room`]), and so much time for each thing that they do ([`bounds`]): no client can
//! hold anything for ever, and none can keep the others out.

mod accept;
mod bounds;
mod connection;
mod progress;
mod room;
mod tapped;

use std::sync::Arc;
use std::time::Duration;

use ::api::{Health, Waiters};
use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::PATIENCE;

pub(super) use accept::Server;
pub(super) use bounds::Bounds;
pub(super) use room::Room;

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
    room: &Arc<Room>,
    farewell: Farewell,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut server = Server::begin(listener, router, room);
    tokio::select! {
        ended = server.ended() => return ended.context("the API crashed"),
        () = stop.cancelled() => {}
    }
    farewell.health.stop();
    farewell.waiters.close();
    tokio::time::sleep(farewell.drain).await;
    if !server.close(PATIENCE).await {
        warn!("requests were cut off that did not finish in time");
    }
    Ok(())
}
