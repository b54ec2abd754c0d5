//! A transaction, as the connection that writes is asked to run it.
//!
//! The connection lives in a thread of its own: what is handed over to it and back costs more than most statements do.
//! So statements go there together, as many as need nothing that Rust decides; and what begins and ends the transaction
//! goes along with them.

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
    /// How many it wrote.
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

    /// Runs statements, until one fails. They share their arguments: `$1` is the first one in each of them.
    ///
    /// `?1` would not do: of the numbers that a statement leaves out, sqlx takes each for an argument.
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
        let before = ahead.len();
        let all: Vec<_> = ahead.into_iter().chain(statements.iter().copied()).chain(end).collect();
        if all.is_empty() {
            return Ok(Vec::new());
        }
        // All of it is constant text.
        let query = bind(sqlx::query(AssertSqlSafe(all.join(";"))));
        let mut ran = Vec::with_capacity(all.len());
        match fetch(&mut *self.db, query, &mut ran).await {
            Ok(()) => self.ended = end.map(|_| Ok(())),
            Err(error) if ran.len() < before => self.ended = Some(Err(value::error(error))),
            Err(error) if ran.len() < before + statements.len() => return Err(value::error(error)),
            // A full disk took no commit; any other commit that fails may have reached the disk.
            Err(error) if value::is_full(&error) => self.ended = Some(Err(value::error(error))),
            Err(error) => self.ended = Some(Err(Error::InDoubt(error.to_string()))),
        }
        if let Some(Err(error)) = &self.ended {
            return Err(error.clone());
        }
        Ok(ran.into_iter().skip(before).take(statements.len()).collect())
    }
}

/// Runs a query of several statements; what each did is added once it has done it.
async fn fetch(db: &mut SqliteConnection, query: Query, ran: &mut Vec<Ran>) -> Result<(), sqlx::Error> {
    let (mut results, mut rows) = (db.fetch_many(query), Vec::new());
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(row) => rows.push(row),
            Either::Left(done) => ran.push(Ran { rows: std::mem::take(&mut rows), written: done.rows_affected() }),
        }
    }
    Ok(())
}
