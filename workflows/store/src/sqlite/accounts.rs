//! Accounts: what their users sign in with, and what they see of themselves.

use accounts::{Account, Accounts, Credentials, SessionId};
use async_trait::async_trait;
use saga::store::Error;
use signup::{EmailAddress, OrganizationId, PasswordHash, UserId};
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, email, get, role, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[
    ("accounts.credentials", CREDENTIALS),
    ("accounts.account", ACCOUNT),
    ("accounts.rehash", REHASH),
    ("accounts.change_password", CHANGE_PASSWORD),
    ("accounts.keep_session", KEEP_SESSION),
];

const CREDENTIALS: &str = "
SELECT id, password_hash FROM users WHERE email_key = $1 AND status = 'active' AND disabled_at IS NULL";

const ACCOUNT: &str = "
SELECT u.id, u.email, u.email_key, u.created_at, p.full_name, c.organization_id, c.role, o.name AS organization_name
  FROM users u JOIN claims c ON c.user_id = u.id JOIN organizations o ON o.id = c.organization_id
  LEFT JOIN profiles p ON p.user_id = u.id
 WHERE u.id = $1 AND u.status = 'active' AND u.disabled_at IS NULL";

const REHASH: &str = "
UPDATE users SET password_hash = $3
 WHERE id = $1 AND password_hash = $2 AND status = 'active' AND disabled_at IS NULL";

/// The next epoch ends every session.
const CHANGE_PASSWORD: &str = "
UPDATE users SET password_hash = $3, session_epoch = session_epoch + 1
 WHERE id = $1 AND password_hash = $2 AND status = 'active' AND disabled_at IS NULL";

/// Goes with it: the session that is kept gets the next epoch too, unless it was over. `changes()` is how many rows the
/// statement before has written.
const KEEP_SESSION: &str = "
UPDATE sessions SET epoch = epoch + 1
 WHERE id = $4 AND user_id = $1 AND epoch = (SELECT session_epoch - 1 FROM users WHERE id = $1) AND revoked_at IS NULL
   AND changes() = 1";

struct Rehash {
    known: Credentials,
    hash: PasswordHash,
}

#[async_trait]
impl Write for Rehash {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<bool, Error> {
        let Self { known, hash } = self;
        let ran = db.finish(&[REHASH], |query| {
            query.bind(known.user.0).bind(known.hash.as_str().to_owned()).bind(hash.as_str().to_owned())
        });
        Ok(ran.await?[0].written > 0)
    }
}

struct ChangePassword {
    known: Credentials,
    hash: PasswordHash,
    keep: SessionId,
}

#[async_trait]
impl Write for ChangePassword {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<bool, Error> {
        let Self { known, hash, keep } = self;
        let ran = db.finish(&[CHANGE_PASSWORD, KEEP_SESSION], |query| {
            let query = query.bind(known.user.0).bind(known.hash.as_str().to_owned()).bind(hash.as_str().to_owned());
            query.bind(keep.uuid())
        });
        Ok(ran.await?[0].written > 0)
    }
}

#[async_trait]
impl Accounts for Sqlite {
    async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, Error> {
        let query = sqlx::query(CREDENTIALS).bind(email.key());
        let row = query.fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map(|row| credentials(&row)).transpose()
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        let row = sqlx::query(ACCOUNT).bind(user.0).fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map(|row| account(&row)).transpose()
    }

    async fn rehash(&self, known: &Credentials, hash: &PasswordHash) -> Result<bool, Error> {
        self.writer.write(Rehash { known: known.clone(), hash: hash.clone() }).await
    }

    async fn change_password(&self, known: &Credentials, hash: &PasswordHash, keep: SessionId) -> Result<bool, Error> {
        self.writer.write(ChangePassword { known: known.clone(), hash: hash.clone(), keep }).await
    }
}

fn credentials(row: &SqliteRow) -> Result<Credentials, Error> {
    Ok(Credentials { user: UserId(get(row, "id")?), hash: PasswordHash::from_stored(get(row, "password_hash")?) })
}

fn account(row: &SqliteRow) -> Result<Account, Error> {
    Ok(Account {
        user: UserId(get(row, "id")?),
        email: email(row)?,
        full_name: get(row, "full_name")?,
        organization: OrganizationId(get(row, "organization_id")?),
        organization_name: get(row, "organization_name")?,
        role: role(row)?,
        created_at: timestamp(get(row, "created_at")?)?,
    })
}
