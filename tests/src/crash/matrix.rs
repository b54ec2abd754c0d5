//! Many schedules, several at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use servers::{Durability, Postgres};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::halts::NotReached;
use super::lane::{Lane, Seen};
use super::schedule::Schedule;

/// How often one is tried at most that does not come to its point.
const TRIES: u32 = 4;

/// What came of many schedules.
#[derive(Debug, Default)]
pub struct Findings {
    /// Those that ended as they should.
    pub held: Vec<Schedule>,
    /// What does not hold, of each that did not.
    pub wrong: Vec<String>,
    /// What was seen on the way.
    pub seen: Seen,
}

/// What all lanes have in common.
struct Work {
    machine: Arc<Postgres>,
    schedules: Vec<Schedule>,
    next: AtomicUsize,
    done: UnboundedSender<(Schedule, anyhow::Result<Seen>)>,
}

/// Runs them in order, so many at a time, and tells after each what there is so far.
///
/// # Errors
/// If the servers do not start.
pub async fn run(schedules: Vec<Schedule>, lanes: usize, tell: impl Fn(&Findings)) -> anyhow::Result<Findings> {
    let machine = Arc::new(tokio::task::spawn_blocking(|| Postgres::start(Durability::None)).await??);
    let (done, mut came) = unbounded_channel();
    let lanes = lanes.min(schedules.len());
    let work = Arc::new(Work { machine, schedules, next: AtomicUsize::new(0), done });
    let mut tasks = JoinSet::new();
    for lane in 0..lanes {
        tasks.spawn(work_on(lane, Arc::clone(&work)));
    }
    drop(work);
    let mut findings = Findings::default();
    while let Some((schedule, ran)) = came.recv().await {
        match ran {
            Ok(seen) => {
                findings.held.push(schedule);
                findings.seen += seen;
            }
            Err(error) => findings.wrong.push(format!("{error:#}")),
        }
        tell(&findings);
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
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
        Lane::start(&work.machine, &format!("lane{number}_{lives}")).await
    };
    let mut lane = fresh().await?;
    while let Some(schedule) = work.schedules.get(work.next.fetch_add(1, Ordering::Relaxed)) {
        let mut ran = lane.run(schedule).await;
        for _ in 1..TRIES {
            if !ran.as_ref().is_err_and(anyhow::Error::is::<NotReached>) {
                break;
            }
            // Limits are tight, and the machine may have been busy.
            lane = fresh().await?;
            ran = lane.run(schedule).await;
        }
        if ran.is_err() {
            // What is wrong with this one shall not be taken for a fault of the next.
            lane = fresh().await?;
        }
        let _ = work.done.send((schedule.clone(), ran));
    }
    lane.end().await
}
