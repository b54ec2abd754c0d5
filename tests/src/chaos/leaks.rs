//! Looking for passwords where none may be.

use std::path::Path;

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::world::World;
use crate::PASSWORD;

/// Where the password is in the clear: in the database's files and their log, in Redis, in what the processes log.
pub(super) async fn leaks(world: &World, email: &str) -> anyhow::Result<Vec<String>> {
    let database = world.database.tell(|database| {
        database.ask("postgres", "CHECKPOINT")?;
        Ok(database.folder().to_owned())
    });
    let redis = world.redis.tell(|redis| {
        redis.command(&["CONFIG", "SET", "rdbcompression", "no"])?;
        redis.command(&["SAVE"])?;
        Ok(redis.folder().to_owned())
    });
    let (database, redis) = (database.await?, redis.await?);
    // What sees nothing that is there sees no password either.
    ensure!(!files_with(email, &database).await?.is_empty(), "{email} is not found in the database's files");
    let mut leaks = Vec::new();
    for folder in [&*database, &*redis, world.cluster.folder()] {
        leaks.extend(files_with(PASSWORD, folder).await?);
    }
    Ok(leaks.into_iter().map(|file| format!("I10 no password in the clear: in {file}")).collect())
}

/// The files in a folder that hold this.
///
/// # Errors
/// If they cannot be searched.
pub async fn files_with(text: &str, folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut grep = Command::new("grep");
    let output = grep.args(["-rlaFs", "-e", text]).arg(folder).output().await.context("no grep")?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
