//! apalis-redis, fenced in: the one place that names it.
//!
//! Version 1.0.0 ends a worker at every error of Redis, at every payload that does not decode, and at every id without
//! a payload; it cannot fetch from a long queue, and its ways to be woken lose wakes. What is built around it makes each
//! of these a short delay: look at all of it anew when its version changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{BackendExt, TaskSink, WorkerBuilder, WorkerContext};
use apalis_core::backend::codec::Codec;
use apalis_redis::{Config, RedisStorage};
use redis::aio::ConnectionManager;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::ear::Ear;
use super::gate::Gate;
use super::hint::{Hint, Payload};
use super::queues::Queue;
use super::sieve::Sieve;
use super::wake_source::WakeSource;

/// Between two signs of life of a worker, and how many it may miss before others take its hints.
const HEARTBEAT: (Duration, usize) = (Duration::from_secs(5), 12);
/// How long a worker may take to put back what it has not begun.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Pushes hints, all in one command. Each gets an id of its own.
pub(super) async fn push(connection: ConnectionManager, queue: &Queue, hints: Vec<Hint>) -> Result<(), String> {
    let storage = RedisStorage::<Payload, _>::new(connection).with_config(config(queue, 1));
    let payloads = hints.into_iter().map(Payload::Hint).collect();
    storage.with_codec(Lenient).push_bulk(payloads).await.map_err(|error| error.to_string())
}

/// A worker of hints.
pub(super) struct HintWorker {
    /// Never used before.
    pub(super) name: String,
    pub(super) queue: Queue,
    pub(super) connection: Sieve,
    pub(super) ear: Arc<Ear>,
    pub(super) gate: Gate,
    /// Hints that it takes at a time.
    pub(super) batch: usize,
}

impl HintWorker {
    /// Runs until `stop`, and then lets the hints in hand finish and puts back those that have not begun; or to its
    /// first error.
    pub(super) async fn run<F>(
        self,
        receive: impl Fn(Payload) -> F + Clone + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Result<(), String>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let context = WorkerContext::new(&self.name);
        let storage = RedisStorage::<Payload, _>::new(self.connection)
            .with_config(config(&self.queue, self.batch))
            .with_codec(Lenient)
            .poll_with_strategy(WakeSource::new(self.ear));
        let worker = WorkerBuilder::new(context.clone())
            .backend(storage)
            .layer(self.gate)
            .build(move |payload: Payload| receive(payload));
        let mut running = std::pin::pin!(worker.run());
        tokio::select! {
            biased;
            ended = &mut running => return ended.map_err(|error| error.to_string()),
            () = stop.cancelled() => {}
        }
        if context.stop().is_err() {
            // It has not begun.
            return Ok(());
        }
        // Where Redis does not take them back, its other workers find them when this one has been silent for long.
        let ended = timeout(LAST_WORDS, running).await;
        ended.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
    }
}

fn config(queue: &Queue, batch: usize) -> Config {
    Config::default()
        .queue(&queue.name)
        .batch_size(batch)
        .heartbeat_interval(HEARTBEAT.0)
        .missed_heartbeats(HEARTBEAT.1)
        // Without this a hint is never done with.
        .persist_results(true)
        .lock_tasks(false)
        .emit_events(false)
}

/// Reads anything.
#[derive(Debug, Clone, Copy)]
struct Lenient;

impl Codec<Payload> for Lenient {
    type Error = Infallible;
    type Compact = Vec<u8>;

    fn encode(&self, payload: &Payload) -> Result<Vec<u8>, Infallible> {
        Ok(payload.write())
    }

    fn decode(&self, bytes: &Vec<u8>) -> Result<Payload, Infallible> {
        Ok(Payload::read(bytes))
    }
}
