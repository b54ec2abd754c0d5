//! Handing on what this process counts, so that operators see what all of them do.

use std::sync::Arc;
use std::time::Duration;

use saga::Random;
use saga::store::Error;
use signup::statistics::{Counted, Statistics};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::metrics::Tally;

/// Between two times at which it is handed on.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the last time may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How much is kept while nobody takes it.
const MOST: usize = 10_000;

/// What this process counts, handed on until it ends.
pub(super) struct Counting {
    end: CancellationToken,
    handing: JoinHandle<()>,
}

impl Counting {
    /// Hands it on from now on.
    pub(super) fn begin(tally: Arc<Tally>, statistics: Arc<dyn Statistics>, random: Arc<dyn Random>) -> Self {
        let end = CancellationToken::new();
        let handing = tokio::spawn(hand_on(tally, statistics, random, end.clone()));
        Self { end, handing }
    }

    /// Hands on the rest.
    pub(super) async fn end(self) {
        self.end.cancel();
        if timeout(LAST_WORDS, self.handing).await.is_err() {
            debug!("what was counted last is not in the statistics");
        }
    }
}

async fn hand_on(tally: Arc<Tally>, statistics: Arc<dyn Statistics>, random: Arc<dyn Random>, end: CancellationToken) {
    let mut kept = Vec::new();
    loop {
        let stopping = end.run_until_cancelled(sleep(random.upper_half(PAUSE))).await.is_none();
        kept.extend(tally.take());
        if !kept.is_empty() {
            kept = left(statistics.add(&kept).await, kept);
        }
        if stopping {
            return;
        }
    }
}

/// What is to be handed on again: in doubt nothing, which may lose some, and counts none twice.
fn left(added: Result<(), Error>, counted: Vec<Counted>) -> Vec<Counted> {
    match added {
        Ok(()) => Vec::new(),
        Err(error @ Error::Unavailable(_)) if counted.len() < MOST => {
            debug!(%error, "statistics put off");
            counted
        }
        Err(error) => {
            warn!(%error, rows = counted.len(), "not in the statistics");
            Vec::new()
        }
    }
}
