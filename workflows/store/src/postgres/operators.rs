//! Operators and their tokens.

use async_trait::async_trait;
use saga::store::Error;
use signup::{EnlistedOperator, MalformedRole, Operator, OperatorName, Operators, TokenHash};
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{get, time, time_if_any};

pub(super) const SQL: &[(&str, &str)] =
    &[("operators.add", ADD), ("operators.find", FIND), ("operators.list", LIST), ("operators.revoke", REVOKE)];

const ADD: &str = "
INSERT INTO operators (name, role, token_hash, added_at) VALUES ($1, $2, $3, now()) ON CONFLICT (name) DO NOTHING";

const FIND: &str = "SELECT name, role FROM operators WHERE token_hash = $1 AND revoked_at IS NULL";

const LIST: &str = "SELECT name, role, added_at, revoked_at FROM operators ORDER BY name";

const REVOKE: &str = "UPDATE operators SET revoked_at = coalesce(revoked_at, now()) WHERE name = $1";

#[async_trait]
impl Operators for Postgres {
    async fn add(&self, operator: &Operator, token: &TokenHash) -> Result<bool, Error> {
        let Operator { name, role } = operator;
        let statement = sqlx::query(ADD).bind(name.as_str().to_owned()).bind(role.as_str()).bind(token.0.to_vec());
        Ok(self.back.execute(statement).await? > 0)
    }

    async fn find(&self, token: &TokenHash) -> Result<Option<Operator>, Error> {
        // Anyone can ask with a token of their own making: they do not take the operators' connections.
        let row = self.front.fetch_optional(sqlx::query(FIND).bind(token.0.to_vec())).await?;
        row.map(|row| operator(&row)).transpose()
    }

    async fn operators(&self) -> Result<Vec<EnlistedOperator>, Error> {
        self.back.fetch(sqlx::query(LIST)).await?.iter().map(enlisted).collect()
    }

    async fn revoke(&self, name: &OperatorName) -> Result<bool, Error> {
        Ok(self.back.execute(sqlx::query(REVOKE).bind(name.as_str().to_owned())).await? > 0)
    }
}

fn operator(row: &PgRow) -> Result<Operator, Error> {
    let role: String = get(row, "role")?;
    let role = role.parse().map_err(|error: MalformedRole| Error::Unreadable(error.to_string()))?;
    Ok(Operator { name: OperatorName::from_stored(get(row, "name")?), role })
}

fn enlisted(row: &PgRow) -> Result<EnlistedOperator, Error> {
    Ok(EnlistedOperator {
        operator: operator(row)?,
        added_at: time(row, "added_at")?,
        revoked_at: time_if_any(row, "revoked_at")?,
    })
}
