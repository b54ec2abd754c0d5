//! An apalis-redis worker that always comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use saga::Retry;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Redis;
use super::backend::HintWorker;
use super::ear::Ear;
use super::gate::Gate;
use super::intake::Intake;
use super::queues::Queue;
use super::sieve::Sieve;
use crate::heartbeat::StepSlots;

/// Between a worker's end and the next one's start: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(100), Duration::from_secs(10));
/// A worker that has lived for so long did not fail at its start.
const SETTLED: Duration = Duration::from_secs(30);
/// Hints that a worker takes at a time, if it has slots for as many.
const BATCH: usize = 32;

/// Consumes the hints of one step.
pub(super) struct Consumer {
    pub(super) redis: Arc<Redis>,
    pub(super) queue: Queue,
    pub(super) process: String,
    pub(super) slots: StepSlots,
    pub(super) ear: Arc<Ear>,
    pub(super) stop: CancellationToken,
}

impl Consumer {
    /// Runs one worker after another until it is to stop: any error of Redis ends one. Each has a name of its own, since
    /// apalis-redis takes one whose name it knows for one that still lives.
    pub(super) async fn consume(self, intake: Intake) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            if self.stop.run_until_cancelled(self.redis.health.linked()).await.is_none() {
                return;
            }
            let begun = Instant::now();
            let Err(why) = self.run_one(intake.clone()).await else { return };
            failures = if begun.elapsed() < SETTLED { failures + 1 } else { 1 };
            debug!(step = %self.queue.step, %why, failures, "a worker of hints has ended");
            self.redis.tally.restarted();
            self.redis.health.worker_ended(&self.queue.step, why);
            let pause = PAUSES.delay(failures, self.redis.random.fraction());
            self.stop.run_until_cancelled(sleep(pause)).await;
        }
    }

    /// Runs a worker to its end: `Ok` if it was to stop.
    async fn run_one(&self, intake: Intake) -> Result<(), String> {
        let Some(connection) = self.stop.run_until_cancelled(self.redis.link.workers()).await else { return Ok(()) };
        let connection = connection.map_err(|error| error.to_string())?;
        let name = self.redis.names.fresh(&self.process, &self.queue);
        let worker = HintWorker {
            name: name.clone(),
            queue: self.queue.clone(),
            connection: Sieve::new(connection, Arc::clone(&self.ear), self.answered()),
            ear: Arc::clone(&self.ear),
            gate: Gate(Arc::clone(&self.slots.free)),
            batch: self.slots.all.clamp(1, BATCH),
        };
        // In a task of its own, so that a panic in it is one more way to end.
        let run = worker.run(move |payload| intake.clone().receive(payload), self.stop.clone());
        let ended = tokio::spawn(run).await.unwrap_or_else(|crash| Err(crash.to_string()));
        self.redis.names.ended(&name, &self.queue);
        if self.stop.is_cancelled() { Ok(()) } else { ended.and(Err("it ended by itself".to_owned())) }
    }

    /// Says that the worker works, when Redis first answers it.
    fn answered(&self) -> Arc<dyn Fn() + Send + Sync> {
        let (health, step, said) = (self.redis.health.clone(), self.queue.step.clone(), AtomicBool::new(false));
        Arc::new(move || {
            if !said.swap(true, Ordering::Relaxed) {
                health.worker_works(&step);
            }
        })
    }
}
