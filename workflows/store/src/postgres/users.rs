//! Users, as operators see them, and what operators do to them.

use accounts::{Membership, UnknownUserAction, User, UserEvent, UserOrder, UserStatus, Users};
use async_trait::async_trait;
use saga::operate::Signature;
use saga::store::Error;
use signup::{EmailAddress, OrganizationId, UserId};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{count, email, get, role, saga_id, stored, time, time_if_any};

pub(super) const SQL: &[(&str, &str)] =
    &[("users.by_id", BY_ID), ("users.by_email", BY_EMAIL), ("users.events", EVENTS), ("users.act", ACT)];

/// Those `u` to whom this applies.
macro_rules! users {
    ($condition:literal) => {
        concat!(
            "
SELECT u.id, u.saga_id, u.email, u.email_key, u.status, u.disabled_at, u.seq, u.created_at, p.full_name,
       c.organization_id, c.role, o.name AS organization_name
  FROM users u LEFT JOIN claims c ON c.user_id = u.id LEFT JOIN organizations o ON o.id = c.organization_id
  LEFT JOIN profiles p ON p.user_id = u.id
 WHERE ",
            $condition
        )
    };
}

const BY_ID: &str = users!("u.id = $1");

const BY_EMAIL: &str = users!("u.email_key = $1");

const EVENTS: &str = "
SELECT seq, at, action, operator, reason FROM user_events WHERE user_id = $1 ORDER BY seq DESC LIMIT $2";

/// The seq tells that the user is as the operator saw them. The next epoch ends every session.
const ACT: &str = "
WITH u AS (
    UPDATE users SET seq = seq + 1, disabled_at = CASE WHEN $4 THEN now() END, session_epoch = session_epoch + 1
     WHERE id = $1 AND seq = $2 AND status = 'active'
    RETURNING id, seq
)
INSERT INTO user_events (user_id, seq, action, operator, reason, at) SELECT id, seq, $3, $5, $6, now() FROM u";

/// How many of a user's events are told.
const TOLD: i64 = 100;

#[async_trait]
impl Users for Postgres {
    async fn by_id(&self, id: UserId) -> Result<Option<User>, Error> {
        let row = self.back.fetch_optional(sqlx::query(BY_ID).bind(id.0)).await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, Error> {
        let row = self.back.fetch_optional(sqlx::query(BY_EMAIL).bind(email.key().to_owned())).await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn events(&self, user: UserId) -> Result<Vec<UserEvent>, Error> {
        self.back.fetch(sqlx::query(EVENTS).bind(user.0).bind(TOLD)).await?.iter().map(event).collect()
    }

    async fn act(&self, order: &UserOrder) -> Result<bool, Error> {
        let UserOrder { user, seq, action, signature } = order;
        let statement = sqlx::query(ACT).bind(user.0).bind(stored(*seq)?).bind(action.word()).bind(action.disables());
        let statement = statement.bind(signature.operator.clone()).bind(signature.reason.clone());
        Ok(self.back.execute(statement).await? > 0)
    }
}

fn user(row: &PgRow) -> Result<User, Error> {
    let status: String = get(row, "status")?;
    Ok(User {
        id: UserId(get(row, "id")?),
        saga: saga_id(row, "saga_id")?,
        email: email(row)?,
        full_name: get(row, "full_name")?,
        membership: membership(row)?,
        status: match (&*status, time_if_any(row, "disabled_at")?) {
            ("active", None) => UserStatus::Active,
            ("active", Some(since)) => UserStatus::Disabled(since),
            _ => UserStatus::Provisional,
        },
        seq: count(row, "seq")?,
        created_at: time(row, "created_at")?,
    })
}

fn membership(row: &PgRow) -> Result<Option<Membership>, Error> {
    let organization: Option<uuid::Uuid> = get(row, "organization_id")?;
    organization
        .map(|id| {
            let organization_name = get(row, "organization_name")?;
            Ok(Membership { organization: OrganizationId(id), organization_name, role: role(row)? })
        })
        .transpose()
}

fn event(row: &PgRow) -> Result<UserEvent, Error> {
    let action: String = get(row, "action")?;
    Ok(UserEvent {
        seq: count(row, "seq")?,
        at: time(row, "at")?,
        action: action.parse().map_err(|error: UnknownUserAction| Error::Unreadable(error.to_string()))?,
        signature: Signature { operator: get(row, "operator")?, reason: get(row, "reason")? },
    })
}
