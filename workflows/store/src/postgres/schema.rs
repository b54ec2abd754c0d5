//! The schema of a database: brought up to date, or newer than this program and fit for it all the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};

use super::open::OpenError;
use super::servers::connect_error;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Applies the migrations that the database lacks after `before`, and returns their numbers. Of several processes that
/// try, one does.
pub(super) async fn bring_up_to_date(database: &mut PgConnection, before: i64) -> Result<Vec<i64>, OpenError> {
    MIGRATIONS.run_direct(None, database, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => OpenError::Foreign(version),
        MigrateError::Execute(error) => connect_error(error),
        MigrateError::ExecuteMigration(error, version) => migration_error(error, version),
        other => OpenError::Migration(other.to_string()),
    })?;
    Ok(MIGRATIONS.iter().map(|migration| migration.version).filter(|version| *version > before).collect())
}

/// What a migration that failed means. See appendix A of PostgreSQL's manual.
fn migration_error(error: sqlx::Error, version: i64) -> OpenError {
    let code = error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned);
    match code.as_deref() {
        // It waited too long for a table, may not do what it has to, or lost its connection.
        Some("55P03" | "42501") | None => connect_error(error),
        Some(_) => OpenError::Migration(format!("migration {version}: {error}")),
    }
}

/// The newest migration that this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Whether this program works with the schema as it is. One that has more migrations than this program knows says so
/// itself.
pub(super) async fn check(database: &mut PgConnection) -> Result<(), OpenError> {
    let known = known();
    let applied = applied(database).await?;
    let found = applied.keys().max().copied().unwrap_or(0);
    if found > known {
        let needs = min_program(database).await?.unwrap_or(found);
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

/// The migrations that the database has, with their checksums.
async fn applied(database: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, OpenError> {
    if !has_table(database, "_sqlx_migrations").await? {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success")
        .fetch_all(database)
        .await
        .map_err(connect_error)?;
    Ok(rows.into_iter().collect())
}

/// The newest migration that a program must know at least, if the database says so.
async fn min_program(database: &mut PgConnection) -> Result<Option<i64>, OpenError> {
    if !has_table(database, "schema_compat").await? {
        return Ok(None);
    }
    let told = sqlx::query_scalar("SELECT min_program FROM schema_compat");
    told.fetch_optional(database).await.map_err(connect_error)
}

async fn has_table(database: &mut PgConnection, name: &'static str) -> Result<bool, OpenError> {
    let known = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL");
    known.bind(name).fetch_one(database).await.map_err(connect_error)
}
