//! What a process does: everything by itself (`serve`), or a part beside others on one database (`api`, `worker`).
//!
//! Each role is a file that reads from its start to its end. What they share is composed once, in the others.

mod api;
mod banner;
mod cluster;
mod condition;
mod counting;
mod hashing;
mod health_port;
mod hints;
mod http;
mod open_files;
mod parts;
mod presence;
mod seams;
mod serve;
mod work;
mod worker;

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Flags};
use crate::{metrics, telemetry};

/// How long requests and jobs in hand may take to finish when the process stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a process does; the name of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything.
    Serve,
    /// Takes requests and runs no steps.
    Api,
    /// Runs steps and takes no requests.
    Worker,
}

impl Role {
    /// Does it until SIGTERM or Ctrl-C.
    pub(crate) fn run(self, flags: &Flags) -> anyhow::Result<()> {
        let config = Config::load(flags)?;
        telemetry::start(&config.log, config.log_format);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
        let ran = runtime.block_on(async {
            let counted = metrics::start(self.name())?;
            match self {
                Self::Serve => serve::run(config, counted).await,
                Self::Api => api::run(config, counted).await,
                Self::Worker => worker::run(config, counted).await,
            }
        });
        // A hash that is still going on would be waited for: nobody needs it any more.
        runtime.shutdown_background();
        ran
    }

    fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`signup {}`", self.name())
    }
}

/// Stops everything when this ends or crashes.
async fn with_stop<T>(work: impl Future<Output = T>, stop: CancellationToken) -> T {
    let _stop = stop.drop_guard();
    work.await
}
