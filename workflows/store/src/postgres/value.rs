//! Values between Rust and PostgreSQL.

use std::time::Duration;

use accounts::{Role, UnknownRole};
use jiff::Timestamp;
use saga::operate::Signature;
use saga::store::Error;
use saga::{SagaId, State};
use signup::EmailAddress;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row, Type};
use uuid::Uuid;

/// A `timestamptz`, to the microsecond.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp(pub(super) Timestamp);

/// See `pg_type.dat` in PostgreSQL's source.
const TIMESTAMPTZ: Oid = Oid(1184);
/// From 1970 to 2000, from where PostgreSQL counts.
const EPOCH: i64 = 946_684_800_000_000;

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl<'r> Decode<'r, Postgres> for Stamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("a timestamp came as text".into());
        }
        let since_2000 = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        let micros = since_2000.checked_add(EPOCH).ok_or("a timestamp beyond time")?;
        Ok(Self(Timestamp::from_microsecond(micros)?))
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // No `Timestamp` is so early that this underflows.
        let since_2000 = self.0.as_microsecond() - EPOCH;
        Encode::<Postgres>::encode_by_ref(&since_2000, buffer)
    }
}

/// A duration in whole milliseconds; one too long to count is as good as for ever.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4096)
}

/// A counter as PostgreSQL stores it.
pub(super) fn stored(count: u64) -> Result<i64, Error> {
    i64::try_from(count).map_err(|_| Error::Unreadable(format!("{count} is more than can be stored")))
}

/// From one moment to a later one.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).try_into().unwrap_or_default()
}

/// A column as its type.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &'static str) -> Result<T, Error>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(column).map_err(|error| Error::Unreadable(error.to_string()))
}

/// A column that counts.
pub(super) fn count<T: TryFrom<i64>>(row: &PgRow, column: &'static str) -> Result<T, Error> {
    T::try_from(get::<i64>(row, column)?).map_err(|_| Error::Unreadable(format!("column {column} is out of range")))
}

pub(super) fn saga_id(row: &PgRow, column: &'static str) -> Result<SagaId, Error> {
    Ok(SagaId::from_uuid(get::<Uuid>(row, column)?))
}

pub(super) fn time(row: &PgRow, column: &'static str) -> Result<Timestamp, Error> {
    Ok(get::<Stamp>(row, column)?.0)
}

pub(super) fn time_if_any(row: &PgRow, column: &'static str) -> Result<Option<Timestamp>, Error> {
    Ok(get::<Option<Stamp>>(row, column)?.map(|stamp| stamp.0))
}

/// The state in the columns `state`, `step` and `code`.
pub(super) fn state(row: &PgRow) -> Result<State, Error> {
    let word: String = get(row, "state")?;
    State::parse(&word, get(row, "step")?, get(row, "code")?)
        .ok_or_else(|| Error::Unreadable(format!("no state is called {word:?} with this step and code")))
}

/// Who an event is signed by, and why.
pub(super) fn signature(row: &PgRow) -> Result<Option<Signature>, Error> {
    let signed = get::<Option<String>>(row, "operator")?.zip(get(row, "reason")?);
    Ok(signed.map(|(operator, reason)| Signature { operator, reason }))
}

/// The address in the columns `email` and `email_key`.
pub(super) fn email(row: &PgRow) -> Result<EmailAddress, Error> {
    Ok(EmailAddress::from_stored(get(row, "email")?, get(row, "email_key")?))
}

/// The role in the column `role`.
pub(super) fn role(row: &PgRow) -> Result<Role, Error> {
    get::<String>(row, "role")?.parse().map_err(|error: UnknownRole| Error::Unreadable(error.to_string()))
}
