//! The schema of a file: brought up to date, or newer than this program and fit for it all the same.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use sqlx::migrate::{MigrateError, Migrator};

use super::open::{OpenError, open_error};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Applies the migrations that the file lacks. One that has more of them than this program knows stays as it is, and is
/// opened if it says that this program works with it.
pub(super) async fn bring_up_to_date(file: &mut SqliteConnection) -> Result<(), OpenError> {
    match check(file).await {
        Err(OpenError::Behind { .. }) => migrate(file).await,
        other => other,
    }
}

/// The newest migration that this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Whether this program works with the schema as it is.
pub(super) async fn check(file: &mut SqliteConnection) -> Result<(), OpenError> {
    let known = known();
    let applied = applied(file).await?;
    let found = applied.keys().max().copied().unwrap_or(0);
    if found > known {
        let needs = min_program(file).await?.unwrap_or(found);
        if needs > known {
            return Err(OpenError::TooNew { found, known, needs });
        }
    }
    // What it has of ours must be ours.
    for ours in MIGRATIONS.iter().filter(|ours| ours.version <= found) {
        if applied.get(&ours.version).is_none_or(|there| **there != *ours.checksum) {
            return Err(OpenError::Foreign(ours.version));
        }
    }
    if found < known { Err(OpenError::Behind { found, known }) } else { Ok(()) }
}

async fn migrate(file: &mut SqliteConnection) -> Result<(), OpenError> {
    MIGRATIONS.run_direct(None, file, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => OpenError::Foreign(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => open_error(error),
        other => OpenError::Io(other.to_string()),
    })
}

/// The migrations that the file has, with their checksums.
async fn applied(file: &mut SqliteConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    if !has_table(file, "_sqlx_migrations").await? {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations").fetch_all(file).await.map_err(open_error)?;
    Ok(rows.into_iter().collect())
}

/// The newest migration that a program must know at least, if the file says so.
async fn min_program(file: &mut SqliteConnection) -> Result<Option<i64>, OpenError> {
    if !has_table(file, "schema_compat").await? {
        return Ok(None);
    }
    let told = sqlx::query_scalar("SELECT min_program FROM schema_compat");
    told.fetch_optional(file).await.map_err(open_error)
}

async fn has_table(file: &mut SqliteConnection, name: &str) -> Result<bool, OpenError> {
    let known = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)");
    known.bind(name).fetch_one(file).await.map_err(open_error)
}
