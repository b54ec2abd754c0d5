//! A client that is a socket: one that speaks as badly as it likes.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, timeout};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A connection.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn to(url: &str) -> Self {
        Self::from(Ipv4Addr::LOCALHOST, url).await
    }

    /// From this address, each of which this machine has that begins with 127.
    pub(crate) async fn from(address: Ipv4Addr, url: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        // Little room for what is not read.
        socket.set_recv_buffer_size(4096).unwrap();
        let server: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self(timeout(PATIENCE, socket.connect(server)).await.unwrap().unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.0.write_all(text.as_bytes()).await
    }

    /// Asks for a page, with these lines in the head.
    pub(crate) async fn request(&mut self, path: &str, lines: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: here\r\n{lines}\r\n")).await.unwrap();
    }

    /// Asks for a page: the status of the answer; none if there is none.
    pub(crate) async fn get(&mut self, path: &str) -> Option<u16> {
        self.request(path, "").await;
        self.answer().await
    }

    /// The status of an answer, which is read to its end; none if there is none.
    pub(crate) async fn answer(&mut self) -> Option<u16> {
        timeout(PATIENCE, self.read_answer()).await.unwrap()
    }

    async fn read_answer(&mut self) -> Option<u16> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.ok()?;
        head.split(' ').nth(1)?.parse().ok()
    }

    /// Waits until the other side closes it, and reads what comes before that: how much.
    pub(crate) async fn closed(&mut self) -> usize {
        let read = async {
            let (mut bytes, mut all) = ([0; 4096], 0);
            while let Ok(read @ 1..) = self.0.read(&mut bytes).await {
                all += read;
            }
            all
        };
        timeout(PATIENCE, read).await.unwrap()
    }
}
