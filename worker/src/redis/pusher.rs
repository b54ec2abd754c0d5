//! Pushing hints, many at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::ConnectionManager;
use saga::StepName;
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
use super::tally::Tally;

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
    pub(super) tally: &'a Tally,
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
        let how_many = batch.len();
        if !self.health.is_linked() {
            Tally::count(&self.tally.dropped, how_many);
            return;
        }
        let why = match timeout(PATIENCE, self.send(batch)).await {
            Ok(Ok(())) => {
                Tally::count(&self.tally.pushed, how_many);
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => "no answer to a push in time".to_owned(),
        };
        Tally::count(&self.tally.dropped, how_many);
        debug!(%why, hints = how_many, "not pushed");
        self.health.lost(why);
        self.health.suspect();
    }

    async fn send(&self, batch: Vec<Hint>) -> Result<(), String> {
        let mut steps = BTreeMap::<StepName, Vec<Hint>>::new();
        for hint in batch {
            steps.entry(hint.step.clone()).or_default().push(hint);
        }
        let connection = self.link.shared().map_err(|error| error.to_string())?;
        let sent = steps.into_iter().map(|(step, hints)| self.send_of(step, hints, connection.clone()));
        futures_util::future::try_join_all(sent).await.map(drop)
    }

    async fn send_of(&self, step: StepName, hints: Vec<Hint>, mut connection: ConnectionManager) -> Result<(), String> {
        let Some(queue) = self.queues.of(&step) else { return Ok(()) };
        self.hints.pushing(&step, hints.len());
        let mut wake = redis::cmd("PUBLISH");
        wake.arg(&self.queues.wakes).arg(step.as_str());
        // Both go over the same connection, in this order, and neither waits for the other's answer.
        let pushed = backend::push(connection.clone(), queue, hints);
        let woken = wake.query_async::<()>(&mut connection);
        // Whom it does not wake looks at its own tick.
        let (pushed, _) = tokio::join!(biased; pushed, woken);
        pushed
    }
}
