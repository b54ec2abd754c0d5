//! What a Redis server can be told.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use super::Redis;
use crate::resp::Reply;

impl Redis {
    /// Runs a command.
    ///
    /// # Errors
    /// If Redis answers with an error, or not at all within 30 s.
    pub fn command(&self, words: &[&str]) -> anyhow::Result<Reply> {
        self.connect()?.ask(words).with_context(|| format!("command {}", words.first().unwrap_or(&"")))
    }

    /// A section of `INFO`.
    ///
    /// # Errors
    /// As of [`Redis::command`].
    pub fn info(&self, section: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let reply = self.command(&["INFO", section])?;
        let lines = reply.text().context("no text")?.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// As of [`Redis::command`].
    pub fn keys(&self) -> anyhow::Result<u64> {
        Ok(u64::try_from(self.command(&["DBSIZE"])?.number().context("no number")?)?)
    }

    /// Forgets everything, connections excepted.
    ///
    /// # Errors
    /// As of [`Redis::command`].
    pub fn flush(&self) -> anyhow::Result<()> {
        self.command(&["FLUSHALL"]).map(drop)
    }

    /// Keeps it busy for so long, from now on: what it is asked meanwhile it answers afterwards. Does not wait.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn stall(&self, how_long: Duration) -> anyhow::Result<()> {
        self.connect()?.tell(&["DEBUG", "SLEEP", &how_long.as_secs_f64().to_string()])
    }

    /// Saves all that it holds and loads it again, as at a start, in so much time: whoever asks meanwhile is told that it
    /// is loading. Does not wait.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn load_slowly(&self, how_long: Duration) -> anyhow::Result<()> {
        const KEYS: u32 = 1_000;
        let fill =
            format!("for i = 1, {KEYS} do redis.call('SET', 'ballast' .. i, string.rep('x', 100), 'PX', 60000) end");
        self.command(&["EVAL", &fill, "0"])?;
        let each = (how_long / KEYS).as_micros().to_string();
        // It looks who asks after each so many bytes.
        let slow = [("loading-process-events-interval-bytes", "1024"), ("key-load-delay", &*each)];
        for (name, value) in slow {
            self.command(&["CONFIG", "SET", name, value])?;
        }
        self.connect()?.tell(&["DEBUG", "RELOAD"])
    }

    /// Makes it the replica of a server that is not there: it answers reads with what it has, and refuses writes with
    /// `READONLY`.
    ///
    /// # Errors
    /// As of [`Redis::command`].
    pub fn read_only(&self) -> anyhow::Result<()> {
        // Nobody listens on the port for multiplexers.
        self.command(&["REPLICAOF", "127.0.0.1", "1"]).map(drop)
    }

    /// Undoes [`Redis::read_only`].
    ///
    /// # Errors
    /// As of [`Redis::command`].
    pub fn writable(&self) -> anyhow::Result<()> {
        self.command(&["REPLICAOF", "NO", "ONE"]).map(drop)
    }
}
