//! When no more sign-ups are taken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{counter, gauge};
use saga::{Backlog, Outline, Random};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use crate::problem::Problem;

/// How far behind the workers may be. What they do not reach within this is late already; what is taken besides would
/// be later still.
const BEHIND: Duration = Duration::from_mins(1);
/// From when on they have caught up.
const CAUGHT_UP: Duration = Duration::from_secs(30);
/// How many looks in a row must see them behind: where they have only just come back, they need a moment.
const LOOKS: u32 = 3;
/// For how long it is believed that they are behind, if no look tells.
const BELIEVED: Duration = Duration::from_secs(30);
/// Between two looks at how far they are, at most.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is also looked how many wait, in looks.
const CENSUS: u32 = 10;
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How many sign-ups the store is asked to accept at once. It accepts many together; more than these gain nothing.
const AT_ONCE: usize = 256;
/// How long a sign-up may wait until it is among them.
const QUEUE: Duration = Duration::from_secs(1);
/// When those come back who were sent away, at the soonest: each some time within twice of it, not all at once.
const SOON: u64 = 2;
/// The same, where the workers are behind.
const LATER: u64 = 15;

/// Whether more sign-ups can be taken.
///
/// At too much, new ones are refused early, and everything else goes on: those that were accepted are worked on and told
/// of, and repetitions are answered.
pub struct Overload {
    random: Arc<dyn Random>,
    places: Arc<Semaphore>,
    behind: Arc<AtomicBool>,
    _looking: AbortOnDropHandle<()>,
}

/// Why sign-ups are refused.
enum Reason {
    /// The oldest sign-up that somebody could work on has waited for too long.
    Backlog,
    /// Too many are being accepted.
    Queue,
}

impl Overload {
    /// Looks at what waits from now on.
    pub fn begin(backlog: Arc<dyn Backlog>, outline: Outline, random: Arc<dyn Random>) -> Self {
        let behind = Arc::<AtomicBool>::default();
        let lookout = Lookout { backlog, outline, behind: Arc::clone(&behind), random: Arc::clone(&random) };
        let looking = AbortOnDropHandle::new(tokio::spawn(lookout.look()));
        Self { random, places: Arc::new(Semaphore::new(AT_ONCE)), behind, _looking: looking }
    }

    /// Whether the workers keep up with what they have.
    pub(crate) fn keeps_up(&self) -> Result<(), Problem> {
        if self.behind.load(Ordering::Relaxed) { Err(self.refusal(&Reason::Backlog)) } else { Ok(()) }
    }

    /// A place among those that are accepted now, until it is dropped.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        match timeout(QUEUE, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.refusal(&Reason::Queue)),
        }
    }

    fn refusal(&self, reason: &Reason) -> Problem {
        let (word, soonest) = match reason {
            Reason::Backlog => ("backlog", LATER),
            Reason::Queue => ("queue", SOON),
        };
        counter!("signup_shed_total", "reason" => word).increment(1);
        debug!(reason = word, "a sign-up is refused: there is too much to do");
        self.later(soonest)
    }

    /// More passwords wait to be hashed than can be in time.
    pub(crate) fn too_many_hashes(&self) -> Problem {
        self.later(SOON)
    }

    fn later(&self, soonest: u64) -> Problem {
        let within = Duration::from_secs(soonest).mul_f64(self.random.fraction());
        Problem::Overloaded { retry_after: soonest + within.as_secs() }
    }
}

/// Looks at what waits, for ever.
struct Lookout {
    backlog: Arc<dyn Backlog>,
    outline: Outline,
    behind: Arc<AtomicBool>,
    random: Arc<dyn Random>,
}

impl Lookout {
    async fn look(self) {
        let (mut over, mut told) = (0, Instant::now());
        for round in 0_u32.. {
            if round.is_multiple_of(CENSUS) {
                self.count().await;
            }
            match self.longest_wait().await {
                Some(longest) => {
                    gauge!("signup_backlog_age_seconds").set(longest);
                    told = Instant::now();
                    over = if longest > BEHIND { over + 1 } else { 0 };
                    self.judge(longest, over);
                }
                None if told.elapsed() > BELIEVED && self.behind.swap(false, Ordering::Relaxed) => {
                    warn!("not known any more how far the workers are behind: new sign-ups are taken again");
                }
                None => {}
            }
            sleep(self.random.upper_half(LOOK)).await;
        }
    }

    fn judge(&self, longest: Duration, over: u32) {
        if over >= LOOKS && !self.behind.swap(true, Ordering::Relaxed) {
            warn!(?longest, "the workers are behind: new sign-ups are refused until they catch up");
        } else if longest < CAUGHT_UP && self.behind.swap(false, Ordering::Relaxed) {
            info!("the workers have caught up: new sign-ups are taken again");
        }
    }

    /// Tells how many wait, and how many are stuck.
    async fn count(&self) {
        let (backlog, outline) = (Arc::clone(&self.backlog), self.outline.clone());
        let look = AbortOnDropHandle::new(tokio::spawn(async move { backlog.census(&outline).await }));
        let Ok(Ok(Ok(census))) = timeout(LIMIT, look).await else {
            return debug!("not known how many sagas wait");
        };
        gauge!("signup_sagas_stuck").set(narrow(census.stuck));
        for (step, waiting) in census.waiting {
            gauge!("signup_queue_depth", "step" => step.to_string()).set(narrow(waiting));
        }
    }

    /// In a task of its own: a store that panics fails this look and no other.
    async fn longest_wait(&self) -> Option<Duration> {
        let (backlog, outline) = (Arc::clone(&self.backlog), self.outline.clone());
        let look = AbortOnDropHandle::new(tokio::spawn(async move { backlog.longest_wait(&outline).await }));
        match timeout(LIMIT, look).await {
            Ok(Ok(Ok(longest))) => return Some(longest),
            Ok(Ok(Err(error))) => debug!(%error, "not known how far the workers are behind"),
            Ok(Err(_)) | Err(_) => debug!("not known in time how far the workers are behind"),
        }
        None
    }
}

/// A count that is bounded anyway.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl fmt::Debug for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overload").field("behind", &self.behind).finish_non_exhaustive()
    }
}
