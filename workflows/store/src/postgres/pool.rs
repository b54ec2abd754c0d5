//! Where connections are kept between two calls.
//!
//! One goes back without a word to the server: whoever borrows it knows whether its last call has ended. sqlx's own
//! pool asks the server each time, which doubles the round trips.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, Object, QueueMode, RecycleError, RecycleResult, WeakPool};
use futures_util::future::join_all;
use metrics::gauge;
use saga::{Random, Retry};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::time::{sleep, timeout};

use super::open::OpenError;
use super::servers::Servers;

/// A connection that nobody uses for so long is closed.
const IDLE: Duration = Duration::from_secs(30);
/// How often those are looked for.
const TIDY: Duration = Duration::from_secs(5);
/// A connection that was idle for so long is tried before it is used: the server may have gone away meanwhile.
const STALE: Duration = Duration::from_secs(1);
/// How long that may take. It leaves time to open another.
const TRY: Duration = Duration::from_millis(300);
/// Between two tries to connect where no server is there yet: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(20), Duration::from_millis(200));
/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// Connections, opened when they are needed. The last to go back is the next to be lent: those that are not needed
/// are left alone until they are closed.
pub(super) type Pool = managed::Pool<Source>;

/// A connection on loan. Dropped, it goes back.
pub(super) type Lent = Object<Source>;

#[expect(clippy::expect_used, reason = "refused are timeouts without a runtime alone, and it has none")]
pub(super) fn pool(source: Source, connections: u32) -> Pool {
    let most = usize::try_from(connections).unwrap_or(usize::MAX);
    Pool::builder(source).max_size(most).queue_mode(QueueMode::Lifo).build().expect("a pool")
}

/// Closes what has been idle for too long, and tells how many there are, until the pool is gone.
pub(super) async fn tidy(pool: WeakPool<Source>) {
    loop {
        sleep(TIDY).await;
        let Some(pool) = pool.upgrade() else { return };
        close_those(&pool, |kept| kept.since.elapsed() >= IDLE).await;
        let (status, users) = (pool.status(), pool.manager().users);
        let (idle, most) = (status.available, status.max_size);
        for (state, many) in [("busy", status.size.saturating_sub(idle)), ("idle", idle), ("most", most)] {
            let many = u32::try_from(many).unwrap_or(u32::MAX);
            gauge!("signup_database_connections", "users" => users, "state" => state).set(many);
        }
    }
}

/// Closes those that are not on loan, politely, but waits for no server that is silent.
pub(super) async fn close_those(pool: &Pool, which: impl Fn(&Kept) -> bool) {
    let removed = pool.retain(|kept, _| !which(kept)).removed;
    join_all(removed.into_iter().map(|kept| timeout(GOODBYE, kept.connection.close()))).await;
}

/// A connection, and when it was last known to be well.
pub(super) struct Kept {
    pub(super) connection: PgConnection,
    since: Instant,
}

impl Kept {
    /// To be called before it goes back after a call: it is known to be well.
    pub(super) fn is_well(&mut self) {
        self.since = Instant::now();
    }

    /// Whether the server answers on it, and has nothing left to say, within this time.
    pub(super) async fn answers(&mut self, within: Duration) -> bool {
        matches!(timeout(within, self.connection.ping()).await, Ok(Ok(())))
    }

    /// Takes a connection out of its pool, which may open another.
    pub(super) fn detach(lent: Lent) -> PgConnection {
        Object::take(lent).connection
    }
}

/// Where connections come from.
pub(super) struct Source {
    /// Whose connections they are: what they are counted as.
    pub(super) users: &'static str,
    servers: Servers,
    /// How long it is tried to connect.
    patience: Duration,
    random: Arc<dyn Random>,
    /// Connections that were last used before this are not fit.
    condemned: Mutex<Option<Instant>>,
}

impl Source {
    pub(super) fn new(users: &'static str, servers: Servers, patience: Duration, random: Arc<dyn Random>) -> Self {
        Self { users, servers, patience, random, condemned: Mutex::new(None) }
    }

    /// None of those that are kept now is lent again.
    pub(super) fn condemn_all(&self) {
        self.condemn(Instant::now());
    }

    fn condemn(&self, last_used: Instant) {
        let mut condemned = self.condemned.lock().unwrap_or_else(PoisonError::into_inner);
        *condemned = (*condemned).max(Some(last_used));
    }

    fn condemns(&self, kept: &Kept) -> bool {
        let condemned = self.condemned.lock().unwrap_or_else(PoisonError::into_inner);
        condemned.is_some_and(|last_used| kept.since <= last_used)
    }
}

impl managed::Manager for Source {
    type Type = Kept;
    type Error = OpenError;

    async fn create(&self) -> Result<Kept, OpenError> {
        let (begun, mut failures) = (Instant::now(), 0);
        loop {
            failures += 1;
            let pause = PAUSES.delay(failures, self.random.fraction());
            match self.servers.connect(self.patience).await {
                Ok(connection) => return Ok(Kept { connection, since: Instant::now() }),
                Err(error) if !error.passes() || begun.elapsed() + pause >= self.patience => return Err(error),
                Err(_) => sleep(pause).await,
            }
        }
    }

    /// What breaks an idle connection, such as the end of its server, breaks those that are idle for longer: a caller
    /// tries one and opens another, whatever the number that is kept.
    async fn recycle(&self, kept: &mut Kept, _: &Metrics) -> RecycleResult<OpenError> {
        if self.condemns(kept) {
            return Err(RecycleError::message("condemned"));
        }
        if kept.since.elapsed() >= STALE && !kept.answers(TRY).await {
            self.condemn(kept.since);
            return Err(RecycleError::message("silent"));
        }
        Ok(())
    }
}
