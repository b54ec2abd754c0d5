//! What is kept of a run in which something did not hold: the same faults need not bring it out again.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use tokio::process::Command;

use super::world::World;

/// What is kept of the database: files and what goes into them, `|` between columns.
const TABLES: [(&str, &str); 3] = [
    ("sagas", "SELECT * FROM sagas ORDER BY id"),
    ("events", "SELECT * FROM saga_events ORDER BY saga_id, seq"),
    ("seen", "SELECT * FROM audit.seen ORDER BY saga_id, epoch"),
];

/// Puts the journals and all logs where they stay: where.
pub(super) async fn keep(world: &World, seed: u64) -> anyhow::Result<PathBuf> {
    let folder = tempfile::Builder::new().prefix(&format!("signup-chaos-{seed}-")).tempdir()?.keep();
    let mut copy = Command::new("cp");
    let copied = copy.arg("-r").arg(world.cluster.folder()).arg(folder.join("processes")).status().await?;
    ensure!(copied.success(), "the logs are not copied");
    for (name, sql) in TABLES {
        let rows = world.database.tell(|database| database.ask("postgres", sql)).await?;
        write(&folder, name, &rows)?;
    }
    write(&folder, "database.log", &world.database.tell(|database| database.log()).await?)?;
    write(&folder, "redis.log", &world.redis.tell(|redis| redis.log()).await?)?;
    Ok(folder)
}

fn write(folder: &Path, name: &str, what: &str) -> anyhow::Result<()> {
    Ok(std::fs::write(folder.join(name), what)?)
}
