//! How a session is refreshed: what the presented token means is decided here, and written in the same transaction.

use accounts::{Generation, Refreshed, Rotation, SessionId, Standing, expires_at};
use async_trait::async_trait;
use saga::store::Error;
use sqlx::sqlite::SqliteRow;

use super::sessions::{holder, unrevoked};
use super::transaction::Transaction;
use super::value::{Millis, count, get, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("sessions.standing", STANDING), ("sessions.rotate", ROTATE), ("sessions.reused", REUSED)];

const STANDING: &str = concat!(
    "
SELECT s.generation, s.issued_at, s.expires_at, s.began_at, s.id, s.user_id, u.email, u.email_key, c.organization_id,
       c.role, NOT (",
    unrevoked!(),
    ") AS revoked
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.id = $1"
);

const ROTATE: &str = "
UPDATE sessions SET generation = $3, issued_at = $4, expires_at = $5
 WHERE id = $1 AND generation = $2 AND revoked_at IS NULL";

const REUSED: &str = "UPDATE sessions SET revoked_at = $4 WHERE id = $1 AND generation = $2 AND revoked_at IS NULL";

pub(super) struct Refresh {
    pub(super) session: SessionId,
    pub(super) presented: Generation,
}

#[async_trait]
impl Write for Refresh {
    type Output = Refreshed;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Refreshed, Error> {
        let id = self.session.uuid();
        let read = db.run(&[STANDING], |query| query.bind(id)).await?;
        let Some(row) = read[0].rows.first() else { return Ok(Refreshed::Over) };
        let (standing, at) = (standing(row)?, timestamp(now)?);
        let ends = expires_at(timestamp(get(row, "began_at")?)?, at).as_millisecond();
        let (write, next, answer) = match standing.present(self.presented, at) {
            Rotation::Over => return Ok(Refreshed::Over),
            Rotation::Repeat(current) => return Ok(Refreshed::Live(holder(row)?, current)),
            Rotation::Reused => (REUSED, standing.current, Refreshed::Reused),
            Rotation::Rotate(next) => (ROTATE, next, Refreshed::Live(holder(row)?, next)),
        };
        db.finish(&[write], |query| query.bind(id).bind(standing.current.0).bind(next.0).bind(now).bind(ends)).await?;
        Ok(answer)
    }
}

fn standing(row: &SqliteRow) -> Result<Standing, Error> {
    Ok(Standing {
        current: Generation(count(row, "generation")?),
        issued_at: timestamp(get(row, "issued_at")?)?,
        expires_at: timestamp(get(row, "expires_at")?)?,
        revoked: get(row, "revoked")?,
    })
}
