//! Redis, which wakes the workers of other processes and spreads work among them at once.
//!
//! A process that commits a step, and does not go on with the saga itself, pushes a [`hint`]: the saga's id and its step,
//! no more. Every worker process has an apalis-redis worker for each step, which claims just that saga. The saga's row is
//! the truth: a hint that is lost, doubled, late or nonsense leads to no claim, or to one that finds nothing, and what
//! no hint brings is found by the database's own tick.
//!
//! - [`hints`] is told of every advance and says which of them will be pushed; `pusher` pushes them, many at a time.
//! - `pulse` knows whether Redis is well, and how many hints wait there; `health` tells others.
//! - `consumer` keeps an apalis-redis worker alive for each step; `intake` claims what its hints name, all that came
//!   together in one statement, and hands the jobs to the step's own apalis worker.
//! - `backend` is the one place that names apalis-redis, with its fences: `sieve`, `gate`, `wake_source`.
//! - `bell` hears that hints have been pushed, `cleaner` deletes what finished hints leave behind, and `server` looks at
//!   how the server is set up.

mod backend;
mod bell;
mod cleaner;
mod consumer;
mod ear;
mod gate;
mod health;
mod hint;
mod hints;
mod intake;
mod link;
mod names;
mod pulse;
mod pusher;
mod queues;
mod server;
mod sieve;
mod tally;
mod wake_source;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use saga::{Listener, Outline, Random, Saga, StepName};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bell::Bell;
use self::cleaner::Cleaner;
use self::consumer::Consumer;
use self::ear::Ear;
pub use self::health::{RedisHealth, Trouble};
use self::hint::Hint;
use self::hints::{Hints, outbox};
use self::intake::Intake;
use self::link::Link;
use self::names::Names;
use self::pulse::Pulse;
use self::pusher::Pusher;
use self::queues::Queues;
pub use self::tally::Counts;
use self::tally::Tally;
use crate::crew::Crew;
use crate::heartbeat::StepSlots;

/// The URL of a Redis server cannot be used; it may hold a password, so it is not told.
#[derive(Debug, thiserror::Error)]
#[error("not a Redis URL: {0}")]
pub struct BadUrl(String);

/// What a process has to do with Redis.
pub struct Redis {
    link: Link,
    queues: Queues,
    health: RedisHealth,
    hints: Arc<Hints>,
    tally: Arc<Tally>,
    random: Arc<dyn Random>,
    names: Arc<Names>,
    /// Until [`Redis::run`] takes it.
    outbox: Mutex<Option<mpsc::Receiver<Hint>>>,
}

impl Redis {
    /// Redis at this URL, for the hints of this saga. Nothing is connected yet: a server that is
    /// not there is begun to be used when it comes.
    ///
    /// # Errors
    /// If the URL cannot be read.
    pub fn open<S: Saga>(url: &str, outline: &Outline, random: Arc<dyn Random>) -> Result<Arc<Self>, BadUrl> {
        let link = Link::new(url).map_err(|error| BadUrl(error.to_string()))?;
        let (health, tally) = (RedisHealth::new(), Arc::new(Tally::default()));
        let (outbox, received) = mpsc::channel(outbox(outline.steps.len()));
        let hints = Hints::new(&outline.steps, health.clone(), outbox, Arc::clone(&tally));
        Ok(Arc::new(Self {
            link,
            queues: Queues::new::<S>(outline),
            health,
            hints: Arc::new(hints),
            tally,
            random,
            names: Arc::default(),
            outbox: Mutex::new(Some(received)),
        }))
    }

    /// What is to be told of every advance, so that workers of other processes learn of it.
    pub fn listener(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.hints) as _
    }

    /// Whether it is well.
    pub fn health(&self) -> RedisHealth {
        self.health.clone()
    }

    /// What has been done with hints so far.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// Pushes hints and watches over the server until `end`; then pushes what has been told before. Every process with
    /// a [`Redis::listener`] runs it, once, from before its workers to after their end: they tell of what they hand
    /// back.
    pub async fn run(&self, end: CancellationToken) {
        let outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(outbox) = outbox else { return };
        let pulse = Pulse {
            link: &self.link,
            queues: &self.queues,
            health: &self.health,
            hints: &self.hints,
            random: &*self.random,
        };
        let pusher =
            Pusher { link: &self.link, queues: &self.queues, health: &self.health, hints: &self.hints, outbox };
        tokio::select! {
            () = pulse.beat() => {}
            () = pusher.push_until(end) => {}
        }
    }

    /// Starts to consume hints, until `stop`.
    pub(crate) fn consume<S: Saga>(
        self: &Arc<Self>,
        crew: &Arc<Crew<S>>,
        slots: &BTreeMap<StepName, StepSlots>,
        process: &str,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) {
        self.hints.has_workers(stop);
        let mut ears = BTreeMap::new();
        for (step, slots) in slots {
            let Some(queue) = self.queues.of(step) else { continue };
            let ear = Arc::new(Ear::default());
            ears.insert(step.clone(), Arc::clone(&ear));
            let consumer = Consumer {
                redis: Arc::clone(self),
                queue: queue.clone(),
                process: process.to_owned(),
                slots: slots.clone(),
                ear,
                stop: stop.clone(),
            };
            let intake = Intake::new(crew, step, slots, self, stop);
            tasks.spawn(consumer.consume(intake));
        }
        let bell = Bell { redis: Arc::clone(self), ears };
        tasks.spawn(stop.clone().run_until_cancelled_owned(bell.listen()));
        let cleaner = Cleaner { redis: Arc::clone(self) };
        tasks.spawn(stop.clone().run_until_cancelled_owned(cleaner.clean()));
    }
}

impl std::fmt::Debug for Redis {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("health", &self.health).finish_non_exhaustive()
    }
}
