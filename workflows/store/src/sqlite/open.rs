//! Opening the database file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use saga::Clock;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::Sqlite;
use super::schema;
use super::writer::Writer;

/// Connections that read.
const READERS: u32 = 4;
/// Queries that a connection keeps prepared. Those of the hot writes come with and without what begins and ends a
/// transaction.
const PREPARED: usize = 200;
/// How long a connection waits for another process that holds the file, such as a backup.
const BUSY: Duration = Duration::from_secs(4);

/// Why a database file does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a newer program, and this one does not work with what that has made of it.
    #[error(
        "it has schema {found}, which needs a program that knows schema {needs}, and this one knows {known}: \
         run the newer program"
    )]
    TooNew {
        /// Its schema's number.
        found: i64,
        /// The newest that this program knows.
        known: i64,
        /// The newest that a program must know at least.
        needs: i64,
    },
    /// It lacks migrations that this program needs.
    #[error("it has schema {found}, this program needs {known}: start `signup serve`, which brings it up to date")]
    Behind {
        /// Its schema's number, 0 for none.
        found: i64,
        /// The one that this program needs.
        known: i64,
    },
    /// A migration that it has is not the one that this program has under the same number.
    #[error("its schema {0} is not this program's: it was written by another build")]
    Foreign(i64),
    /// It is no database, or is damaged.
    #[error("it is not an SQLite database, or is damaged: restore it from a backup, or move it away")]
    Broken,
    /// It cannot be opened, read or written.
    #[error("{0}")]
    Io(String),
}

impl Sqlite {
    /// Opens a database file, makes it if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file.
    pub async fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = options(file).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(open_error)?;
        schema::bring_up_to_date(&mut connection).await?;
        Self::over(connection, options, clock).await
    }

    /// Opens a database file that is there and up to date, beside the process that it belongs to.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file.
    pub async fn visit(file: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = options(file);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(open_error)?;
        schema::check(&mut connection).await?;
        Self::over(connection, options, clock).await
    }

    async fn over(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(open_error)?;
        let writer = Writer::start(connection, Arc::clone(&clock));
        Ok(Self { writer, readers, clock })
    }

    /// Writes what is queued, and closes the file.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // A 202 is a promise: it must survive the loss of power.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "on")
        .busy_timeout(BUSY)
        .statement_cache_capacity(PREPARED)
        .disable_statement_logging()
}

pub(super) fn open_error(error: sqlx::Error) -> OpenError {
    match super::value::error(error) {
        saga::store::Error::Unreadable(_) => OpenError::Broken,
        other => OpenError::Io(other.to_string()),
    }
}
