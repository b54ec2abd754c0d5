//! Sessions: whom they stand for, and their ends. How they begin and are refreshed is in files of their own.

use accounts::{Generation, Holder, LONGEST, NewSession, Refreshed, Session, SessionId, Sessions};
use async_trait::async_trait;
use saga::store::Error;
use signup::{OrganizationId, UserId};
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::begin::Begin;
use super::refresh::Refresh;
use super::transaction::Transaction;
use super::value::{self, Millis, email, get, millis, role, stored, timestamp};
use super::writer::Write;

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
 WHERE s.id = $1 AND s.expires_at > $2 AND ",
    unrevoked!()
);

const LIST: &str = concat!(
    "
SELECT s.id, s.user_id, s.device, s.address_class, s.began_at, s.issued_at, s.expires_at
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.user_id = $1 AND s.expires_at > $2 AND ",
    unrevoked!(),
    " ORDER BY s.issued_at DESC, s.id DESC LIMIT $3"
);

const REVOKE: &str = concat!(
    "
UPDATE sessions AS s SET revoked_at = $3 FROM users u
 WHERE s.id = $1 AND s.user_id = $2 AND u.id = s.user_id AND s.expires_at > $3 AND ",
    unrevoked!()
);

const REVOKE_ALL: &str = "UPDATE users SET session_epoch = session_epoch + 1 WHERE id = $1";

const SWEEP: &str = "
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE began_at <= $1 - $2 LIMIT $3)";

/// How many of a user's sessions are told.
const LISTED: i64 = 100;
/// How many sessions one write sweeps: others have their turn between two.
const ROUND: u64 = 1000;

struct Revoke(UserId, SessionId);

#[async_trait]
impl Write for Revoke {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<bool, Error> {
        let Self(user, session) = self;
        let ran = db.finish(&[REVOKE], |query| query.bind(session.uuid()).bind(user.0).bind(now)).await?;
        Ok(ran[0].written > 0)
    }
}

struct RevokeAll(UserId);

#[async_trait]
impl Write for RevokeAll {
    type Output = ();

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<(), Error> {
        db.finish(&[REVOKE_ALL], |query| query.bind(self.0.0)).await.map(drop)
    }
}

struct Sweep;

#[async_trait]
impl Write for Sweep {
    type Output = u64;

    const LASTS: bool = false;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<u64, Error> {
        let (longest, round) = (millis(LONGEST.unsigned_abs()), stored(ROUND)?);
        let ran = db.finish(&[SWEEP], |query| query.bind(now).bind(longest).bind(round)).await?;
        Ok(ran[0].written)
    }
}

#[async_trait]
impl Sessions for Sqlite {
    async fn begin(&self, session: &NewSession) -> Result<Option<Holder>, Error> {
        self.writer.write(Begin(session.clone())).await
    }

    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error> {
        self.writer.write(Refresh { session, presented }).await
    }

    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error> {
        let query = sqlx::query(HOLDER).bind(session.uuid()).bind(value::now(&*self.clock));
        let row = query.fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map(|row| holder(&row)).transpose()
    }

    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error> {
        let query = sqlx::query(LIST).bind(user.0).bind(value::now(&*self.clock)).bind(LISTED);
        let rows = query.fetch_all(&self.readers).await.map_err(value::error)?;
        rows.iter().map(session).collect()
    }

    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error> {
        self.writer.write(Revoke(user, session)).await
    }

    async fn revoke_all(&self, user: UserId) -> Result<(), Error> {
        self.writer.write(RevokeAll(user)).await
    }

    async fn sweep(&self) -> Result<u64, Error> {
        let mut swept = 0;
        loop {
            let round = self.writer.write(Sweep).await?;
            swept += round;
            if round < ROUND {
                return Ok(swept);
            }
        }
    }
}

pub(super) fn holder(row: &SqliteRow) -> Result<Holder, Error> {
    Ok(Holder {
        session: SessionId::from_uuid(get(row, "id")?),
        user: UserId(get(row, "user_id")?),
        email: email(row)?,
        organization: OrganizationId(get(row, "organization_id")?),
        role: role(row)?,
    })
}

fn session(row: &SqliteRow) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId::from_uuid(get(row, "id")?),
        user: UserId(get(row, "user_id")?),
        device: get(row, "device")?,
        address_class: get(row, "address_class")?,
        began_at: timestamp(get(row, "began_at")?)?,
        used_at: timestamp(get(row, "issued_at")?)?,
        expires_at: timestamp(get(row, "expires_at")?)?,
    })
}
