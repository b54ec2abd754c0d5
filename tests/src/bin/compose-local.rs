//! Runs the services of docker-compose.yml as processes of this machine, until Ctrl-C:
//! `cargo run -p tests --bin compose-local -- 3` has three workers.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use tests::compose::{Compose, Local};
use tests::run;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let workers = std::env::args().nth(1).map_or(Ok(1), |number| number.parse()).context("how many workers?")?;
    let folder = tempfile::tempdir()?;
    let variables = folder.path().join(".env");
    std::fs::write(&variables, run(&["keys", "init"]).await?.stdout)?;
    let local = Local::up(&Compose::read(&variables)?, workers, folder.path()).await?;
    say(&local, folder.path()).await?;
    tokio::signal::ctrl_c().await?;
    local.down().await
}

async fn say(local: &Local, logs: &Path) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "  API   {}\n  Logs  {}\n", local.api.url().await?, logs.display())?;
    Ok(writeln!(out, "Ctrl-C stops them all.")?)
}
