//! Operators and their tokens.

use async_trait::async_trait;
use saga::store::Error;
use signup::{EnlistedOperator, MalformedRole, Operator, OperatorName, Operators, TokenHash};
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, get, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] =
    &[("operators.add", ADD), ("operators.find", FIND), ("operators.list", LIST), ("operators.revoke", REVOKE)];

const ADD: &str = "
INSERT INTO operators (name, role, token_hash, added_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";

const FIND: &str = "SELECT name, role FROM operators WHERE token_hash = $1 AND revoked_at IS NULL";

const LIST: &str = "SELECT name, role, added_at, revoked_at FROM operators ORDER BY name";

const REVOKE: &str = "UPDATE operators SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1";

struct Add(Operator, TokenHash);

#[async_trait]
impl Write for Add {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<bool, Error> {
        let db = db.connection().await?;
        let Self(Operator { name, role }, token) = self;
        let insert = sqlx::query(ADD).bind(name.as_str()).bind(role.as_str()).bind(&token.0[..]).bind(now);
        Ok(insert.execute(db).await.map_err(value::error)?.rows_affected() > 0)
    }
}

struct Revoke(OperatorName);

#[async_trait]
impl Write for Revoke {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<bool, Error> {
        let db = db.connection().await?;
        let update = sqlx::query(REVOKE).bind(self.0.as_str()).bind(now);
        Ok(update.execute(db).await.map_err(value::error)?.rows_affected() > 0)
    }
}

#[async_trait]
impl Operators for Sqlite {
    async fn add(&self, operator: &Operator, token: &TokenHash) -> Result<bool, Error> {
        self.writer.write(Add(operator.clone(), *token)).await
    }

    async fn find(&self, token: &TokenHash) -> Result<Option<Operator>, Error> {
        let row = sqlx::query(FIND).bind(&token.0[..]).fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map(|row| operator(&row)).transpose()
    }

    async fn operators(&self) -> Result<Vec<EnlistedOperator>, Error> {
        let rows = sqlx::query(LIST).fetch_all(&self.readers).await.map_err(value::error)?;
        rows.iter().map(enlisted).collect()
    }

    async fn revoke(&self, name: &OperatorName) -> Result<bool, Error> {
        self.writer.write(Revoke(name.clone())).await
    }
}

fn operator(row: &SqliteRow) -> Result<Operator, Error> {
    let role: String = get(row, "role")?;
    let role = role.parse().map_err(|error: MalformedRole| Error::Unreadable(error.to_string()))?;
    Ok(Operator { name: OperatorName::from_stored(get(row, "name")?), role })
}

fn enlisted(row: &SqliteRow) -> Result<EnlistedOperator, Error> {
    Ok(EnlistedOperator {
        operator: operator(row)?,
        added_at: timestamp(get(row, "added_at")?)?,
        revoked_at: get::<Option<Millis>>(row, "revoked_at")?.map(timestamp).transpose()?,
    })
}
