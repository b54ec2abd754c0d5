//! The one connection that writes.
//!
//! Whatever queued while the last transaction was in flight goes into the next one: under load, one sync of the disk
//! serves many writes, and a single write waits for nothing. Each of several has a savepoint of its own, so that one
//! that fails leaves the others alone. A caller that goes away does not stop its write.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metrics::histogram;
use saga::Clock;
use saga::store::Error;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::transaction::{COMMIT, ROLLBACK, Transaction};
use super::value::{self, Millis};

/// Writes that may wait; more callers wait to be let in.
const QUEUE: usize = 1024;
/// Writes in one transaction.
const BATCH: usize = 128;
/// How long a write may wait to be let in. One that is not let in is not written.
const ENTRY: Duration = Duration::from_secs(4);
/// Between two times at which what was deleted is taken out of the write-ahead log too. Workers look for work each
/// second, so there is always a write after which to do it.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// Has commits synced to the disk. It takes effect when it is prepared, which SQLite does anew for each run
/// (`sqlite3VdbeRunOnlyOnce`), also where it is kept prepared.
const SYNCED: &str = "PRAGMA synchronous = FULL";
/// Has them not.
const UNSYNCED: &str = "PRAGMA synchronous = NORMAL";

/// Whoever else holds the file is not waited for.
const IMPATIENT: &str = "PRAGMA busy_timeout = 0";
/// They are waited for again, as long as when the file was opened.
const PATIENT: &str = "PRAGMA busy_timeout = 4000";

const BEGIN: &str = "BEGIN IMMEDIATE";
/// One of several writes begins, ends well, or is undone.
const SAVEPOINT: &str = "SAVEPOINT member";
const RELEASE: &str = "RELEASE member";
const UNDO: &str = "ROLLBACK TO member";

/// One write: its statements are all carried out, or none.
#[async_trait]
pub(super) trait Write: Send + Sync + 'static {
    /// What the caller is told.
    type Output: Send + Sync + 'static;

    /// Whether it must survive the loss of power once the caller is told.
    const LASTS: bool = true;

    /// Runs the statements, within this transaction, at this time.
    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Self::Output, Error>;
}

/// A handle to the connection that writes.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Item>,
}

enum Item {
    Write(Box<dyn Member>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, clock: Arc<dyn Clock>) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        tokio::spawn(run(connection, clock, items));
        Self { queue }
    }

    pub(super) async fn write<W: Write>(&self, write: W) -> Result<W::Output, Error> {
        let (reply, answer) = oneshot::channel();
        let member = Box::new(Pending { write, queued: Instant::now(), result: None, reply });
        self.queue.send_timeout(Item::Write(member), ENTRY).await.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => Error::Unavailable("too many writes are waiting".into()),
            SendTimeoutError::Closed(_) => Error::Unavailable("the database is closed".into()),
        })?;
        answer.await.map_err(|_| Error::InDoubt("the database was closed".into()))?
    }

    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Item::Close(reply)).await.is_ok() {
            // An error means that it is closed already.
            let _ = closed.await;
        }
    }
}

async fn run(mut db: SqliteConnection, clock: Arc<dyn Clock>, mut items: mpsc::Receiver<Item>) {
    let mut waiting = Vec::with_capacity(BATCH);
    let (mut closing, mut checkpointed, mut synced) = (None, Instant::now(), None);
    while closing.is_none() && items.recv_many(&mut waiting, BATCH).await > 0 {
        // Many often come at once: without this the first would go alone, and the others wait for it.
        tokio::task::yield_now().await;
        while waiting.len() < BATCH
            && let Ok(more) = items.try_recv()
        {
            waiting.push(more);
        }
        let mut batch = Vec::with_capacity(waiting.len());
        for item in waiting.drain(..) {
            match item {
                Item::Write(member) => batch.push(member),
                Item::Close(reply) => closing = Some(reply),
            }
        }
        // The next transaction that is to last is synced together with all before it.
        let lasts = batch.iter().any(|member| member.lasts());
        let sync = (synced != Some(lasts)).then_some(if lasts { SYNCED } else { UNSYNCED });
        let committed = write(&mut db, &mut batch, sync, value::now(&*clock)).await;
        synced = committed.is_ok().then_some(lasts);
        if let Err(error) = &committed {
            warn!(%error, writes = batch.len(), "transaction failed");
            // Whether there still is a transaction depends on the error.
            let _ = db.execute(ROLLBACK).await;
        }
        for member in batch {
            member.answer(committed.clone());
        }
        if checkpointed.elapsed() >= CHECKPOINT {
            checkpoint(&mut db).await;
            checkpointed = Instant::now();
        }
    }
    if let Err(error) = db.close().await {
        error!(%error, "database not closed cleanly; nothing is lost");
    }
    if let Some(reply) = closing {
        let _ = reply.send(());
    }
}

/// Moves the write-ahead log into the database and empties it: a password that was wiped, sealed as it was, is then
/// nowhere in the folder.
async fn checkpoint(db: &mut SqliteConnection) {
    // A reader that stays, such as a backup, keeps the log from being emptied. Waiting for it would hold up every
    // write; the next time will do.
    for statement in [IMPATIENT, "PRAGMA wal_checkpoint(TRUNCATE)", PATIENT] {
        if let Err(error) = db.execute(statement).await {
            debug!(%error, "the write-ahead log is not emptied");
        }
    }
}

async fn write(
    db: &mut SqliteConnection,
    batch: &mut [Box<dyn Member>],
    sync: Option<&'static str>,
    now: Millis,
) -> Result<(), Error> {
    if batch.is_empty() {
        return Ok(());
    }
    let (mut transaction, several, mut left) = (Transaction::new(db), batch.len() > 1, batch.len());
    sync.into_iter().chain([BEGIN]).for_each(|statement| transaction.ahead(statement));
    for member in batch {
        if several {
            transaction.ahead(SAVEPOINT);
        }
        left -= 1;
        transaction.last(left == 0);
        let applied = member.apply(&mut transaction, now).await;
        if let Some(ended) = transaction.ended() {
            return ended;
        }
        match (applied, several) {
            (true, false) => {}
            (true, true) => transaction.ahead(RELEASE),
            (false, true) => [UNDO, RELEASE].into_iter().for_each(|statement| transaction.ahead(statement)),
            (false, false) => return transaction.end(ROLLBACK).await,
        }
    }
    transaction.end(COMMIT).await
}

#[async_trait]
trait Member: Send {
    /// [`Write::LASTS`].
    fn lasts(&self) -> bool;

    /// Applies the write; false if it failed and is to be rolled back.
    async fn apply(&mut self, db: &mut Transaction<'_>, now: Millis) -> bool;

    /// Tells the caller, once it is known how the transaction ended.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Pending<W: Write> {
    write: W,
    queued: Instant,
    result: Option<Result<W::Output, Error>>,
    reply: oneshot::Sender<Result<W::Output, Error>>,
}

#[async_trait]
impl<W: Write> Member for Pending<W> {
    fn lasts(&self) -> bool {
        W::LASTS
    }

    async fn apply(&mut self, db: &mut Transaction<'_>, now: Millis) -> bool {
        histogram!("signup_database_wait_duration_seconds", "users" => "all").record(self.queued.elapsed());
        let result = self.write.apply(db, now).await;
        let applied = result.is_ok();
        self.result = Some(result);
        applied
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Error::Unavailable("the write was not begun".into())),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone; what is written stays written.
        let _ = self.reply.send(result);
    }
}
