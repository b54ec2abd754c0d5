//! Whether the file can be worked with right now.

use super::Sqlite;
use super::schema;
use super::value::{self, get};
use crate::ready::{Unready, fits};

pub(super) const SQL: &[(&str, &str)] = &[("ready", READY)];

/// The newest migration, and the one that a program must know at least.
const READY: &str = "
SELECT (SELECT version FROM _sqlx_migrations WHERE success ORDER BY version DESC LIMIT 1) AS found,
       (SELECT min_program FROM schema_compat WHERE id = 1) AS needs";

impl Sqlite {
    /// Whether the file can be read, and the schema is still one that this program works with.
    ///
    /// # Errors
    /// [`Unready`] says what is wrong.
    pub async fn ready(&self) -> Result<(), Unready> {
        let row = sqlx::query(READY).fetch_one(&self.readers).await.map_err(value::error)?;
        fits(get(&row, "found")?, get(&row, "needs")?, schema::known())
    }
}
