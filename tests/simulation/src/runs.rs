//! Many histories, on as many threads as there are cores.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::sight::{Sight, Sights};
use crate::{Over, lock, play};

/// Which histories to play, and over which store.
#[derive(Debug, Clone)]
pub struct Runs {
    /// Their seeds.
    pub seeds: Range<u64>,
    /// How many at a time.
    pub threads: usize,
    /// Over which store.
    pub over: Over,
}

/// How they went.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many were played.
    pub played: u64,
    /// What was seen in all of them.
    pub sights: Sights,
    /// The lowest seed among those in which something did not hold, and what. After the first failure no more
    /// histories are begun.
    pub failure: Option<(u64, Vec<String>)>,
}

/// From so many histories on, each sight must have been seen.
const ENOUGH: u64 = 2000;

impl Runs {
    /// Plays them; `progress` is told after each how many there are and what has been seen.
    ///
    /// # Errors
    /// Those of [`play`].
    pub fn play(&self, progress: impl Fn(&Report) + Sync) -> anyhow::Result<Report> {
        let (next, stop) = (AtomicU64::new(self.seeds.start), AtomicBool::new(false));
        let report = Mutex::new(Report::default());
        let work = || -> anyhow::Result<()> {
            while !stop.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if !self.seeds.contains(&seed) {
                    break;
                }
                let story = play(seed, false, self.over)?;
                let mut report = lock(&report);
                report.played += 1;
                report.sights.add(&story.sights);
                if !story.broken.is_empty() {
                    stop.store(true, Ordering::Relaxed);
                    if report.failure.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                        report.failure = Some((seed, story.broken));
                    }
                }
                progress(&report);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let hands: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            hands.into_iter().try_for_each(|hand| hand.join().map_err(|_| anyhow::anyhow!("a history panicked"))?)
        })?;
        let report = lock(&report).clone();
        Ok(report)
    }
}

impl Report {
    /// What should have been seen in so many histories, and was not.
    pub fn missing(&self) -> Vec<Sight> {
        if self.played < ENOUGH { Vec::new() } else { self.sights.missing() }
    }
}
