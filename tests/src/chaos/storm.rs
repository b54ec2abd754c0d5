//! While things go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use saga::{Clock, SystemClock};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::book::Book;
use super::fault::{Fault, Kind};
use super::inflict::inflict;
use super::schedule::Planned;
use super::seat::blame;
use super::watch::Watch;
use super::world::World;

/// Between two lines about how it goes.
const PROGRESS: Duration = Duration::from_secs(5);

/// What has gone wrong.
#[derive(Debug, Default)]
pub(super) struct Storm {
    /// How often what.
    pub(super) faults: BTreeMap<Kind, usize>,
    /// When each was over after which nothing was wrong any more.
    pub(super) healed: Vec<Timestamp>,
    /// What should not have gone wrong besides.
    pub(super) wrong: Vec<String>,
    now: Vec<Fault>,
}

impl Storm {
    /// Everything goes wrong as it is planned to.
    pub(super) async fn pass(
        world: &Arc<World>,
        book: &Arc<Book>,
        watch: &Watch,
        plan: &[Planned],
        tell: impl Fn(&str),
    ) -> Self {
        let (begun, storm, mut faults) = (Instant::now(), Arc::new(Mutex::new(Self::default())), JoinSet::new());
        for planned in plan.iter().copied() {
            let (world, book, storm) = (Arc::clone(world), Arc::clone(book), Arc::clone(&storm));
            faults.spawn(async move {
                sleep_until(begun + planned.at).await;
                lock(&storm).now.push(planned.fault);
                let outcome = inflict(&world, &book, planned).await;
                lock(&storm).is_over(planned.fault, outcome);
            });
        }
        let progress = async {
            let mut told = BTreeSet::new();
            loop {
                sleep(PROGRESS).await;
                tell(&line(begun.elapsed(), book, watch, &lock(&storm).now));
                for wrong in watch.found().into_iter().chain(book.wrong()).chain(lock(&storm).wrong.clone()) {
                    if told.insert(wrong.clone()) {
                        tell(&format!("WRONG {wrong}"));
                    }
                }
            }
        };
        tokio::select! {
            () = progress => {}
            () = async {
                while let Some(joined) = faults.join_next().await {
                    if let Err(error) = joined {
                        lock(&storm).wrong.push(blame(&error.into()));
                    }
                }
            } => {}
        }
        std::mem::take(&mut *lock(&storm))
    }

    fn is_over(&mut self, fault: Fault, outcome: anyhow::Result<()>) {
        if let Some(place) = self.now.iter().position(|now| *now == fault) {
            self.now.remove(place);
        }
        *self.faults.entry(fault.kind).or_default() += 1;
        if self.now.is_empty() {
            self.healed.push(SystemClock.now());
        }
        if let Err(error) = outcome {
            self.wrong.push(blame(&error.context(fault)));
        }
    }
}

fn lock(storm: &Mutex<Storm>) -> MutexGuard<'_, Storm> {
    storm.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(elapsed: Duration, book: &Book, watch: &Watch, now: &[Fault]) -> String {
    let faults: Vec<_> = now.iter().map(ToString::to_string).collect();
    let (accepted, ended) = (book.accepted(), watch.ended.load(Ordering::Relaxed));
    format!("{:>5} s  accepted {accepted}  ended {ended}  [{}]", elapsed.as_secs(), faults.join(", "))
}
