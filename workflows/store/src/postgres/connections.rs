//! Connections, and calls over them that end in time.
//!
//! Every call is one statement, which commits by itself: no transaction is ever open while something else is waited
//! for. A call is bounded; the connection of one that ran out of time is dropped, never given to the next caller. So is
//! the way back of a connection, also of one whose caller went away before the answer came.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::managed::PoolError;
use metrics::{counter, histogram};
use saga::Random;
use saga::store::Error;
use scopeguard::ScopeGuard;
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::error::{Failure, failure};
use super::pool::{Kept, Lent, Pool, Source, close_those, pool, tidy};
use super::servers::Servers;

/// How long a statement may take; the server gives it up at the same time.
pub(super) const STATEMENT: Duration = Duration::from_secs(4);
/// How long a connection may take to be fit for the next caller: an answer may be on its way that nobody waits for.
const RETURN: Duration = Duration::from_secs(2);
/// How long the last calls are waited for.
const CLOSE: Duration = Duration::from_secs(5);
/// Between two looks at whether they have ended.
const LOOK: Duration = Duration::from_millis(10);

/// How many connections there may be, and how long one is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) connections: u32,
    pub(super) acquire: Duration,
}

/// A query as sqlx has it, with its arguments.
pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// Connections for one kind of use.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    acquire: Duration,
    closing: Arc<AtomicBool>,
    /// Ends with the last of those who share it.
    _tidying: Arc<JoinSet<()>>,
}

impl Connections {
    /// None is opened before one of these users needs it.
    pub(super) fn new(users: &'static str, servers: Servers, bounds: Bounds, random: &Arc<dyn Random>) -> Self {
        let pool = pool(Source::new(users, servers, bounds.acquire, Arc::clone(random)), bounds.connections);
        let mut tidying = JoinSet::new();
        tidying.spawn(tidy(pool.weak()));
        Self { pool, acquire: bounds.acquire, closing: Arc::default(), _tidying: Arc::new(tidying) }
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
        let mut lent = scopeguard::guard(self.lend().await?, return_once_quiet);
        let answer = timeout(STATEMENT, run(&mut lent.connection)).await;
        let failed = match answer {
            Ok(Ok(answer)) => {
                ScopeGuard::into_inner(lent).is_well();
                return Ok(answer);
            }
            Ok(Err(error)) => failure(error),
            Err(_) => Failure::InDoubt("no answer in time".into()),
        };
        counter!("signup_database_failures_total", "users" => self.pool.manager().users, "kind" => failed.word())
            .increment(1);
        if !failed.leaves_the_connection_usable() {
            drop(Kept::detach(ScopeGuard::into_inner(lent)));
        }
        if failed.ends_all_connections() {
            self.pool.manager().condemn_all();
        }
        Err(failed)
    }

    /// A connection, which goes back when it is dropped, in whatever state it is then.
    pub(super) async fn lend(&self) -> Result<Lent, Failure> {
        if self.closing.load(Ordering::Relaxed) {
            return Err(Failure::Unavailable("the store is closed".into()));
        }
        let begun = Instant::now();
        let lent = timeout(self.acquire, self.pool.get()).await;
        histogram!("signup_database_wait_duration_seconds", "users" => self.pool.manager().users)
            .record(begun.elapsed());
        let lent = lent.map_err(|_| Failure::Unavailable("no connection in time".into()))?;
        lent.map_err(|error| match error {
            PoolError::Backend(error) => Failure::Unavailable(error.to_string()),
            other => Failure::Unavailable(other.to_string()),
        })
    }

    /// Lends no more, and closes all once their statements have ended.
    pub(super) async fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let closing = async {
            loop {
                close_those(&self.pool, |_| true).await;
                if self.pool.status().size == 0 {
                    break;
                }
                sleep(LOOK).await;
            }
        };
        let _ = timeout(CLOSE, closing).await;
        self.pool.close();
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections")
    }
}

/// Gives a connection back once the server has nothing more to say to whoever used it last, in time or not at all. It
/// keeps its place meanwhile: there are never more connections than there may be.
fn return_once_quiet(mut lent: Lent) {
    let Ok(runtime) = Handle::try_current() else {
        drop(Kept::detach(lent));
        return;
    };
    runtime.spawn(async move {
        if lent.answers(RETURN).await {
            lent.is_well();
        } else {
            drop(Kept::detach(lent));
        }
    });
}
