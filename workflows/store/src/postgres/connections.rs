//! Connections, and calls over them that end in time.
//!
//! Every call is one statement, which commits by itself: no transaction is ever open while something else is waited
//! for. A call is bounded; the connection of one that ran out of time is dropped, never given to the next caller. So is
//! the way back of a connection, also of one whose caller went away before the answer came.

use std::time::Duration;

use saga::store::Error;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::{Failure, failure};

/// How long a statement may take; the server gives it up at the same time.
pub(super) const STATEMENT: Duration = Duration::from_secs(4);
/// A connection that nobody uses for so long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// A connection that was idle for so long is tried before it is used: the server may have gone away meanwhile.
const STALE: Duration = Duration::from_secs(1);
/// How long that may take. It leaves time to open another.
const TRY: Duration = Duration::from_millis(300);
/// How long a connection may take to be fit for the next caller: an answer may be on its way that nobody waits for.
const RETURN: Duration = Duration::from_secs(2);

/// How many connections there may be, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) connections: u32,
    pub(super) acquire: Duration,
}

/// A query as sqlx has it, with its arguments.
pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// Connections for one kind of use.
#[derive(Debug, Clone)]
pub(super) struct Connections(PgPool);

impl Connections {
    /// None is opened before it is needed.
    pub(super) fn new(options: PgConnectOptions, bounds: Bounds) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(bounds.connections)
            .acquire_timeout(bounds.acquire)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for >= STALE {
                        let silent = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
                        timeout(TRY, connection.ping()).await.map_err(silent)??;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Self(pool)
    }

    /// Runs a statement and takes all its rows.
    pub(super) async fn fetch(&self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        self.try_fetch(statement).await.map_err(Error::from)
    }

    /// Runs a statement that gives one row at most.
    pub(super) async fn fetch_optional(&self, statement: Statement) -> Result<Option<PgRow>, Error> {
        Ok(self.fetch(statement).await?.pop())
    }

    /// Runs a statement and tells how many rows it changed.
    pub(super) async fn execute(&self, statement: Statement) -> Result<u64, Error> {
        let run = async |connection: &mut PgConnection| statement.execute(connection).await;
        Ok(self.call(run).await?.rows_affected())
    }

    /// As [`Connections::fetch`], with the failure as a batch wants to know it.
    pub(super) async fn try_fetch(&self, statement: Statement) -> Result<Vec<PgRow>, Failure> {
        self.call(async |connection: &mut PgConnection| statement.fetch_all(connection).await).await
    }

    async fn call<T>(&self, run: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>) -> Result<T, Failure> {
        let connection = self.0.acquire().await.map_err(|error| Failure::Unavailable(error.to_string()))?;
        let mut lent = Lent { connection, broken: false };
        let answer = timeout(STATEMENT, run(&mut lent.connection)).await;
        let failed = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failure(error),
            Err(_) => Failure::InDoubt("no answer in time".into()),
        };
        lent.broken = !failed.leaves_the_connection_usable();
        Err(failed)
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }

    #[cfg(feature = "testing")]
    pub(super) fn pool(&self) -> &PgPool {
        &self.0
    }
}

/// A connection on loan, which goes back in time or not at all.
///
/// The pool's own way back waits without end for what the server still has to say, and keeps the connection's place
/// meanwhile: a server that falls silent would take all places one by one.
struct Lent {
    connection: PoolConnection<Postgres>,
    broken: bool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let returning = self.connection.return_to_pool();
        // Not polled to its end, it drops the connection, without the polite close that waits for the same server.
        if let (false, Ok(runtime)) = (self.broken, Handle::try_current()) {
            runtime.spawn(timeout(RETURN, returning));
        }
    }
}
