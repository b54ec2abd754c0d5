//! Redis, as requests use it: it answers in time, or they go on without it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncTypedCommands, Client, RedisError};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long a connection may take, over several requests.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long Redis is left alone that did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A Redis server, as requests use it: it answers in time, or they go on without it.
pub struct Server {
    client: Client,
    line: Mutex<Line>,
    /// Until when it is left alone, where it is away.
    away_until: Mutex<Option<Instant>>,
    /// What is done differently then.
    without: &'static str,
}

/// The connection of the moment. It is let go of when it fails: one to a machine that has vanished would never be
/// answered again.
#[derive(Default)]
struct Line {
    /// Connects when it is first asked.
    connection: Option<ConnectionManager>,
    /// The how-manieth it is.
    number: u64,
    /// Whether it ever was answered. One that is only late in connecting is given time.
    answered: bool,
}

/// Redis is of no use now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(pub(crate) String);

impl Server {
    /// At this URL. It is connected to when it is first asked. `without` is what the log tells that is done while it is
    /// away.
    ///
    /// # Errors
    /// If the URL cannot be read. It may hold a password, so it is not told.
    pub fn open(url: &str, without: &'static str) -> Result<Self, Away> {
        let client = Client::open(url)?;
        Ok(Self { client, line: Mutex::default(), away_until: Mutex::default(), without })
    }

    /// What is remembered under this key, and for how long yet.
    ///
    /// # Errors
    /// If Redis does not tell in time.
    pub async fn recall(&self, key: &str) -> Result<Option<(String, Duration)>, Away> {
        let mut pipeline = redis::pipe();
        pipeline.get(key).pttl(key);
        let (value, left): (Option<String>, i64) =
            self.ask(async |connection| pipeline.query_async(connection).await).await?;
        Ok(value.zip(u64::try_from(left).ok().map(Duration::from_millis)))
    }

    /// Remembers this for so long.
    ///
    /// # Errors
    /// If Redis does not say in time that it does.
    pub async fn remember(&self, key: &str, value: &str, time: Duration) -> Result<(), Away> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.ask(async |connection| connection.pset_ex(key, value, millis).await).await
    }

    /// Asks it, if it is not being left alone.
    pub(crate) async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, Away> {
        if !self.may_ask() {
            return Err(Away("it is left alone for a moment".to_owned()));
        }
        let answer = self.in_time(ask).await;
        match &answer {
            Ok(_) => {
                if self.away_until().take().is_some() {
                    info!("Redis answers again: no longer is it so that {}", self.without);
                }
            }
            Err(error) => {
                if self.away_until().replace(Instant::now() + PAUSE).is_none() {
                    warn!(%error, "while Redis does not answer, {}", self.without);
                }
            }
        }
        answer
    }

    async fn in_time<T>(
        &self,
        ask: impl AsyncFnOnce(&mut ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, Away> {
        let (mut connection, number) = self.connection()?;
        let answer = timeout(PATIENCE, ask(&mut connection)).await;
        let mut line = self.line();
        if line.number == number {
            match &answer {
                Ok(Ok(_)) => line.answered = true,
                Err(_) if !line.answered => {}
                Ok(Err(_)) | Err(_) => line.connection = None,
            }
        }
        match answer {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Away(format!("no answer within {PATIENCE:?}"))),
        }
    }

    fn connection(&self) -> Result<(ConnectionManager, u64), Away> {
        let mut line = self.line();
        if let Some(connection) = &line.connection {
            return Ok((connection.clone(), line.number));
        }
        let settings = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(CONNECTING))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), settings)?;
        *line = Line { connection: Some(connection.clone()), number: line.number + 1, answered: false };
        Ok((connection, line.number))
    }

    /// Whether it is worth asking: where it was away, one asks after a while, and the others go on without.
    fn may_ask(&self) -> bool {
        let (mut away_until, now) = (self.away_until(), Instant::now());
        match &mut *away_until {
            None => true,
            Some(until) if *until <= now => {
                *until = now + PAUSE;
                true
            }
            Some(_) => false,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<RedisError> for Away {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}
