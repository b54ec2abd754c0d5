//! Files that open, and files that do not.

use std::path::Path;
use std::sync::Arc;

use sqlx::Executor;
use store::Sqlite;
use store::sqlite::OpenError;

use crate::world::{ManualClock, World, raw};

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

#[tokio::test]
async fn a_newer_schema_is_too_new() {
    let w = World::in_a_file().await;
    raw(&w.file())
        .await
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, x'00', 0)",
        )
        .await
        .unwrap();
    let error = refusal(&w.file()).await;
    assert!(matches!(error, OpenError::TooNew { found: 9999, known: 2.. }), "{error:?}");
    assert!(error.to_string().contains("9999"), "{error}");
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
