//! Operators and their tokens.

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::Error;
use signup::{OperatorName, Operators, TokenHash};

use super::Postgres;
use super::value::{get, time};

pub(super) const SQL: &[(&str, &str)] = &[("operators.add", ADD), ("operators.find", FIND), ("operators.list", LIST)];

const ADD: &str = "
INSERT INTO operators (name, token_hash, added_at) VALUES ($1, $2, now()) ON CONFLICT (name) DO NOTHING";

const FIND: &str = "SELECT name FROM operators WHERE token_hash = $1";

const LIST: &str = "SELECT name, added_at FROM operators ORDER BY name";

#[async_trait]
impl Operators for Postgres {
    async fn add(&self, name: &OperatorName, token: &TokenHash) -> Result<bool, Error> {
        let statement = sqlx::query(ADD).bind(name.as_str().to_owned()).bind(token.0.to_vec());
        Ok(self.back.execute(statement).await? > 0)
    }

    async fn find(&self, token: &TokenHash) -> Result<Option<OperatorName>, Error> {
        // Anyone can ask with a token of their own making: they do not take the operators' connections.
        let row = self.front.fetch_optional(sqlx::query(FIND).bind(token.0.to_vec())).await?;
        row.map(|row| Ok(OperatorName::from_stored(get(&row, "name")?))).transpose()
    }

    async fn operators(&self) -> Result<Vec<(OperatorName, Timestamp)>, Error> {
        let rows = self.back.fetch(sqlx::query(LIST)).await?;
        rows.iter().map(|row| Ok((OperatorName::from_stored(get(row, "name")?), time(row, "added_at")?))).collect()
    }
}
