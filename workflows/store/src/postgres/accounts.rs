//! Accounts: what their users sign in with, and what they see of themselves.

use accounts::{Account, Accounts, Credentials, SessionId};
use async_trait::async_trait;
use saga::store::Error;
use signup::{EmailAddress, OrganizationId, PasswordHash, UserId};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{email, get, role, time};

pub(super) const SQL: &[(&str, &str)] = &[
    ("accounts.credentials", CREDENTIALS),
    ("accounts.account", ACCOUNT),
    ("accounts.rehash", REHASH),
    ("accounts.change_password", CHANGE_PASSWORD),
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

/// The next epoch ends every session. The one that is kept gets it too, unless it was over.
const CHANGE_PASSWORD: &str = "
WITH u AS (
    UPDATE users SET password_hash = $3, session_epoch = session_epoch + 1
     WHERE id = $1 AND password_hash = $2 AND status = 'active' AND disabled_at IS NULL
    RETURNING id, session_epoch
), k AS (
    UPDATE sessions s SET epoch = u.session_epoch FROM u
     WHERE s.id = $4 AND s.user_id = u.id AND s.epoch = u.session_epoch - 1 AND s.revoked_at IS NULL
)
SELECT id FROM u";

#[async_trait]
impl Accounts for Postgres {
    async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, Error> {
        let row = self.front.fetch_optional(sqlx::query(CREDENTIALS).bind(email.key().to_owned())).await?;
        row.map(|row| credentials(&row)).transpose()
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        let row = self.front.fetch_optional(sqlx::query(ACCOUNT).bind(user.0)).await?;
        row.map(|row| account(&row)).transpose()
    }

    async fn rehash(&self, known: &Credentials, hash: &PasswordHash) -> Result<bool, Error> {
        let statement = sqlx::query(REHASH).bind(known.user.0);
        let statement = statement.bind(known.hash.as_str().to_owned()).bind(hash.as_str().to_owned());
        Ok(self.front.execute(statement).await? > 0)
    }

    async fn change_password(&self, known: &Credentials, hash: &PasswordHash, keep: SessionId) -> Result<bool, Error> {
        let statement = sqlx::query(CHANGE_PASSWORD).bind(known.user.0);
        let statement = statement.bind(known.hash.as_str().to_owned()).bind(hash.as_str().to_owned());
        Ok(self.front.fetch_optional(statement.bind(keep.uuid())).await?.is_some())
    }
}

fn credentials(row: &PgRow) -> Result<Credentials, Error> {
    Ok(Credentials { user: UserId(get(row, "id")?), hash: PasswordHash::from_stored(get(row, "password_hash")?) })
}

fn account(row: &PgRow) -> Result<Account, Error> {
    Ok(Account {
        user: UserId(get(row, "id")?),
        email: email(row)?,
        full_name: get(row, "full_name")?,
        organization: OrganizationId(get(row, "organization_id")?),
        organization_name: get(row, "organization_name")?,
        role: role(row)?,
        created_at: time(row, "created_at")?,
    })
}
