//! Sessions: whom they stand for, and their ends. How they begin and are refreshed is in files of their own.

use accounts::{Generation, Holder, LONGEST, NewSession, Refreshed, Session, SessionId, Sessions};
use async_trait::async_trait;
use saga::store::Error;
use signup::{OrganizationId, UserId};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::begin;
use super::refresh;
use super::value::{email, get, millis, role, stored, time};

pub(super) const SQL: &[(&str, &str)] = &[
    ("sessions.holder", HOLDER),
    ("sessions.list", LIST),
    ("sessions.revoke", REVOKE),
    ("sessions.revoke_all", REVOKE_ALL),
    ("sessions.sweep", SWEEP),
];

/// Of a session `s` and its user `u`: nobody has ended it, and they may sign in.
macro_rules! unrevoked {
    () => {
        "s.revoked_at IS NULL AND s.epoch = u.session_epoch AND u.status = 'active' AND u.disabled_at IS NULL"
    };
}

pub(super) use unrevoked;

const HOLDER: &str = concat!(
    "
SELECT s.id, s.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.id = $1 AND s.expires_at > now() AND ",
    unrevoked!()
);

const LIST: &str = concat!(
    "
SELECT s.id, s.user_id, s.device, s.address_class, s.began_at, s.issued_at, s.expires_at
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.user_id = $1 AND s.expires_at > now() AND ",
    unrevoked!(),
    " ORDER BY s.issued_at DESC, s.id DESC LIMIT $2"
);

const REVOKE: &str = concat!(
    "
UPDATE sessions AS s SET revoked_at = now() FROM users u
 WHERE s.id = $1 AND s.user_id = $2 AND u.id = s.user_id AND s.expires_at > now() AND ",
    unrevoked!()
);

const REVOKE_ALL: &str = "UPDATE users SET session_epoch = session_epoch + 1 WHERE id = $1";

/// Those that another process sweeps are left to it.
const SWEEP: &str = "
WITH o AS (
    SELECT id FROM sessions WHERE began_at <= now() - $1 * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM sessions s USING o WHERE s.id = o.id";

/// How many of a user's sessions are told.
const LISTED: i64 = 100;
/// How many sessions one statement sweeps.
const ROUND: u64 = 1000;

#[async_trait]
impl Sessions for Postgres {
    async fn begin(&self, session: &NewSession) -> Result<Option<Holder>, Error> {
        begin::begin(&self.front, session).await
    }

    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error> {
        refresh::refresh(&self.front, session, presented).await
    }

    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error> {
        let row = self.front.fetch_optional(sqlx::query(HOLDER).bind(session.uuid())).await?;
        row.map(|row| holder(&row)).transpose()
    }

    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error> {
        let rows = self.front.fetch(sqlx::query(LIST).bind(user.0).bind(LISTED)).await?;
        rows.iter().map(session).collect()
    }

    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error> {
        let statement = sqlx::query(REVOKE).bind(session.uuid()).bind(user.0);
        Ok(self.front.execute(statement).await? > 0)
    }

    async fn revoke_all(&self, user: UserId) -> Result<(), Error> {
        self.front.execute(sqlx::query(REVOKE_ALL).bind(user.0)).await.map(drop)
    }

    async fn sweep(&self) -> Result<u64, Error> {
        let mut swept = 0;
        loop {
            let statement = sqlx::query(SWEEP).bind(millis(LONGEST.unsigned_abs())).bind(stored(ROUND)?);
            let round = self.back.execute(statement).await?;
            swept += round;
            if round < ROUND {
                return Ok(swept);
            }
        }
    }
}

pub(super) fn holder(row: &PgRow) -> Result<Holder, Error> {
    Ok(Holder {
        session: SessionId::from_uuid(get(row, "id")?),
        user: UserId(get(row, "user_id")?),
        email: email(row)?,
        organization: OrganizationId(get(row, "organization_id")?),
        role: role(row)?,
    })
}

fn session(row: &PgRow) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId::from_uuid(get(row, "id")?),
        user: UserId(get(row, "user_id")?),
        device: get(row, "device")?,
        address_class: get(row, "address_class")?,
        began_at: time(row, "began_at")?,
        used_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// The error of a statement that only reads, of a call that has written nothing: no answer puts nothing in doubt.
pub(super) fn wrote_nothing(error: Error) -> Error {
    match error {
        Error::InDoubt(what) => Error::Unavailable(what),
        other @ (Error::Unavailable(_) | Error::Rejected(_) | Error::Unreadable(_)) => other,
    }
}
