//! A way to the server that a test can watch and obstruct.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use servers::Postgres as Server;
use store::Postgres;
use store::postgres::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::World;

/// A way to the server on which connections can be stranded: they stay open, and nothing passes any more.
pub(super) struct Way {
    port: u16,
    stranded: watch::Sender<usize>,
    seen: Arc<Seen>,
}

/// What passed.
#[derive(Default)]
struct Seen {
    /// Whether new connections are stranded from the first.
    closed: AtomicBool,
    /// Connections that their client has not closed.
    open: AtomicUsize,
    /// What the clients have said.
    said: Mutex<Vec<u8>>,
}

impl Way {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Self { port, stranded: watch::Sender::new(0), seen: Arc::default() };
        let (stranded, seen) = (way.stranded.clone(), Arc::clone(&way.seen));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (mut strandings, seen) = (stranded.subscribe(), Arc::clone(&seen));
                tokio::spawn(async move {
                    if seen.closed.load(Ordering::Relaxed) {
                        std::future::pending::<()>().await;
                    }
                    let mut server = TcpStream::connect(("127.0.0.1", Server::shared().port())).await.unwrap();
                    tokio::select! {
                        () = seen.pass(&mut client, &mut server) => {}
                        _ = strandings.changed() => std::future::pending::<()>().await,
                    }
                });
            }
        });
        way
    }

    /// Strands all connections that there are. New ones pass.
    pub(super) fn strand(&self) {
        self.stranded.send_modify(|times| *times += 1);
    }

    /// Strands new connections from the first, or lets them pass.
    pub(super) fn close(&self, closed: bool) {
        self.seen.closed.store(closed, Ordering::Relaxed);
    }

    /// How many connections pass.
    pub(super) fn connections(&self) -> usize {
        self.seen.open.load(Ordering::Relaxed)
    }

    /// How often clients have said this kind of message, which has no content, since they were last asked for.
    pub(super) fn said(&self, kind: u8) -> usize {
        let said = std::mem::take(&mut *self.seen.said.lock().unwrap());
        said.windows(5).filter(|message| *message == [kind, 0, 0, 0, 4]).count()
    }

    /// The URL of one of the server's databases, on this way.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) async fn store(&self, w: &World, connections: u32) -> Postgres {
        let url = self.url(&w.database()) + "?options=-csearch_path%3Dmanual,pg_catalog,public";
        Database::new(&url, connections).unwrap().open().await.unwrap()
    }
}

impl Seen {
    /// Passes on what either side says, until one has nothing to say any more.
    async fn pass(&self, client: &mut TcpStream, server: &mut TcpStream) {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.split(), server.split());
        self.open.fetch_add(1, Ordering::Relaxed);
        let asking = async {
            let mut part = vec![0; 8192];
            while let Ok(length @ 1..) = from_client.read(&mut part).await {
                self.said.lock().unwrap().extend(&part[..length]);
                if to_server.write_all(&part[..length]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = asking => {}
            _ = copy(&mut from_server, &mut to_client) => {}
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
