//! The port that clients connect to.

use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};

use super::network::Network;

/// How many may wait to be taken in.
const BACKLOG: i32 = 1024;

/// A port. Shut, it refuses connections, and is still nobody else's.
#[derive(Debug)]
pub(super) struct Gate(Socket);

impl Gate {
    pub(super) fn open(port: u16) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Its own connections do not hinder it from opening again.
        socket.set_reuse_address(true)?;
        // By number: a port that the system chose would be given away when the gate is shut.
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        socket.listen(BACKLOG)?;
        Ok(Self(socket))
    }

    /// Refuses connections from now on. On Linux, the end of reading is the end of listening.
    pub(super) fn shut(&self) -> anyhow::Result<()> {
        match self.0.shutdown(Shutdown::Read) {
            Err(error) if error.kind() != std::io::ErrorKind::NotConnected => Err(error.into()),
            // It was shut before.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn reopen(&self) -> anyhow::Result<()> {
        Ok(self.0.listen(BACKLOG)?)
    }

    /// Takes in whoever comes, until the network is closed.
    pub(super) fn serve(&self, network: &Arc<Network>) {
        loop {
            match self.0.accept() {
                Ok((client, _)) => network.join(client.into()),
                Err(_) if network.is_closed() => return,
                Err(_) => network.wait(),
            }
        }
    }
}
