//! How a session begins.

use accounts::{GRACE, Holder, IDLE, NewSession, Proof, REDEEM};
use saga::store::Error;

use super::connections::{Connections, Statement};
use super::sessions::{holder, unrevoked, wrote_nothing};
use super::value::millis;

pub(super) const SQL: &[(&str, &str)] = &[
    ("sessions.begin", SIGN_IN),
    ("sessions.begun", SIGNED_IN),
    ("sessions.redeem", REDEEM_SIGN_UP),
    ("sessions.redeemed", REDEEMED),
];

/// Whoever changes the user's row is waited for, and the row is read again then. Who changes it later waits for this,
/// and so raises the epoch that the session has.
const SIGN_IN: &str = "
WITH n AS (
    INSERT INTO sessions (id, user_id, epoch, device, address_class, began_at, generation, issued_at, expires_at)
    SELECT $1, u.id, u.session_epoch, $3, $4, now(), 0, now(), now() + $5 * interval '1 millisecond'
      FROM users u
     WHERE u.id = $2 AND u.password_hash = $6 AND u.status = 'active' AND u.disabled_at IS NULL
       FOR SHARE OF u
        ON CONFLICT DO NOTHING
    RETURNING id, user_id
)
SELECT n.id, n.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM n JOIN users u ON u.id = n.user_id JOIN claims c ON c.user_id = n.user_id";

/// The session that an earlier sending began.
const SIGNED_IN: &str = concat!(
    "
SELECT s.id, s.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.id = $1 AND s.user_id = $2 AND s.generation = 0 AND s.expires_at > now() AND ",
    unrevoked!()
);

/// As `SIGN_IN`, once for each sign-up.
const REDEEM_SIGN_UP: &str = "
WITH n AS (
    INSERT INTO sessions (id, user_id, saga_id, epoch, device, address_class, began_at, generation, issued_at,
                          expires_at)
    SELECT $1, u.id, g.id, u.session_epoch, $3, $4, now(), 0, now(), now() + $5 * interval '1 millisecond'
      FROM users u JOIN sagas g ON g.id = u.saga_id
     WHERE u.saga_id = $2 AND u.session_epoch = 0 AND u.status = 'active' AND u.disabled_at IS NULL
       AND g.ended_at > now() - $6 * interval '1 millisecond'
       FOR SHARE OF u
        ON CONFLICT DO NOTHING
    RETURNING id, user_id
)
SELECT n.id, n.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM n JOIN users u ON u.id = n.user_id JOIN claims c ON c.user_id = n.user_id";

/// The session that an earlier sending, or an earlier request of a moment ago, redeemed the sign-up for.
const REDEEMED: &str = concat!(
    "
SELECT s.id, s.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.saga_id = $2 AND (s.id = $1 OR s.began_at > now() - $3 * interval '1 millisecond')
   AND s.generation = 0 AND s.expires_at > now() AND ",
    unrevoked!()
);

pub(super) async fn begin(connections: &Connections, new: &NewSession) -> Result<Option<Holder>, Error> {
    let (begin, find) = statements(new);
    if let Some(row) = connections.fetch_optional(begin).await? {
        return holder(&row).map(Some);
    }
    let row = connections.fetch_optional(find).await.map_err(wrote_nothing)?;
    row.map(|row| holder(&row)).transpose()
}

/// What begins it, and what finds it where it has begun already.
fn statements(new: &NewSession) -> (Statement, Statement) {
    let NewSession { id, proof, device, address_class } = new;
    let session = |sql, whose| {
        let lives = millis(IDLE.unsigned_abs());
        sqlx::query(sql).bind(id.uuid()).bind(whose).bind(device.clone()).bind(address_class.clone()).bind(lives)
    };
    match proof {
        Proof::Password { user, hash } => {
            let begin = session(SIGN_IN, user.0).bind(hash.as_str().to_owned());
            (begin, sqlx::query(SIGNED_IN).bind(id.uuid()).bind(user.0))
        }
        Proof::SignUp(saga) => {
            let redeem = session(REDEEM_SIGN_UP, saga.uuid()).bind(millis(REDEEM.unsigned_abs()));
            let redeemed = sqlx::query(REDEEMED).bind(id.uuid()).bind(saga.uuid()).bind(millis(GRACE.unsigned_abs()));
            (redeem, redeemed)
        }
    }
}
