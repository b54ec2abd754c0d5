//! A port that answers for the health of a process that serves nothing else, or nothing else yet.

use std::net::SocketAddr;
use std::sync::Arc;

use ::api::{Health, health_router};
use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A port that answers for the process' health alone. Dropped, it answers no more.
pub(super) struct HealthPort {
    listener: std::net::TcpListener,
    address: SocketAddr,
    _open: DropGuard,
}

impl HealthPort {
    /// Listens on an address, which `flag` gives.
    pub(super) async fn on(address: SocketAddr, flag: &str, health: &Arc<Health>) -> anyhow::Result<Self> {
        let listener = listen(address, flag).await?.into_std().context("no port to share")?;
        let address = listener.local_addr().context("cannot tell where it listens")?;
        let own = TcpListener::from_std(listener.try_clone().context("no port to share")?)?;
        let open = CancellationToken::new();
        let server = axum::serve(own, health_router(Arc::clone(health)));
        let server = server.with_graceful_shutdown(open.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Ok(Self { listener, address, _open: open.drop_guard() })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leaves the port to something that answers for more. Who connects meanwhile is answered by that.
    pub(super) fn hand_over(self) -> anyhow::Result<TcpListener> {
        TcpListener::from_std(self.listener).context("the port cannot be handed over")
    }
}

/// Listens on an address, which `flag` gives.
pub(super) async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}; give another --{flag}"))
}
