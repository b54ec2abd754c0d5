//! Being seen by operators, for a process without workers: theirs tell of themselves.

use std::sync::Arc;
use std::time::Duration;

use saga::Fleet;
use saga::fleet::{BEAT, Process};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long taking leave may take.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// A process that tells that it lives, until it takes leave.
pub(super) struct Presence {
    end: CancellationToken,
    telling: JoinHandle<()>,
}

impl Presence {
    /// Tells so from now on.
    pub(super) fn begin(fleet: Arc<dyn Fleet>, process: Process) -> Self {
        let end = CancellationToken::new();
        Self { telling: tokio::spawn(tell(fleet, process, end.clone())), end }
    }

    /// Tells that the process is gone.
    pub(super) async fn take_leave(self) {
        self.end.cancel();
        if timeout(LAST_WORDS, self.telling).await.is_err() {
            warn!("operators may see this process for a while yet");
        }
    }
}

async fn tell(fleet: Arc<dyn Fleet>, process: Process, end: CancellationToken) {
    let mut seen = true;
    while !end.is_cancelled() {
        let beat = fleet.beat(&process).await;
        // Said when it changes, and not each time.
        match &beat {
            Ok(()) if !seen => info!("operators see this process again"),
            Err(error) if seen => warn!(%error, "operators do not see this process: its heartbeat fails"),
            Ok(()) | Err(_) => {}
        }
        seen = beat.is_ok();
        end.run_until_cancelled(sleep(BEAT)).await;
    }
    if let Err(error) = fleet.leave(&process.name).await {
        warn!(%error, "this process could not say that it ends");
    }
}
