//! Pushing hints, many at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use saga::StepName;
#[cfg(feature = "testing")]
use saga::testing::crash;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::backend;
use super::health::RedisHealth;
use super::hint::Hint;
use super::hints::Hints;
use super::link::{Link, PATIENCE};
use super::queues::Queues;

/// Hints in one push.
const BATCH: usize = 512;
/// Between two pushes, so that under load a worker is woken for many hints, and not for each.
const BREATH: Duration = Duration::from_millis(1);

/// Pushes what the [`Hints`] promise.
pub(super) struct Pusher<'a> {
    pub(super) link: &'a Link,
    pub(super) queues: &'a Queues,
    pub(super) health: &'a RedisHealth,
    pub(super) hints: &'a Hints,
    pub(super) outbox: mpsc::Receiver<Hint>,
}

impl Pusher<'_> {
    /// Pushes until `end`, and then what is left.
    pub(super) async fn push_until(mut self, end: CancellationToken) {
        while !end.is_cancelled() {
            let mut batch = Vec::new();
            if end.run_until_cancelled(self.outbox.recv_many(&mut batch, BATCH)).await.is_some() {
                let begun = Instant::now();
                self.push(batch).await;
                sleep_until(begun + BREATH).await;
            }
        }
        let mut rest = Vec::new();
        while let Ok(hint) = self.outbox.try_recv() {
            rest.push(hint);
        }
        if !rest.is_empty() {
            self.push(rest).await;
        }
    }

    /// Pushes them, or drops them: whoever looks for due sagas finds theirs a second later.
    async fn push(&self, batch: Vec<Hint>) {
        let mut steps = BTreeMap::<StepName, Vec<Hint>>::new();
        for hint in batch {
            steps.entry(hint.step.clone()).or_default().push(hint);
        }
        futures_util::future::join_all(steps.into_iter().map(|(step, hints)| self.push_of(step, hints))).await;
    }

    async fn push_of(&self, step: StepName, hints: Vec<Hint>) {
        let how_many = hints.len();
        if !self.health.is_linked() {
            return self.hints.dropped(&step, how_many);
        }
        let why = match timeout(PATIENCE, self.send(&step, hints)).await {
            Ok(Ok(())) => {
                self.hints.pushed(&step, how_many);
                #[cfg(feature = "testing")]
                crash::came_back(&crash::Act::Hint).await;
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => "no answer to a push in time".to_owned(),
        };
        self.hints.dropped(&step, how_many);
        debug!(%step, %why, hints = how_many, "not pushed");
        self.health.lost(why);
        self.health.suspect();
    }

    async fn send(&self, step: &StepName, hints: Vec<Hint>) -> Result<(), String> {
        let Some(queue) = self.queues.of(step) else { return Ok(()) };
        let mut connection = self.link.shared().map_err(|error| error.to_string())?;
        let mut wake = redis::cmd("PUBLISH");
        wake.arg(&self.queues.wakes).arg(step.as_str());
        // Both go over the same connection, in this order, and neither waits for the other's answer.
        let pushed = backend::push(connection.clone(), queue, hints);
        #[cfg(feature = "testing")]
        let pushed = crash::through(&crash::Act::Hint, None, pushed, || "the answer was lost".to_owned());
        let woken = wake.query_async::<()>(&mut connection);
        // Whom it does not wake looks at its own tick.
        let (pushed, _) = tokio::join!(biased; pushed, woken);
        pushed
    }
}
