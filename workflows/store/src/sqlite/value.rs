//! Values between Rust and SQLite, and its errors.

use std::time::Duration;

use accounts::{Role, UnknownRole};
use jiff::Timestamp;
use saga::operate::Signature;
use saga::store::Error;
use saga::{Clock, SagaId, State};
use signup::EmailAddress;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

/// Milliseconds since 1970, UTC.
pub(super) type Millis = i64;

pub(super) fn now(clock: &dyn Clock) -> Millis {
    clock.now().as_millisecond()
}

/// A duration in whole milliseconds; one too long to count is as good as for ever.
pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

pub(super) fn timestamp(millis: Millis) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|error| Error::Unreadable(error.to_string()))
}

/// From one moment to a later one.
pub(super) fn between(earlier: Millis, later: Millis) -> Duration {
    Duration::from_millis(u64::try_from(later.saturating_sub(earlier)).unwrap_or(0))
}

/// A column as its type.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, Error>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| Error::Unreadable(error.to_string()))
}

/// A column that counts.
pub(super) fn count<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    T::try_from(get::<i64>(row, column)?).map_err(|_| Error::Unreadable(format!("column {column} is out of range")))
}

pub(super) fn saga_id(row: &SqliteRow, column: &'static str) -> Result<SagaId, Error> {
    Ok(SagaId::from_uuid(get::<Uuid>(row, column)?))
}

/// The state in the columns `state`, `step` and `code`.
pub(super) fn state(row: &SqliteRow) -> Result<State, Error> {
    let word: String = get(row, "state")?;
    State::parse(&word, get(row, "step")?, get(row, "code")?)
        .ok_or_else(|| Error::Unreadable(format!("no state is called {word:?} with this step and code")))
}

/// Who signed, in the columns `operator` and `reason`.
pub(super) fn signature(row: &SqliteRow) -> Result<Option<Signature>, Error> {
    let signed = get::<Option<String>>(row, "operator")?.zip(get(row, "reason")?);
    Ok(signed.map(|(operator, reason)| Signature { operator, reason }))
}

/// The address in the columns `email` and `email_key`.
pub(super) fn email(row: &SqliteRow) -> Result<EmailAddress, Error> {
    Ok(EmailAddress::from_stored(get(row, "email")?, get(row, "email_key")?))
}

/// The role in the column `role`.
pub(super) fn role(row: &SqliteRow) -> Result<Role, Error> {
    get::<String>(row, "role")?.parse().map_err(|error: UnknownRole| Error::Unreadable(error.to_string()))
}

/// A counter as SQLite stores it.
pub(super) fn stored(count: u64) -> Result<i64, Error> {
    i64::try_from(count).map_err(|_| Error::Unreadable(format!("{count} is more than can be stored")))
}

/// SQLite's primary result codes, see its documentation.
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CONSTRAINT: i32 = 19;
const NOT_A_DATABASE: i32 = 26;

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error().and_then(|db| db.code()?.parse::<i32>().ok()).map(|code| code & 0xff)
}

/// Whether the disk is full, or the file as large as it may be.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    code(error) == Some(FULL)
}

/// What an error means for the caller, by SQLite's primary result code.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn error(error: sqlx::Error) -> Error {
    match code(&error) {
        Some(CONSTRAINT) => Error::Rejected(error.to_string()),
        Some(CORRUPT | NOT_A_DATABASE) => Error::Unreadable(error.to_string()),
        // Busy, full, read-only, an I/O error, or no answer from SQLite at all.
        Some(_) | None => Error::Unavailable(error.to_string()),
    }
}
