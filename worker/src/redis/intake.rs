//! From a hint to a job.

use std::sync::Arc;
use std::time::Duration;

use saga::{Next, Saga, SagaId, StepName};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Redis;
use super::hint::{Hint, Payload};
use super::hints::Hints;
use super::tally::{Fate, Tally};
use crate::crew::Crew;
use crate::heartbeat::StepSlots;

/// How long a hint waits for a free slot. Then it is dropped, and whoever looks for due sagas finds its one.
const WAIT: Duration = Duration::from_secs(2);
/// Sagas in one claim.
const BATCH: usize = 32;

/// Takes in the hints of one step.
///
/// A hint is done with once its saga is claimed, or is not to be had. The job goes to the step's own apalis worker: so
/// nothing that happens to Redis meets a step that has begun, and hints are in hand for no longer than a claim.
#[derive(Clone)]
pub(super) struct Intake {
    step: StepName,
    slots: Arc<Semaphore>,
    asks: UnboundedSender<Ask>,
    hints: Arc<Hints>,
    tally: Arc<Tally>,
    stop: CancellationToken,
}

/// A saga to claim.
struct Ask {
    saga: SagaId,
    slot: OwnedSemaphorePermit,
    /// Dropped when it is claimed, or cannot be.
    _settled: oneshot::Sender<()>,
}

impl Intake {
    pub(super) fn new<S: Saga>(
        crew: &Arc<Crew<S>>,
        step: &StepName,
        slots: &StepSlots,
        redis: &Redis,
        end: &CancellationToken,
    ) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        crew.tasks.spawn(collect(Arc::clone(crew), step.clone(), asked, Arc::clone(&redis.tally)));
        Self {
            step: step.clone(),
            slots: Arc::clone(&slots.free),
            asks,
            hints: Arc::clone(&redis.hints),
            tally: Arc::clone(&redis.tally),
            stop: end.clone(),
        }
    }

    /// Claims what a hint names, and hands it on. Returns when that is settled.
    pub(super) async fn receive(self, payload: Payload) {
        self.tally.count(Fate::Heard, 1);
        let hint = match payload {
            Payload::Hint(hint) if hint.step == self.step => hint,
            Payload::Hint(_) | Payload::Foreign => {
                self.tally.count(Fate::Foreign, 1);
                debug!(step = %self.step, "a hint that makes no sense");
                return;
            }
        };
        let slot = timeout(WAIT, Arc::clone(&self.slots).acquire_owned());
        match self.stop.run_until_cancelled(slot).await {
            // Somebody else shall take it.
            None => self.hints.tell(hint),
            Some(Ok(Ok(slot))) => self.ask(hint, slot).await,
            Some(Ok(Err(_)) | Err(_)) => {
                self.tally.count(Fate::Crowded, 1);
                debug!(saga.id = %hint.saga, step = %hint.step, "no free slot for a hint");
            }
        }
    }

    async fn ask(&self, hint: Hint, slot: OwnedSemaphorePermit) {
        let (settled, answer) = oneshot::channel();
        let _ = self.asks.send(Ask { saga: hint.saga, slot, _settled: settled });
        let _ = answer.await;
    }
}

/// Claims what is asked for, until nobody asks any more: all that came while the last claim was under way in one
/// statement. It is a task of the crew's, which no end of a worker cuts short: a claim that is dropped half-way would
/// hold sagas until their leases run out.
async fn collect<S: Saga>(crew: Arc<Crew<S>>, step: StepName, mut asked: UnboundedReceiver<Ask>, tally: Arc<Tally>) {
    let mut asks = Vec::new();
    while asked.recv_many(&mut asks, BATCH).await > 0 {
        let mut sagas: Vec<_> = asks.iter().map(|ask| ask.saga).collect();
        sagas.sort();
        sagas.dedup();
        let claimed = crew.engine.claim_these(&step, &sagas).await;
        if let Ok(jobs) = &claimed
            && jobs.len() < asks.len()
        {
            let absorbed = asks.len() - jobs.len();
            debug!(%step, hints = absorbed, "hints of no use: their sagas are not to be had");
            tally.count(Fate::Absorbed, absorbed);
        }
        let jobs = claimed.unwrap_or_else(|error| {
            warn!(%step, %error, "nothing claimed");
            Vec::new()
        });
        tally.count(Fate::Claimed, jobs.len());
        // One slot is as good as another.
        for (job, ask) in jobs.into_iter().zip(asks.drain(..)) {
            crew.go_on(Next { job, slot: ask.slot });
        }
        asks.clear();
    }
}
