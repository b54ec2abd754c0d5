//! A connection of a client, and the one to the server that belongs to it.

use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

/// Between two looks at whether somebody who does not read has been cut.
const LOOK: Duration = Duration::from_millis(50);

/// Which way something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// What has become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Well,
    /// What the server says next is dropped, and the connection cut.
    Muted,
    /// The client takes the server for silent for ever.
    HalfClosed,
    /// It lost something, and loses the rest too.
    Dead,
    /// It ends.
    Cut,
}

/// Both connections. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: TcpStream,
    /// None for one that was made into a black hole.
    pub(super) server: Option<TcpStream>,
}

impl Link {
    pub(super) fn new(client: TcpStream, server: Option<TcpStream>) -> io::Result<Self> {
        for stream in [Some(&client), server.as_ref()].into_iter().flatten() {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(LOOK))?;
        }
        Ok(Self { client, server })
    }

    /// Where something that is sent this way comes from, and where it goes.
    pub(super) fn ends(&self, way: Way) -> (Option<&TcpStream>, Option<&TcpStream>) {
        match way {
            Way::Up => (Some(&self.client), self.server.as_ref()),
            Way::Down => (self.server.as_ref(), Some(&self.client)),
        }
    }

    /// Ends the client's connection with a reset, the server's too or in peace, as soon as nobody holds this.
    pub(super) fn cut(&self, server_too: bool) {
        let _ = SockRef::from(&self.client).set_linger(Some(Duration::ZERO));
        if let Some(server) = &self.server {
            if server_too {
                let _ = SockRef::from(server).set_linger(Some(Duration::ZERO));
            }
            // Wakes who reads, and says nothing to the other side.
            let _ = server.shutdown(Shutdown::Read);
        }
        let _ = self.client.shutdown(Shutdown::Read);
    }

    /// Writes everything, unless the connection is cut before.
    pub(super) fn write(mut to: &TcpStream, mut bytes: &[u8], is_cut: impl Fn() -> bool) -> io::Result<()> {
        while !bytes.is_empty() {
            match to.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && !is_cut() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
