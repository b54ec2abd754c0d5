//! `signup migrate`: brings the database up to date, before the processes that need it start.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use saga::SystemClock;
use store::postgres::Database as Server;

use crate::config::{Config, Flags};
use crate::data_dir::DataDir;
use crate::database::{Database, server, wrong};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    flags: Flags,
}

impl Migrate {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let config = Config::load(&self.flags)?;
        telemetry::start(&config.log, config.log_format);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
        let done = runtime.block_on(migrate(&config))?;
        writeln!(std::io::stdout(), "{done}").context("cannot write what was done")
    }
}

async fn migrate(config: &Config) -> anyhow::Result<String> {
    if let Some(url) = &config.database_url {
        let server = server(config, url)?;
        let migrated = server.patiently(Server::migrate).await.map_err(|error| wrong(config, &server, error))?;
        let place = server.place();
        return Ok(match (migrated.first(), migrated.last()) {
            (Some(first), Some(last)) => format!("{place}: applied migrations {first:04} to {last:04}"),
            _ => format!("{place}: up to date, nothing to do"),
        });
    }
    // A file belongs to one process, which brings it up to date when it starts.
    let folder = DataDir::take(&config.data_dir)?;
    let database = Database::open(config, &folder, Arc::new(SystemClock)).await?;
    let place = database.place.clone();
    database.close().await;
    Ok(format!("{place}: up to date"))
}
