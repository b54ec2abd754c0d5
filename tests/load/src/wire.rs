//! Connections that are open before anything is asked through them.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use tests::{FORWARDED_FOR, somebody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::people::SIGN_UPS;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many are opened at a time.
const AT_ONCE: usize = 64;
/// No head of an answer is longer.
const LONGEST_HEAD: usize = 16 * 1024;

/// A connection, with nothing under way.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    length: usize,
}

/// Opens so many, each of which has been answered once: the server has taken them all.
pub(crate) async fn open(address: &str, count: usize) -> anyhow::Result<Vec<Connection>> {
    iter(0..count).map(|_| Connection::open(address)).buffer_unordered(AT_ONCE).try_collect().await
}

/// Asks whether the process lives.
pub(crate) fn health() -> String {
    "GET /healthz HTTP/1.1\r\nhost: load\r\n\r\n".to_owned()
}

/// Asks for a sign-up, for somebody else each time unless told for whom.
pub(crate) fn sign_up(body: &str, address: Option<&str>) -> String {
    let (address, length) = (address.map_or_else(somebody, str::to_owned), body.len());
    format!(
        "POST {SIGN_UPS} HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n\
         {FORWARDED_FOR}: {address}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Asks for all that becomes of a sign-up.
pub(crate) fn events(id: &str) -> String {
    format!("GET {SIGN_UPS}/{id}/events HTTP/1.1\r\nhost: load\r\naccept: text/event-stream\r\n\r\n")
}

impl Connection {
    async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, read: Vec::new() };
        connection.ask(&health()).await?;
        Ok(connection)
    }

    /// Sends a request, and reads the whole answer: its status.
    pub(crate) async fn ask(&mut self, request: &str) -> anyhow::Result<u16> {
        let asking = async {
            self.stream.write_all(request.as_bytes()).await?;
            let head = self.head().await?;
            while self.read.len() < head.length {
                self.read().await?;
            }
            self.read.drain(..head.length);
            Ok(head.status)
        };
        timeout(PATIENCE, asking).await.context("no answer in time")?
    }

    /// Sends a request whose answer does not end: its status. What follows stays unread.
    pub(crate) async fn listen(&mut self, request: &str) -> anyhow::Result<u16> {
        let asking = async {
            self.stream.write_all(request.as_bytes()).await?;
            Ok(self.head().await?.status)
        };
        let status = timeout(PATIENCE, asking).await.context("no answer in time")?;
        // The memory that is measured is the server's, but it is the same machine's.
        self.read = Vec::new();
        status
    }

    async fn head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = Head::of(&String::from_utf8_lossy(&self.read[..end]));
                self.read.drain(..end + 4);
                return head;
            }
            if self.read.len() > LONGEST_HEAD {
                bail!("an answer without a head");
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("it hung up");
        }
        Ok(())
    }
}

impl Head {
    fn of(text: &str) -> anyhow::Result<Self> {
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let mut headers = text.lines().filter_map(|line| line.split_once(':'));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.map_or(Ok(0), |(_, length)| length.trim().parse())?;
        Ok(Self { status, length })
    }
}
