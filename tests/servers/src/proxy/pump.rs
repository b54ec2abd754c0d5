//! The threads of a connection.

use std::io::{ErrorKind, Read, Result};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Mode;
use super::link::{Fate, Link, Way};
use super::network::Network;
use super::state::Verdict;
use super::trap::Reader;

/// How long the server may take to take in a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is read at once.
const PIECE: usize = 64 << 10;

impl Network {
    /// Serves a client from now on.
    pub(super) fn join(self: &Arc<Self>, client: TcpStream) {
        let network = Arc::clone(self);
        // Without a thread or a server, the client is left alone with the end of its connection.
        let _ = thread::Builder::new().name("proxy".to_owned()).spawn(move || network.serve(client));
    }

    fn serve(self: &Arc<Self>, client: TcpStream) -> Result<()> {
        let (mode, target) = {
            let state = self.lock();
            (state.mode, state.target)
        };
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let server = match mode {
            Mode::BlackHole => None,
            Mode::Pass | Mode::Delay(_) | Mode::Hold => Some(TcpStream::connect_timeout(&target, PATIENCE)),
            // It came in just before.
            Mode::Refuse => Some(Err(ErrorKind::ConnectionRefused.into())),
        };
        let link = match server.transpose() {
            Ok(server) => Arc::new(Link::new(client, server)?),
            Err(error) => {
                Link::new(client, None)?.cut(false);
                return Err(error);
            }
        };
        let Some(id) = self.add(&link) else { return Ok(()) };
        if link.server.is_some() {
            let (network, link) = (Arc::clone(self), Arc::clone(&link));
            let down = move || network.pump(id, link, Way::Down);
            if let Err(error) = thread::Builder::new().name("proxy".to_owned()).spawn(down) {
                self.lock().cut(id, true);
                self.leave(id);
                self.leave(id);
                return Err(error);
            }
        }
        self.pump(id, link, Way::Up);
        Ok(())
    }

    /// Passes on one way, until there is no more to come or nobody to take it.
    fn pump(&self, id: u64, link: Arc<Link>, way: Way) {
        let (from, to) = link.ends(way);
        let (mut reader, mut buffer) = (Reader::default(), vec![0; PIECE]);
        while let Some(mut from) = from {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read,
            };
            let piece = buffer.get(..*read.as_ref().unwrap_or(&0)).unwrap_or_default();
            if way == Way::Up {
                reader.read(piece);
            }
            match self.judge(id, way, &reader, piece.len()) {
                Verdict::End => break,
                Verdict::Drop if piece.is_empty() => break,
                Verdict::Drop => {}
                Verdict::Forward => {
                    let Some(to) = to else { break };
                    let written = read.and_then(|_| Link::write(to, piece, || self.is_cut(id)));
                    if written.is_err() {
                        // One side is gone, and the other is to know it.
                        self.lock().cut(id, true);
                        break;
                    }
                    if piece.is_empty() {
                        let _ = to.shutdown(Shutdown::Write);
                        break;
                    }
                }
            }
        }
        drop(link);
        self.leave(id);
    }

    /// What to do with a piece, once it is due.
    fn judge(&self, id: u64, way: Way, reader: &Reader, size: usize) -> Verdict {
        let (came, mut state) = (Instant::now(), self.lock());
        while let Some(wait) = state.wait(id, came) {
            if state.mode == Mode::Hold && way == Way::Up {
                state.held.entry(id).or_insert_with(|| reader.executed().to_vec());
            }
            state = self.wait_for(state, wait);
        }
        if way == Way::Up {
            state.held.remove(&id);
        }
        state.judge(id, way, reader, size)
    }

    fn is_cut(&self, id: u64) -> bool {
        self.lock().connections.get(&id).is_none_or(|connection| connection.fate == Fate::Cut)
    }
}
