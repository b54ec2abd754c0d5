//! Which sagas are told of through Redis.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use saga::{Advanced, Listener, StepName, Taker};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::health::RedisHealth;
use super::hint::Hint;
use super::tally::{Fate, Tally};

/// Hints of a step that wait in Redis: apalis-redis cannot fetch any from more than 7 900.
const DEEP: usize = 3_000;
/// Hints of a step that a process promises between two looks at how many wait. Ten processes that promise as many, with
/// nobody who takes any, stay below what can be fetched.
const UNSEEN: usize = 400;

/// How many hints may wait to be pushed. Past that they are dropped, and the tick finds their sagas.
pub(super) fn outbox(steps: usize) -> usize {
    2 * UNSEEN * steps.max(1)
}

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
    /// Told by this process, and not in what was seen.
    unseen: AtomicUsize,
    /// Of those, the ones that are pushed.
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
        let Some(depth) = self.depths.get(&hint.step) else { return };
        depth.unseen.fetch_add(1, Ordering::Relaxed);
        if let Err(refused) = self.outbox.try_send(hint) {
            self.dropped(&refused.into_inner().step, 1);
        }
    }

    /// So many hints were pushed. Where they are many, it is looked at once how many wait.
    pub(super) fn pushed(&self, step: &StepName, how_many: usize) {
        self.tally.count(Fate::Pushed, how_many);
        let Some(depth) = self.depths.get(step) else { return };
        if depth.pushed.fetch_add(how_many, Ordering::Relaxed) + how_many > UNSEEN / 2 {
            self.health.suspect();
        }
    }

    /// So many hints were told, and will not be pushed.
    pub(super) fn dropped(&self, step: &StepName, how_many: usize) {
        self.tally.count(Fate::Dropped, how_many);
        if let Some(depth) = self.depths.get(step) {
            depth.unseen.fetch_sub(how_many, Ordering::Relaxed);
        }
    }

    /// How many have been pushed since it was last looked how many wait.
    pub(super) fn unseen(&self) -> BTreeMap<StepName, usize> {
        let pushed = self.depths.iter().map(|(step, depth)| (step.clone(), depth.pushed.load(Ordering::Relaxed)));
        pushed.collect()
    }

    /// So many wait in Redis; of those that were pushed, `unseen` had been before it was looked.
    pub(super) fn seen(&self, step: &StepName, waiting: usize, unseen: usize) {
        if let Some(depth) = self.depths.get(step) {
            depth.seen.store(waiting, Ordering::Relaxed);
            depth.pushed.fetch_sub(unseen, Ordering::Relaxed);
            depth.unseen.fetch_sub(unseen, Ordering::Relaxed);
        }
    }
}

impl Depth {
    fn has_room(&self) -> bool {
        let unseen = self.unseen.load(Ordering::Relaxed);
        unseen < UNSEEN && self.seen.load(Ordering::Relaxed) + unseen < DEEP
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
        let will = self.health.is_linked() && self.depths.get(step).is_some_and(Depth::has_room);
        if !will {
            self.tally.count(Fate::Refused, 1);
        }
        will
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use saga::{Active, OsRandom, SagaId, State, SystemClock};

    use super::*;

    const STEP: StepName = StepName::new("step");

    fn hints() -> (Hints, mpsc::Receiver<Hint>) {
        let (outbox, received) = mpsc::channel(outbox(1));
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
        let (hints, _received) = hints();
        assert!(hints.will_tell(&STEP) && !hints.will_tell(&StepName::new("other")));
        hints.health.lost("gone".to_owned());
        assert!(!hints.will_tell(&STEP));
        hints.health.found();
        for _ in 0..UNSEEN {
            assert!(hints.will_tell(&STEP));
            hints.advanced(&news(Taker::Told));
        }
        assert!(!hints.will_tell(&STEP));
        // Whoever looks now does not see those that are not pushed yet.
        hints.seen(&STEP, 0, hints.unseen()[&STEP]);
        assert!(!hints.will_tell(&STEP));
        hints.pushed(&STEP, UNSEEN - 1);
        hints.seen(&STEP, DEEP, hints.unseen()[&STEP]);
        assert!(!hints.will_tell(&STEP));
        hints.seen(&STEP, DEEP - 1, 0);
        assert!(!hints.will_tell(&STEP));
        hints.dropped(&STEP, 1);
        assert!(hints.will_tell(&STEP));
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_dropped_and_counted() {
        let (hints, _received) = hints();
        for _ in 0..outbox(1) + 3 {
            hints.advanced(&news(Taker::Told));
        }
        assert_eq!(hints.tally.counts().dropped, 3);
    }
}
