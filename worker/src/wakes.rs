//! Waking the workers of this process when a step is due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use saga::{Advanced, Listener, StepName, Taker};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Due times that are remembered for a step; past that the tick finds what is due.
const REMEMBERED: usize = 10_000;

/// Tells the workers of this process when a step is due: now, or after a delay.
///
/// It may forget, and it may wake for nothing; a tick makes up for the first, an empty claim for the second.
#[derive(Debug)]
pub struct Wakes {
    steps: BTreeMap<StepName, StepWakes>,
}

#[derive(Debug, Default)]
pub(crate) struct StepWakes {
    /// Something is due now. It is remembered until somebody waits.
    now: Notify,
    /// The earliest due time has changed.
    sooner: Notify,
    later: Mutex<BinaryHeap<Reverse<Instant>>>,
}

/// Why somebody looks for what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// Something is said to be due.
    Wake,
    /// It is time to look all the same.
    Tick,
}

impl Because {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Tick => "tick",
        }
    }
}

impl Wakes {
    /// Wakes for the workers of these steps.
    pub fn new(steps: &[StepName]) -> Self {
        Self { steps: steps.iter().map(|step| (step.clone(), StepWakes::default())).collect() }
    }

    pub(crate) fn of(&self, step: &StepName) -> Option<&StepWakes> {
        self.steps.get(step)
    }
}

impl Listener for Wakes {
    fn advanced(&self, news: &Advanced) {
        let step = news.state.step().filter(|_| news.taker == Taker::Anyone);
        let Some(wakes) = step.and_then(|step| self.of(step)) else { return };
        if news.due_in.is_zero() {
            wakes.now.notify_one();
        } else {
            wakes.remember(Instant::now() + news.due_in);
        }
    }
}

impl StepWakes {
    /// Waits until something may be due: a wake, a due time that was remembered, or the end of `tick`.
    ///
    /// # Cancel safety
    /// A wake is not lost: it is remembered for the next to wait.
    pub(crate) async fn wait(&self, tick: Duration) -> Because {
        let tick = Instant::now() + tick;
        loop {
            let until = self.lock().peek().map_or(tick, |Reverse(due)| tick.min(*due));
            tokio::select! {
                () = self.now.notified() => return Because::Wake,
                () = self.sooner.notified() => {}
                () = sleep_until(until) => {
                    self.forget_past();
                    return if until < tick { Because::Wake } else { Because::Tick };
                }
            }
        }
    }

    fn remember(&self, due: Instant) {
        let mut later = self.lock();
        let soonest = later.peek().is_none_or(|Reverse(known)| due < *known);
        if later.len() < REMEMBERED {
            later.push(Reverse(due));
        }
        if soonest {
            self.sooner.notify_one();
        }
    }

    fn forget_past(&self) {
        let mut later = self.lock();
        let now = Instant::now();
        while later.peek().is_some_and(|Reverse(due)| *due <= now) {
            later.pop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Instant>>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use saga::{Active, OsRandom, SagaId, State, SystemClock};

    use super::*;

    const STEP: StepName = StepName::new("step");
    const TICK: Duration = Duration::from_mins(1);

    fn news(due_in: Duration) -> Advanced {
        let saga = SagaId::new(&SystemClock, &OsRandom);
        Advanced { due_in, ..Advanced::to(saga, State::Active(Active::Running(STEP))) }
    }

    async fn waited(wakes: &Wakes) -> Duration {
        let begun = Instant::now();
        wakes.of(&STEP).unwrap().wait(TICK).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_before_the_wait_is_remembered_once() {
        let wakes = Wakes::new(&[STEP]);
        wakes.advanced(&news(Duration::ZERO));
        wakes.advanced(&news(Duration::ZERO));
        assert_eq!(waited(&wakes).await, Duration::ZERO);
        assert!(waited(&wakes).await >= TICK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_due_time_wakes_when_it_comes_also_one_that_was_told_during_the_wait() {
        let wakes = Wakes::new(&[STEP]);
        wakes.advanced(&news(Duration::from_secs(20)));
        let told = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            wakes.advanced(&news(Duration::from_secs(2)));
        };
        let (first, ()) = tokio::join!(waited(&wakes), told);
        assert_eq!(first.as_secs(), 3);
        assert_eq!(waited(&wakes).await.as_secs(), 17);
        assert_eq!(waited(&wakes).await.as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_another_step_or_of_an_end_wakes_nobody() {
        let wakes = Wakes::new(&[StepName::new("other"), STEP]);
        let ended = State::Ended(saga::End::Completed);
        wakes.advanced(&Advanced { state: ended, ..news(Duration::ZERO) });
        wakes.advanced(&Advanced {
            state: State::Active(Active::Running(StepName::new("other"))),
            ..news(Duration::ZERO)
        });
        assert!(waited(&wakes).await >= TICK);
    }
}
