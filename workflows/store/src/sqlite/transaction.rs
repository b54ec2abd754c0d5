//! A transaction, as the connection that writes is asked to run it.
//!
//! The connection lives in a thread of its own: what is handed over to it and back costs more than most statements do.
//! So statements go there together, as many as need nothing that is decided here; and what begins and ends the
//! transaction goes along with them. sqlx takes them for one query, and its thread stops at the first that fails.

use futures_util::TryStreamExt;
use saga::store::Error;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor, Sqlite, SqliteConnection};

use super::value;

/// Statements with a place for their arguments.
pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Ends a transaction. Whatever savepoint is left is released by it.
pub(super) const COMMIT: &str = "COMMIT";
/// Ends it as if it had not been.
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// What a statement did.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// The rows that it returned.
    pub(super) rows: Vec<SqliteRow>,
    /// How many it wrote, if it is one that writes.
    pub(super) written: u64,
}

/// A transaction under way, or about to begin.
pub(super) struct Transaction<'c> {
    db: &'c mut SqliteConnection,
    /// What goes ahead of the next statement.
    ahead: Vec<&'static str>,
    /// Whether the write that is applied is the last one.
    last: bool,
    /// How it ended.
    ended: Option<Result<(), Error>>,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(db: &'c mut SqliteConnection) -> Self {
        Self { db, ahead: Vec::new(), last: false, ended: None }
    }

    /// Has this run ahead of whatever comes next.
    pub(super) fn ahead(&mut self, statement: &'static str) {
        self.ahead.push(statement);
    }

    /// Whether the write that comes is the last one: the transaction then ends as soon as it [finishes](Self::finish).
    pub(super) fn last(&mut self, last: bool) {
        self.last = last;
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<Result<(), Error>> {
        self.ended.take()
    }

    /// Ends it.
    pub(super) async fn end(mut self, how: &'static str) -> Result<(), Error> {
        self.send(&[], Some(how), |query| query).await.map(drop)
    }

    /// The connection, for statements that go one by one.
    pub(super) async fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.run(&[], |query| query).await?;
        Ok(&mut *self.db)
    }

    /// Runs statements, and returns what each did. They share their arguments: `$1` is the first one in all of them.
    ///
    /// `?1` would not do: where a statement leaves numbers out, sqlx takes each of them for one more argument.
    pub(super) async fn run(
        &mut self,
        statements: &[&'static str],
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Vec<Ran>, Error> {
        self.send(statements, None, bind).await
    }

    /// The same for the last statements of a write: a transaction that has no other ends with them.
    pub(super) async fn finish(
        &mut self,
        statements: &[&'static str],
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Vec<Ran>, Error> {
        let end = self.last.then_some(COMMIT);
        self.send(statements, end, bind).await
    }

    async fn send(
        &mut self,
        statements: &[&'static str],
        end: Option<&'static str>,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Vec<Ran>, Error> {
        let ahead = std::mem::take(&mut self.ahead);
        let (before, own) = (ahead.len(), statements.len());
        let all: Vec<_> = ahead.into_iter().chain(statements.iter().copied()).chain(end).collect();
        if all.is_empty() {
            return Ok(Vec::new());
        }
        if self.ended.is_some() {
            return Err(Error::Unreadable("the transaction has ended".into()));
        }
        // All of it is constant text.
        let query = bind(sqlx::query(AssertSqlSafe(all.join(";"))));
        let mut ran = Vec::with_capacity(all.len());
        let Err(error) = fetch(&mut *self.db, query, all.len(), &mut ran).await else {
            self.ended = end.map(|_| Ok(()));
            return Ok(ran.into_iter().skip(before).take(own).collect());
        };
        let committing = end == Some(COMMIT) && ran.len() == before + own;
        // A full disk took no commit; any other commit that fails may have reached the disk.
        let in_doubt = committing && !value::is_full(&error);
        let error = if in_doubt { Error::InDoubt(error.to_string()) } else { value::error(error) };
        // What goes wrong with the write's own statements is the write's affair alone.
        if !(before..before + own).contains(&ran.len()) {
            self.ended = Some(Err(error.clone()));
        }
        Err(error)
    }
}

/// Runs a query of so many statements; what each did is added once it has done it.
async fn fetch(db: &mut SqliteConnection, query: Query, count: usize, ran: &mut Vec<Ran>) -> Result<(), sqlx::Error> {
    let (mut results, mut rows) = (db.fetch_many(query), Vec::new());
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(row) => rows.push(row),
            Either::Left(done) => ran.push(Ran { rows: std::mem::take(&mut rows), written: done.rows_affected() }),
        }
    }
    // The results just end where the connection's thread does.
    if ran.len() == count { Ok(()) } else { Err(sqlx::Error::WorkerCrashed) }
}
