//! How a session begins.

use accounts::{GRACE, Holder, NewSession, Proof, REDEEM, expires_at};
use async_trait::async_trait;
use saga::store::Error;

use super::sessions::{holder, unrevoked};
use super::transaction::Transaction;
use super::value::{Millis, millis, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[
    ("sessions.begin", SIGN_IN),
    ("sessions.begun", SIGNED_IN),
    ("sessions.redeem", REDEEM_SIGN_UP),
    ("sessions.redeemed", REDEEMED),
];

/// The transaction is IMMEDIATE: nobody changes the user meanwhile.
const SIGN_IN: &str = "
INSERT INTO sessions (id, user_id, epoch, device, address_class, began_at, generation, issued_at, expires_at)
SELECT $1, u.id, u.session_epoch, $3, $4, $5, 0, $5, $6
  FROM users u
 WHERE u.id = $2 AND u.password_hash = $7 AND u.status = 'active' AND u.disabled_at IS NULL
    ON CONFLICT DO NOTHING";

/// The session that has begun, now or by an earlier sending.
const SIGNED_IN: &str = concat!(
    "
SELECT s.id, s.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.id = $1 AND s.user_id = $2 AND s.generation = 0 AND s.expires_at > $5 AND ",
    unrevoked!()
);

/// As `SIGN_IN`, once for each sign-up.
const REDEEM_SIGN_UP: &str = "
INSERT INTO sessions (id, user_id, saga_id, epoch, device, address_class, began_at, generation, issued_at, expires_at)
SELECT $1, u.id, g.id, u.session_epoch, $3, $4, $5, 0, $5, $6
  FROM users u JOIN sagas g ON g.id = u.saga_id
 WHERE u.saga_id = $2 AND u.session_epoch = 0 AND u.status = 'active' AND u.disabled_at IS NULL
   AND g.ended_at > $5 - $7
    ON CONFLICT DO NOTHING";

/// The session that the sign-up was redeemed for, now, by an earlier sending, or by a request of a moment ago.
const REDEEMED: &str = concat!(
    "
SELECT s.id, s.user_id, u.email, u.email_key, c.organization_id, c.role
  FROM sessions s JOIN users u ON u.id = s.user_id JOIN claims c ON c.user_id = s.user_id
 WHERE s.saga_id = $2 AND (s.id = $1 OR s.began_at > $5 - $8)
   AND s.generation = 0 AND s.expires_at > $5 AND ",
    unrevoked!()
);

pub(super) struct Begin(pub(super) NewSession);

#[async_trait]
impl Write for Begin {
    type Output = Option<Holder>;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<Option<Holder>, Error> {
        let NewSession { id, proof, device, address_class } = &self.0;
        let (statements, whose) = match proof {
            Proof::Password { user, .. } => ([SIGN_IN, SIGNED_IN], user.0),
            Proof::SignUp(saga) => ([REDEEM_SIGN_UP, REDEEMED], saga.uuid()),
        };
        let ends = expires_at(timestamp(now)?, timestamp(now)?).as_millisecond();
        let ran = db.finish(&statements, |query| {
            let query = query.bind(id.uuid()).bind(whose).bind(device.clone()).bind(address_class.clone());
            let query = query.bind(now).bind(ends);
            match proof {
                Proof::Password { hash, .. } => query.bind(hash.as_str().to_owned()),
                Proof::SignUp(_) => query.bind(millis(REDEEM.unsigned_abs())).bind(millis(GRACE.unsigned_abs())),
            }
        });
        ran.await?[1].rows.first().map(holder).transpose()
    }
}
