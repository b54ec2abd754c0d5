//! Files that open, and files that do not.

use std::path::Path;
use std::sync::Arc;

use saga::store::Filter;
use saga::{SagaId, Store};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, Executor};
use store::Sqlite;
use store::sqlite::OpenError;

use crate::world::{ManualClock, STEPS, World, raw};

async fn open(file: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(file, Arc::new(ManualClock::new())).await
}

/// Why the file does not open; in one line, as a person reads it.
async fn refusal(file: &Path) -> OpenError {
    let error = open(file).await.unwrap_err();
    let text = error.to_string();
    assert!(!text.is_empty() && text.lines().count() == 1, "{text:?}");
    error
}

#[tokio::test]
async fn a_missing_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.db");
    open(&file).await.unwrap().close().await;
    assert!(file.exists());
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let file = tempfile::NamedTempFile::new().unwrap();
    open(file.path()).await.unwrap().close().await;
    assert!(std::fs::read(file.path()).unwrap().starts_with(b"SQLite format 3\0"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_broken_and_stays_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "This is a letter, not a database. ".repeat(200);
    std::fs::write(file.path(), &text).unwrap();
    assert!(matches!(refusal(file.path()).await, OpenError::Broken));
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_database_is_broken() {
    for damage in [100..4096, 0..16] {
        let mut w = World::in_a_file().await;
        w.complete("ada").await;
        let copy = w.file().with_file_name("copy.db");
        // A reopened file has all its content in one place.
        w.reopen().await;
        let mut bytes = std::fs::read(w.file()).unwrap();
        bytes[damage.clone()].fill(0xa5);
        std::fs::write(&copy, bytes).unwrap();
        let error = refusal(&copy).await;
        assert!(matches!(error, OpenError::Broken), "{damage:?}: {error:?}");
    }
}

/// Migrates a file as a newer program would, and then changes it.
async fn come_from_the_future(w: &World, change: &str) {
    let migrated = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                    VALUES (9999, 'from the future', TRUE, x'00', 0);";
    raw(&w.file()).await.execute(AssertSqlSafe(format!("{migrated} {change}"))).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_that_this_program_works_with_opens() {
    let mut w = World::in_a_file().await;
    let saga = w.complete("ada").await;
    come_from_the_future(&w, "CREATE TABLE what_is_to_come (at INTEGER)").await;
    w.reopen().await;
    assert_eq!(w.journal(saga).await.len(), 1 + STEPS.len());
    w.complete("eve").await;
    w.check().await;
}

#[tokio::test]
async fn a_newer_schema_that_needs_a_newer_program_is_too_new() {
    let w = World::in_a_file().await;
    come_from_the_future(&w, "UPDATE schema_compat SET min_program = 9998").await;
    let error = refusal(&w.file()).await;
    assert!(matches!(error, OpenError::TooNew { found: 9999, known: 6.., needs: 9998 }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("9999") && text.contains("9998") && text.contains("run the newer program"), "{text}");
}

#[tokio::test]
async fn a_newer_schema_that_does_not_say_whom_it_works_with_is_too_new() {
    for forgetful in ["DROP TABLE schema_compat", "DELETE FROM schema_compat"] {
        let w = World::in_a_file().await;
        come_from_the_future(&w, forgetful).await;
        let error = refusal(&w.file()).await;
        assert!(matches!(error, OpenError::TooNew { found: 9999, needs: 9999, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_newer_schema_of_another_build_is_foreign() {
    for other in [
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 3",
        "DELETE FROM _sqlx_migrations WHERE version = 3",
    ] {
        let w = World::in_a_file().await;
        come_from_the_future(&w, other).await;
        let error = refusal(&w.file()).await;
        assert!(matches!(error, OpenError::Foreign(3)), "{error:?}");
    }
}

/// A file as a program leaves it behind that knows the first two migrations.
async fn of_the_first_release(file: &Path) -> SagaId {
    std::fs::write(file, "").unwrap();
    let mut db = raw(file).await;
    let all = sqlx::migrate!("../../migrations/sqlite");
    let first = Migrator::with_migrations(all.iter().take(2).cloned().collect());
    first.run_direct(None, &mut db, false).await.unwrap();
    let (saga, values) = (uuid::Uuid::from_u128(1), [("$now", "0"), ("$email", "'ada@example.com'")]);
    let ids = ["$saga", "$user", "$organization", "$profile"].map(|name| (name, "x'00000000000000000000000000000001'"));
    let account = include_str!("../world/account.sql").to_owned();
    let account = values.iter().chain(&ids).fold(account, |sql, (name, value)| sql.replace(name, value));
    db.execute(AssertSqlSafe(account)).await.unwrap();
    db.close().await.unwrap();
    SagaId::from_uuid(saga)
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.db");
    let saga = of_the_first_release(&file).await;
    let store = open(&file).await.unwrap();
    let events = store.events(saga, 0).await.unwrap();
    assert_eq!(events.len(), 1 + STEPS.len());
    assert!(events.iter().all(|event| event.signature.is_none()));
    let listed = store.list(&Filter { limit: 10, ..Filter::default() }).await.unwrap();
    assert_eq!(listed.iter().map(|record| record.view.saga).collect::<Vec<_>>(), [saga]);
    for change in ["DELETE FROM saga_events", "UPDATE saga_events SET at = 1"] {
        assert!(raw(&file).await.execute(change).await.is_err(), "{change}");
    }
    store.close().await;
    open(&file).await.unwrap().close().await;
}

#[tokio::test]
async fn a_schema_of_another_build_is_foreign() {
    let w = World::in_a_file().await;
    raw(&w.file()).await.execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await.unwrap();
    let error = refusal(&w.file()).await;
    assert!(matches!(error, OpenError::Foreign(1)), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_none_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for no_place in [file.path().join("signup.db"), folder.path().join("missing/signup.db"), folder.path().to_owned()] {
        let error = refusal(&no_place).await;
        assert!(matches!(error, OpenError::Io(_)), "{error:?}");
    }
}

/// Where nobody may make a file, not even the superuser.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told() {
    let error = refusal(Path::new("/proc/signup.db")).await;
    assert!(matches!(error, OpenError::Io(_)), "{error:?}");
}
