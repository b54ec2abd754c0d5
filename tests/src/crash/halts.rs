//! Where halted processes say so.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// How long a process may take to come to its point: it may have to wait for a lease's end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process did not come to its point: it was too slow for its own limits, or something else of it was in the way.
#[derive(Debug, thiserror::Error)]
#[error("the point is not reached: not {0}")]
pub(super) struct NotReached(pub(super) &'static str);

/// A socket that a process says so on.
pub(super) struct Halts(UnixListener);

/// A process that waits for a word.
pub(super) struct Halted {
    stream: BufReader<UnixStream>,
}

impl Halts {
    /// From now on processes halt.
    pub(super) fn listen(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(UnixListener::bind(path)?))
    }

    /// Waits until a process says this line, or that it is about to.
    pub(super) async fn next(&self) -> anyhow::Result<(String, Halted)> {
        let (stream, _) =
            timeout(PATIENCE, self.0.accept()).await.map_err(|_| NotReached("a process has halted"))??;
        let (mut stream, mut line) = (BufReader::new(stream), String::new());
        stream.read_line(&mut line).await?;
        Ok((line.trim_end().to_owned(), Halted { stream }))
    }

    /// Holds that nobody has said anything.
    pub(super) async fn none(&self) -> anyhow::Result<()> {
        let came = timeout(Duration::ZERO, self.0.accept()).await;
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
