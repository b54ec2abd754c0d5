//! The keys that sign access tokens.

use accounts::{KeyId, MalformedPublicKey, PublicKey, SealedKey, SigningKeys, StoredKey};
use async_trait::async_trait;
use saga::store::Error;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::transaction::Transaction;
use super::value::{self, Millis, count, get, timestamp};
use super::writer::Write;

pub(super) const SQL: &[(&str, &str)] = &[("signing_keys.list", LIST), ("signing_keys.add", ADD)];

const LIST: &str = "
SELECT generation, id, public_key, sealed, created_at, signs_from FROM signing_keys ORDER BY generation";

const ADD: &str = "
INSERT INTO signing_keys (generation, id, public_key, sealed, created_at, signs_from) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";

struct Add(StoredKey);

#[async_trait]
impl Write for Add {
    type Output = bool;

    async fn apply(&self, db: &mut Transaction<'_>, _: Millis) -> Result<bool, Error> {
        let key = &self.0;
        let ran = db.finish(&[ADD], |query| {
            query
                .bind(key.generation)
                .bind(key.id.as_str().to_owned())
                .bind(key.public.as_bytes().to_vec())
                .bind(key.sealed.as_bytes().to_vec())
                .bind(key.created_at.as_millisecond())
                .bind(key.signs_from.as_millisecond())
        });
        Ok(ran.await?[0].written > 0)
    }
}

#[async_trait]
impl SigningKeys for Sqlite {
    async fn keys(&self) -> Result<Vec<StoredKey>, Error> {
        let rows = sqlx::query(LIST).fetch_all(&self.readers).await.map_err(value::error)?;
        rows.iter().map(key).collect()
    }

    async fn add(&self, key: &StoredKey) -> Result<bool, Error> {
        self.writer.write(Add(key.clone())).await
    }
}

fn key(row: &SqliteRow) -> Result<StoredKey, Error> {
    let public = PublicKey::from_bytes(&get::<Vec<u8>>(row, "public_key")?);
    Ok(StoredKey {
        generation: count(row, "generation")?,
        id: KeyId::from_stored(get(row, "id")?),
        public: public.map_err(|error: MalformedPublicKey| Error::Unreadable(error.to_string()))?,
        sealed: SealedKey::from_bytes(get(row, "sealed")?),
        created_at: timestamp(get(row, "created_at")?)?,
        signs_from: timestamp(get(row, "signs_from")?)?,
    })
}
