//! Where halted processes say so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// How long a process may take to come to its point: it may have to wait for a lease's end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process was too slow for its own limits on its way to the point, and somebody else went on.
#[derive(Debug, thiserror::Error)]
#[error("the point is not reached")]
pub(super) struct NotReached;

/// A socket that a process says so on.
pub(super) struct Halts {
    socket: UnixListener,
    path: PathBuf,
}

/// A process that waits for a word.
pub(super) struct Halted {
    stream: BufReader<UnixStream>,
}

impl Halts {
    pub(super) fn listen(path: PathBuf) -> anyhow::Result<Self> {
        Ok(Self { socket: UnixListener::bind(&path)?, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until a process says this line, or that it is about to.
    pub(super) async fn next(&self) -> anyhow::Result<(String, Halted)> {
        let (stream, _) = timeout(PATIENCE, self.socket.accept()).await.map_err(|_| NotReached)??;
        let (mut stream, mut line) = (BufReader::new(stream), String::new());
        stream.read_line(&mut line).await?;
        Ok((line.trim_end().to_owned(), Halted { stream }))
    }

    /// Holds that nobody has said anything.
    pub(super) async fn none(&self) -> anyhow::Result<()> {
        let came = timeout(Duration::ZERO, self.socket.accept()).await;
        ensure!(came.is_err(), "the point is reached, and was said not to be");
        Ok(())
    }
}

impl Halted {
    /// Lets it go on. One that is gone does not.
    pub(super) async fn go(self) {
        self.say("go\n").await;
    }

    /// Lets it go on without the answer.
    pub(super) async fn lose(self) {
        self.say("lose\n").await;
    }

    async fn say(mut self, word: &str) {
        let _ = self.stream.write_all(word.as_bytes()).await;
    }
}

impl Drop for Halts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
