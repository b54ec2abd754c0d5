//! Looking for passwords where none may be.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use super::world::World;
use crate::PASSWORD;

/// What the name of every queue begins with.
const QUEUE: &str = "signup-1-";
/// What every process logs.
const STARTED: &str = " started";
/// What grep says of a file that was deleted before it was read.
const GONE: &str = ": No such file or directory";

/// A folder that may hold no password, and what is surely in it.
pub type Place = (PathBuf, String);

/// Where passwords may not be: in the database's files and their log, in all that Redis was ever told, in what the
/// processes log.
pub(super) async fn places(world: &World, email: &str) -> anyhow::Result<[Place; 3]> {
    let database = world.database.tell(|database| {
        database.ask("postgres", "CHECKPOINT")?;
        Ok(database.folder().to_owned())
    });
    let redis = world.redis.tell(|redis| Ok(redis.folder().to_owned()));
    Ok([
        (database.await?, email.to_owned()),
        (redis.await?, QUEUE.to_owned()),
        (world.cluster.folder().to_owned(), STARTED.to_owned()),
    ])
}

/// Where everybody's password is in the clear.
///
/// # Errors
/// If a place cannot be searched, or what is surely there is not found: then no password would be either.
pub async fn leaks(places: &[Place]) -> anyhow::Result<Vec<String>> {
    let mut leaks = Vec::new();
    for (folder, known) in places {
        let found = files_with(known, folder).await?;
        ensure!(!found.is_empty(), "{known:?} is not found in {}", folder.display());
        leaks.extend(files_with(PASSWORD, folder).await?);
    }
    Ok(leaks.into_iter().map(|file| format!("I10 no password in the clear: in {file}")).collect())
}

/// What has panicked, of the processes that log in this folder.
///
/// # Errors
/// If it cannot be searched.
pub async fn panics(folder: &Path) -> anyhow::Result<Vec<String>> {
    let files = files_with("panicked at", folder).await?;
    Ok(files.into_iter().map(|file| format!("P2 nothing panics: {file}")).collect())
}

/// The files in a folder that hold this. Those that are deleted meanwhile hold nothing.
///
/// # Errors
/// If they cannot be searched.
pub async fn files_with(text: &str, folder: &Path) -> anyhow::Result<Vec<String>> {
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    let mut grep = Command::new("grep");
    grep.env("LC_ALL", "C").args(["-rlaF", "-e", text]).arg(folder);
    let output = grep.output().await.context("no grep")?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0 | 1) => {}
        Some(2) if !said.is_empty() && said.lines().all(|line| line.ends_with(GONE)) => {}
        _ => bail!("{} cannot be searched: {}: {said}", folder.display(), output.status),
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
