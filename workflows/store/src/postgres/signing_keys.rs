//! The keys that sign access tokens.

use accounts::{KeyId, MalformedPublicKey, PublicKey, SealedKey, SigningKeys, StoredKey};
use async_trait::async_trait;
use saga::store::Error;
use sqlx::postgres::PgRow;

use super::Postgres;
use super::value::{Stamp, count, get, time};

pub(super) const SQL: &[(&str, &str)] = &[("signing_keys.list", LIST), ("signing_keys.add", ADD)];

const LIST: &str = "
SELECT generation, id, public_key, sealed, created_at, signs_from FROM signing_keys ORDER BY generation";

const ADD: &str = "
INSERT INTO signing_keys (generation, id, public_key, sealed, created_at, signs_from) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";

#[async_trait]
impl SigningKeys for Postgres {
    async fn keys(&self) -> Result<Vec<StoredKey>, Error> {
        self.back.fetch(sqlx::query(LIST)).await?.iter().map(key).collect()
    }

    async fn add(&self, key: &StoredKey) -> Result<bool, Error> {
        let statement = sqlx::query(ADD)
            .bind(i64::from(key.generation))
            .bind(key.id.as_str().to_owned())
            .bind(key.public.as_bytes().to_vec())
            .bind(key.sealed.as_bytes().to_vec())
            .bind(Stamp(key.created_at))
            .bind(Stamp(key.signs_from));
        Ok(self.back.execute(statement).await? > 0)
    }
}

fn key(row: &PgRow) -> Result<StoredKey, Error> {
    let public = PublicKey::from_bytes(&get::<Vec<u8>>(row, "public_key")?);
    Ok(StoredKey {
        generation: count(row, "generation")?,
        id: KeyId::from_stored(get(row, "id")?),
        public: public.map_err(|error: MalformedPublicKey| Error::Unreadable(error.to_string()))?,
        sealed: SealedKey::from_bytes(get(row, "sealed")?),
        created_at: time(row, "created_at")?,
        signs_from: time(row, "signs_from")?,
    })
}
