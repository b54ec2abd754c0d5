//! How a session is refreshed: what the presented token means is decided here, and written if the session is still as it
//! was read.

use accounts::{Generation, IDLE, LONGEST, Refreshed, Rotation, SessionId, Standing};
use jiff::Timestamp;
use saga::store::Error;
use sqlx::postgres::PgRow;

use super::connections::Connections;
use super::sessions::{holder, unrevoked, wrote_nothing};
use super::value::{count, get, millis, time};

pub(super) const SQL: &[(&str, &str)] =
    &[("sessions.standing", STANDING), ("sessions.rotate", ROTATE), ("sessions.reused", REUSED)];

/// Where it stands, by the clock that wrote it.
const STANDING: &str = concat!(
    "
SELECT s.generation, s.issued_at, s.expires_at, now() AS now, s.id, s.user_id, u.email, u.email_key, c.organization_id,
       c.role, NOT (",
    unrevoked!(),
    ") AS revoked
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.id = $1"
);

const ROTATE: &str = "
UPDATE sessions
   SET generation = $3, issued_at = now(),
       expires_at = least(now() + $4 * interval '1 millisecond', began_at + $5 * interval '1 millisecond')
 WHERE id = $1 AND generation = $2 AND revoked_at IS NULL";

const REUSED: &str = "UPDATE sessions SET revoked_at = now() WHERE id = $1 AND generation = $2 AND revoked_at IS NULL";

/// How often it is decided anew, where somebody else was quicker.
const DECISIONS: u32 = 5;

pub(super) async fn refresh(
    connections: &Connections,
    session: SessionId,
    presented: Generation,
) -> Result<Refreshed, Error> {
    for _ in 0..DECISIONS {
        let row = connections.fetch_optional(sqlx::query(STANDING).bind(session.uuid())).await;
        let Some(row) = row.map_err(wrote_nothing)? else { return Ok(Refreshed::Over) };
        let (standing, now) = standing(&row)?;
        let fenced = |sql| sqlx::query(sql).bind(session.uuid()).bind(i64::from(standing.current.0));
        let (write, answer) = match standing.present(presented, now) {
            Rotation::Over => return Ok(Refreshed::Over),
            Rotation::Repeat(current) => return Ok(Refreshed::Live(holder(&row)?, current)),
            Rotation::Reused => (fenced(REUSED), Refreshed::Reused),
            Rotation::Rotate(next) => {
                let rotate = fenced(ROTATE).bind(i64::from(next.0));
                let rotate = rotate.bind(millis(IDLE.unsigned_abs())).bind(millis(LONGEST.unsigned_abs()));
                (rotate, Refreshed::Live(holder(&row)?, next))
            }
        };
        if connections.execute(write).await? > 0 {
            return Ok(answer);
        }
    }
    Err(Error::Unavailable("others refresh the session all the time".into()))
}

/// How it stands, and the time.
fn standing(row: &PgRow) -> Result<(Standing, Timestamp), Error> {
    let standing = Standing {
        current: Generation(count(row, "generation")?),
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        revoked: get(row, "revoked")?,
    };
    Ok((standing, time(row, "now")?))
}
