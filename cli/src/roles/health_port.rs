//! A port that answers for the health of a process that serves nothing else, or nothing else yet, and tells what it
//! counts.

use std::net::SocketAddr;
use std::sync::Arc;

use ::api::{Health, health_router};
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::http::{Room, Server};

/// A port that answers for the process' health, and tells what it counts. Dropped, it answers no more.
pub(super) struct HealthPort {
    listener: std::net::TcpListener,
    address: SocketAddr,
    _server: Server,
}

impl HealthPort {
    /// Listens on an address, which `flag` gives.
    pub(super) async fn on(
        address: SocketAddr,
        flag: &str,
        (health, counted): (&Arc<Health>, &PrometheusHandle),
        room: &Arc<Room>,
    ) -> anyhow::Result<Self> {
        let listener = listen(address, flag).await?.into_std().context("no port to share")?;
        let address = listener.local_addr().context("cannot tell where it listens")?;
        let own = TcpListener::from_std(listener.try_clone().context("no port to share")?)?;
        let server = Server::begin(own, health_router(Arc::clone(health), counted.clone()), room);
        Ok(Self { listener, address, _server: server })
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
