//! Which sagas are told of through Redis.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use saga::{Advanced, Listener, StepName, Taker};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::health::RedisHealth;
use super::hint::Hint;
use super::tally::Tally;

/// Hints that may wait to be pushed. Past that they are dropped, and the tick finds their sagas.
pub(super) const OUTBOX: usize = 2_048;
/// Room in the outbox for those that are promised at the same time.
const SPARE: usize = 256;
/// Hints of a step that wait in Redis: apalis-redis cannot fetch any from more than 7 900.
const DEEP: usize = 3_000;
/// Hints of a step that a process pushes between two looks at how many wait there. Ten processes that push as many,
/// and that nobody takes any from, stay below what can be fetched.
const UNSEEN: usize = 400;

/// Promises hints, and keeps the promise.
pub(super) struct Hints {
    health: RedisHealth,
    outbox: mpsc::Sender<Hint>,
    depths: BTreeMap<StepName, Depth>,
    tally: Arc<Tally>,
    /// Until when this process has workers of its own, if it has any.
    workers: OnceLock<CancellationToken>,
}

/// How many hints of a step wait in Redis, as far as this process knows.
///
/// There is no account of each hint across processes: what waits there is what counts, whoever pushed it.
#[derive(Debug, Default)]
struct Depth {
    /// When it was last looked at.
    seen: AtomicUsize,
    /// Pushed by this process since.
    pushed: AtomicUsize,
}

impl Hints {
    pub(super) fn new(steps: &[StepName], health: RedisHealth, outbox: mpsc::Sender<Hint>, tally: Arc<Tally>) -> Self {
        let depths = steps.iter().map(|step| (step.clone(), Depth::default())).collect();
        Self { health, outbox, depths, tally, workers: OnceLock::new() }
    }

    /// This process has workers of its own until `stop`: they take what is anybody's.
    pub(super) fn has_workers(&self, stop: &CancellationToken) {
        let _ = self.workers.set(stop.clone());
    }

    /// Whether others are to be told of what is anybody's: of an operator's action, and of what is handed back by a
    /// process that stops.
    fn is_for_others(&self, news: &Advanced) -> bool {
        news.due_in.is_zero() && self.workers.get().is_none_or(CancellationToken::is_cancelled)
    }

    /// Has a hint pushed, if there is room for it.
    pub(super) fn tell(&self, hint: Hint) {
        if self.outbox.try_send(hint).is_err() {
            Tally::count(&self.tally.dropped, 1);
        }
    }

    /// So many hints are being pushed. Where they are many, it is looked at once how many wait.
    pub(super) fn pushing(&self, step: &StepName, how_many: usize) {
        if let Some(depth) = self.depths.get(step) {
            let pushed = depth.pushed.fetch_add(how_many, Ordering::Relaxed) + how_many;
            if pushed > UNSEEN / 2 {
                self.health.suspect();
            }
        }
    }

    /// How many have been pushed since it was last looked how many wait.
    pub(super) fn unseen(&self) -> BTreeMap<StepName, usize> {
        let pushed = self.depths.iter().map(|(step, depth)| (step.clone(), depth.pushed.load(Ordering::Relaxed)));
        pushed.collect()
    }

    /// So many wait in Redis; `unseen` were known before it was looked.
    pub(super) fn seen(&self, step: &StepName, waiting: usize, unseen: usize) {
        if let Some(depth) = self.depths.get(step) {
            depth.seen.store(waiting, Ordering::Relaxed);
            depth.pushed.fetch_sub(unseen, Ordering::Relaxed);
        }
    }
}

impl Depth {
    fn has_room(&self) -> bool {
        let pushed = self.pushed.load(Ordering::Relaxed);
        pushed < UNSEEN && self.seen.load(Ordering::Relaxed) + pushed < DEEP
    }
}

impl Listener for Hints {
    fn advanced(&self, news: &Advanced) {
        let Some(step) = news.state.step() else { return };
        let tells = match news.taker {
            Taker::Told => true,
            Taker::Anyone => self.is_for_others(news) && self.will_tell(step),
            Taker::Holder => false,
        };
        if tells {
            self.tell(Hint { saga: news.saga, step: step.clone() });
        }
    }

    fn will_tell(&self, step: &StepName) -> bool {
        self.health.is_linked() && self.outbox.capacity() > SPARE && self.depths.get(step).is_some_and(Depth::has_room)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use saga::{Active, OsRandom, SagaId, State, SystemClock};

    use super::*;

    const STEP: StepName = StepName::new("step");

    fn hints() -> (Hints, mpsc::Receiver<Hint>) {
        let (outbox, received) = mpsc::channel(OUTBOX);
        let health = RedisHealth::new();
        health.found();
        (Hints::new(&[STEP], health, outbox, Arc::default()), received)
    }

    fn news(taker: Taker) -> Advanced {
        let saga = SagaId::new(&SystemClock, &OsRandom);
        Advanced { taker, ..Advanced::to(saga, State::Active(Active::Running(STEP))) }
    }

    #[tokio::test]
    async fn where_there_are_workers_only_what_was_promised_is_told() {
        let (hints, mut received) = hints();
        let stop = CancellationToken::new();
        hints.has_workers(&stop);
        let promised = news(Taker::Told);
        for news in [&news(Taker::Anyone), &promised, &news(Taker::Holder)] {
            hints.advanced(news);
        }
        assert_eq!(received.try_recv(), Ok(Hint { saga: promised.saga, step: STEP }));
        received.try_recv().unwrap_err();
        stop.cancel();
        let handed_back = news(Taker::Anyone);
        hints.advanced(&handed_back);
        hints.advanced(&Advanced { due_in: Duration::from_secs(1), ..news(Taker::Anyone) });
        assert_eq!(received.try_recv(), Ok(Hint { saga: handed_back.saga, step: STEP }));
        received.try_recv().unwrap_err();
    }

    #[tokio::test]
    async fn nothing_is_promised_while_redis_is_away_or_many_wait_there_or_here() {
        let (hints, mut received) = hints();
        assert!(hints.will_tell(&STEP) && !hints.will_tell(&StepName::new("other")));
        hints.health.lost("gone".to_owned());
        assert!(!hints.will_tell(&STEP));
        hints.health.found();
        hints.pushing(&STEP, UNSEEN);
        assert!(!hints.will_tell(&STEP));
        hints.seen(&STEP, DEEP, hints.unseen()[&STEP]);
        assert!(!hints.will_tell(&STEP));
        hints.seen(&STEP, DEEP - 1, 0);
        assert!(hints.will_tell(&STEP));
        for _ in 0..OUTBOX - SPARE {
            hints.advanced(&news(Taker::Told));
        }
        assert!(!hints.will_tell(&STEP));
        received.recv().await.unwrap();
        assert!(hints.will_tell(&STEP));
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_dropped_and_counted() {
        let (hints, _received) = hints();
        for _ in 0..OUTBOX + 3 {
            hints.advanced(&news(Taker::Told));
        }
        assert_eq!(hints.tally.counts().dropped, 3);
    }
}
