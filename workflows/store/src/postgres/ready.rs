//! Whether the database can be worked with right now.

use super::Postgres;
use super::schema;
use super::value::get;
use crate::ready::{Unready, fits};

pub(super) const SQL: &[(&str, &str)] = &[("ready", READY)];

/// The newest migration, and the one that a program must know at least.
const READY: &str = "
SELECT (SELECT version FROM _sqlx_migrations WHERE success ORDER BY version DESC LIMIT 1) AS found,
       (SELECT min_program FROM schema_compat WHERE id = 1) AS needs";

impl Postgres {
    /// Whether the server answers, and the schema is still one that this program works with.
    ///
    /// # Errors
    /// [`Unready`] says what is wrong.
    pub async fn ready(&self) -> Result<(), Unready> {
        // Operators' connections: that requests and workers keep theirs busy does not mean that nobody answers.
        let (found, needs) = match self.back.fetch_optional(sqlx::query(READY)).await? {
            Some(row) => (get(&row, "found")?, get(&row, "needs")?),
            None => (None, None),
        };
        fits(found, needs, schema::known())
    }
}
