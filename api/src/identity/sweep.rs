//! Forgets sessions that are over.

use std::sync::Arc;
use std::time::Duration;

use accounts::Sessions;
use saga::Random;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info};

/// Between two sweeps, at most.
const PAUSE: Duration = Duration::from_hours(1);

/// Sweeps again and again, until this is dropped.
pub(super) fn begin(sessions: Arc<dyn Sessions>, random: Arc<dyn Random>) -> AbortOnDropHandle<()> {
    let sweep = async move {
        loop {
            sleep(random.upper_half(PAUSE)).await;
            match sessions.sweep().await {
                Ok(0) => {}
                Ok(swept) => info!(swept, "sessions are forgotten that were over"),
                Err(error) => debug!(%error, "sessions not swept"),
            }
        }
    };
    AbortOnDropHandle::new(tokio::spawn(sweep))
}
