//! Whether all processes have the same keys.

use saga::store::Error;

use super::Postgres;
use super::value::get;

pub(super) const SQL: &[(&str, &str)] = &[("keys.agree", AGREE)];

/// The first writes it. A row that another process writes at the same time is not seen: then there is no answer.
const AGREE: &str = "
WITH n AS (
    INSERT INTO key_checks (name, digest) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING digest
)
SELECT digest FROM n UNION ALL SELECT digest FROM key_checks WHERE name = $1";

/// How often it is asked: what could not be seen is there the next time.
const QUESTIONS: u32 = 3;

impl Postgres {
    /// Whether the key of this name is the one that the database's other processes have. The first to ask says which.
    /// The digest is no secret.
    ///
    /// # Errors
    /// Those of a store.
    pub async fn agrees_on(&self, name: &'static str, digest: [u8; 32]) -> Result<bool, Error> {
        for _ in 0..QUESTIONS {
            let statement = sqlx::query(AGREE).bind(name).bind(digest.to_vec());
            if let Some(row) = self.back.fetch_optional(statement).await? {
                return Ok(get::<Vec<u8>>(&row, "digest")? == digest);
            }
        }
        Err(Error::Unavailable("what the keys are told by comes and goes".into()))
    }
}
