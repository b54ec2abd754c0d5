//! Many schedules, several at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use servers::{Durability, Postgres};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::halts::NotReached;
use super::schedule::Schedule;
use super::track::{Met, Track};

/// How often one is tried again at most that does not come to its point.
const TRIES_AGAIN: usize = 3;

/// What came of many schedules.
#[derive(Debug, Default)]
pub struct Findings {
    /// Those that ended as they should.
    pub held: Vec<Schedule>,
    /// What does not hold, of each that did not.
    pub wrong: Vec<String>,
    /// What was met on the way.
    pub met: Met,
    /// How often one was tried again, as it had not come to its point.
    pub tried_again: usize,
}

/// A schedule, what came of it, and how often it was tried again.
type Ran = (Schedule, anyhow::Result<Met>, usize);

/// What all tracks have in common.
struct Work {
    machine: Arc<Postgres>,
    schedules: Vec<Schedule>,
    next: AtomicUsize,
    done: UnboundedSender<Ran>,
}

/// Runs them in order, so many at a time, and tells after each what there is so far.
///
/// # Errors
/// If the servers do not start.
pub async fn run(schedules: Vec<Schedule>, tracks: usize, tell: impl Fn(&Findings)) -> anyhow::Result<Findings> {
    let machine = Arc::new(tokio::task::spawn_blocking(|| Postgres::start(Durability::None)).await??);
    let (done, mut came) = unbounded_channel();
    let tracks = tracks.min(schedules.len());
    let work = Arc::new(Work { machine, schedules, next: AtomicUsize::new(0), done });
    let mut tasks = JoinSet::new();
    for track in 0..tracks {
        tasks.spawn(work_on(track, Arc::clone(&work)));
    }
    drop(work);
    let mut findings = Findings::default();
    while let Some((schedule, ran, tried_again)) = came.recv().await {
        findings.tried_again += tried_again;
        match ran {
            Ok(met) => {
                findings.held.push(schedule);
                findings.met += met;
            }
            Err(error) => findings.wrong.push(format!("{error:#}")),
        }
        tell(&findings);
    }
    while let Some(ended) = tasks.join_next().await {
        // What the others have found is told all the same.
        if let Err(error) = ended.map_err(anyhow::Error::from).flatten() {
            findings.wrong.push(format!("T1 the test's own tools work: {error:#}"));
        }
    }
    Ok(findings)
}

impl Findings {
    /// How many were run.
    pub fn ran(&self) -> usize {
        self.held.len() + self.wrong.len()
    }
}

async fn work_on(number: usize, work: Arc<Work>) -> anyhow::Result<()> {
    let mut lives = 0;
    let mut fresh = async || {
        lives += 1;
        Track::start(&work.machine, &format!("track{number}_{lives}")).await
    };
    let mut track = fresh().await?;
    while let Some(schedule) = work.schedules.get(work.next.fetch_add(1, Ordering::Relaxed)) {
        let (mut ran, mut tried_again) = (track.run(schedule).await, 0);
        while ran.as_ref().is_err_and(anyhow::Error::is::<NotReached>) && tried_again < TRIES_AGAIN {
            // Limits are tight, and the machine may have been busy.
            tried_again += 1;
            ran = match fresh().await {
                Ok(another) => {
                    track = another;
                    track.run(schedule).await
                }
                Err(error) => Err(error.context(schedule.to_string())),
            };
        }
        let is_wrong = ran.is_err();
        let _ = work.done.send((schedule.clone(), ran, tried_again));
        if is_wrong {
            // It shall not be taken for a fault of the next.
            track = fresh().await?;
        }
    }
    track.end().await
}
