//! A port: who connects is let in, and who is in is seen out.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::super::seams;
use super::connection::{self, Terms};
use super::{Bounds, Room};

/// How long nobody is let in after it could not be done, as where no more files can be open.
const PAUSE: Duration = Duration::from_millis(200);

/// After how long it is said again that nobody can be let in.
const SAID_AGAIN: Duration = Duration::from_mins(1);

/// A port that is served. Dropped, it lets nobody in any more; requests in hand are still answered.
#[derive(Debug)]
pub(in super::super) struct Server {
    accepting: JoinHandle<()>,
    connections: TaskTracker,
    closing: DropGuard,
    cut: CancellationToken,
}

/// What lets clients in.
struct Door {
    router: Router,
    room: Arc<Room>,
    bounds: Bounds,
    connections: TaskTracker,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Server {
    /// Serves whoever connects, while there is room.
    pub(in super::super) fn begin(listener: TcpListener, router: Router, room: &Arc<Room>) -> Self {
        let (connections, closing, cut) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        let door = Door {
            router,
            room: Arc::clone(room),
            bounds: seams::bounds(),
            connections: connections.clone(),
            closing: closing.clone(),
            cut: cut.clone(),
        };
        let accepting = tokio::spawn(door.accept(listener));
        Self { accepting, connections, closing: closing.drop_guard(), cut }
    }

    /// Is over if it crashes, and never otherwise.
    pub(super) async fn ended(&mut self) -> Result<(), JoinError> {
        (&mut self.accepting).await
    }

    /// Lets nobody in any more, and waits until every request in hand is answered. What takes longer is cut off; whether
    /// there was none.
    pub(super) async fn close(self, patience: Duration) -> bool {
        drop(self.closing);
        if let Err(error) = self.accepting.await {
            warn!(%error, "letting clients in has crashed");
        }
        self.connections.close();
        let finished = timeout(patience, self.connections.wait()).await.is_ok();
        self.cut.cancel();
        finished
    }
}

impl Door {
    /// Lets in whoever connects, one after the other. Where there is no room, they wait with the operating system.
    async fn accept(self, listener: TcpListener) {
        let mut said: Option<Instant> = None;
        while let Some(accepted) = self.closing.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((socket, peer)) => {
                    let Some(place) = self.closing.run_until_cancelled(self.room.place(peer.ip())).await else { break };
                    let Some(place) = place else { continue };
                    let terms = Terms { bounds: self.bounds, place, closing: self.closing.clone() };
                    let answering = connection::answer(at_once(socket), peer, self.router.clone(), terms);
                    self.connections.spawn(self.cut.clone().run_until_cancelled_owned(answering));
                }
                Err(error) if has_left(&error) => debug!(%error, "a client left before it was let in"),
                Err(error) => {
                    if said.is_none_or(|said| said.elapsed() > SAID_AGAIN) {
                        warn!(%error, "nobody can be let in for now");
                        said = Some(Instant::now());
                    }
                    // A connection that is closed is a file that can be opened.
                    self.room.make_room();
                    self.closing.run_until_cancelled(sleep(PAUSE)).await;
                }
            }
        }
    }
}

/// What is written is sent at once: answers are small, and whole.
fn at_once(socket: TcpStream) -> TcpStream {
    if let Err(error) = socket.set_nodelay(true) {
        debug!(%error, "answers over a connection may be late");
    }
    socket
}

/// Whether it is the one connection that failed, and not the port.
fn has_left(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}
