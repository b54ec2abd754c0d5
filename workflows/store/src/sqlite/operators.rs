//! Operators and their tokens.

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::Error;
use signup::{OperatorName, Operators, TokenHash};

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, get, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[("operators.add", ADD), ("operators.find", FIND), ("operators.list", LIST)];

const ADD: &str = "
INSERT INTO operators (name, token_hash, added_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";

const FIND: &str = "SELECT name FROM operators WHERE token_hash = $1";

const LIST: &str = "SELECT name, added_at FROM operators ORDER BY name";

struct Add(OperatorName, TokenHash);

#[async_trait]
impl Write for Add {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, now: Millis) -> Result<bool, Error> {
        let db = db.connection().await?;
        let Self(name, token) = self;
        let insert = sqlx::query(ADD).bind(name.as_str()).bind(&token.0[..]).bind(now);
        Ok(insert.execute(db).await.map_err(value::error)?.rows_affected() > 0)
    }
}

#[async_trait]
impl Operators for Sqlite {
    async fn add(&self, name: &OperatorName, token: &TokenHash) -> Result<bool, Error> {
        self.writer.write(Add(name.clone(), *token)).await
    }

    async fn find(&self, token: &TokenHash) -> Result<Option<OperatorName>, Error> {
        let row = sqlx::query(FIND).bind(&token.0[..]).fetch_optional(&self.readers).await.map_err(value::error)?;
        row.map(|row| Ok(OperatorName::from_stored(get(&row, "name")?))).transpose()
    }

    async fn operators(&self) -> Result<Vec<(OperatorName, Timestamp)>, Error> {
        let rows = sqlx::query(LIST).fetch_all(&self.readers).await.map_err(value::error)?;
        let operator = |row| Ok((OperatorName::from_stored(get(row, "name")?), timestamp(get(row, "added_at")?)?));
        rows.iter().map(operator).collect()
    }
}
