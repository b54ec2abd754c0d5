//! A place for a process, which comes and goes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use saga::testing::CLOCK_AHEAD;
use tokio::sync::Mutex;

use super::person::Doors;
use crate::{Client, Cluster, Member, eventually};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// A place for a process, which comes and goes.
#[derive(Debug)]
pub struct Seat {
    role: &'static str,
    number: usize,
    /// Each process has a name and a log of its own.
    lives: usize,
    member: Option<Member>,
    doors: Arc<Doors>,
}

/// What no process may do. Other errors are of the test's own tools.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misconduct(String);

/// An error, under the name of what it breaks.
pub(super) fn blame(error: &anyhow::Error) -> String {
    let broken = if error.is::<Misconduct>() {
        "P1 processes live until they are ended, and end well"
    } else {
        "T1 the test's own tools work"
    };
    format!("{broken}: {error:#}")
}

/// Which processes are gone, or not well, or find that something they need is not.
pub async fn all_are_well(seats: impl IntoIterator<Item = &Mutex<Seat>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for seat in seats {
        let mut seat = seat.lock().await;
        if let Err(error) = seat.is_well().await {
            wrong.push(format!("L2 every process is well again: {seat}: {error:#}"));
        }
    }
    wrong
}

/// SIGTERM to all: which did not end well.
pub async fn stop_all(seats: impl IntoIterator<Item = &Mutex<Seat>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for seat in seats {
        if let Err(error) = seat.lock().await.stop().await {
            wrong.push(blame(&error));
        }
    }
    wrong
}

impl Seat {
    /// An empty one, of this role and number.
    pub fn new(role: &'static str, number: usize, doors: &Arc<Doors>) -> Self {
        Self { role, number, lives: 0, member: None, doors: Arc::clone(doors) }
    }

    /// Starts a process whose clock is so many seconds ahead.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(&mut self, cluster: &Cluster, ahead: i64) -> anyhow::Result<()> {
        self.lives += 1;
        let name = format!("{}-{}-{}", self.role, self.number, self.lives);
        let clock = [(CLOCK_AHEAD, &*ahead.to_string())];
        let member = self.member.insert(cluster.spawn_with(self.role, &name, &clock).await?);
        if self.role == "api" {
            let url = member.url().await.map_err(|error| Misconduct(format!("{name} does not start: {error:#}")))?;
            self.doors.set(self.number, Some(Client::patient(&url, PATIENCE)));
        }
        Ok(())
    }

    /// Who sits there.
    pub fn member(&mut self) -> Option<&mut Member> {
        self.member.as_mut()
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.still_runs()?;
        self.shut();
        match self.member.take() {
            Some(member) => member.kill().await,
            None => Ok(()),
        }
    }

    /// SIGTERM; it must end, and well.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.still_runs()?;
        let Some(mut member) = self.member.take() else { return Ok(()) };
        member.ask_to_stop().await?;
        let status = member.ended().await.map_err(|error| Misconduct(format!("{self}: {error:#}")))?;
        self.shut();
        if !status.success() {
            return Err(Misconduct(format!("{self}: {status}: {}", last(&member.log()?))).into());
        }
        Ok(())
    }

    /// SIGSTOP.
    pub(super) async fn pause(&mut self) -> anyhow::Result<()> {
        self.still_runs()?;
        match &self.member {
            Some(member) => member.pause().await,
            None => Ok(()),
        }
    }

    /// SIGCONT.
    pub(super) async fn resume(&mut self) -> anyhow::Result<()> {
        match &self.member {
            Some(member) => member.resume().await,
            None => Ok(()),
        }
    }

    /// Waits until its process is ready, and nothing ails it.
    async fn is_well(&mut self) -> anyhow::Result<()> {
        let member = self.member.as_mut().context("there is no process")?;
        ensure!(member.has_ended()?.is_none(), "it has ended");
        let client = member.client().await?;
        let ready = async || client.get("/readyz").await.ok().filter(|answer| answer.text("status") == "ready");
        eventually("it is ready, and nothing ails it", ready).await.map(drop)
    }

    /// Where each of its processes has logged.
    pub(super) fn logs(&self, cluster: &Cluster) -> Vec<PathBuf> {
        let name = |life| cluster.log(&format!("{}-{}-{life}", self.role, self.number));
        (1..=self.lives).map(name).collect()
    }

    /// No process ends by itself.
    fn still_runs(&mut self) -> anyhow::Result<()> {
        let Some(member) = &mut self.member else { return Ok(()) };
        if let Some(status) = member.has_ended()? {
            let log = member.log()?;
            self.member = None;
            return Err(Misconduct(format!("{self} has ended by itself: {status}: {}", last(&log))).into());
        }
        Ok(())
    }

    fn shut(&self) {
        if self.role == "api" {
            self.doors.set(self.number, None);
        }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.number)
    }
}

/// The end of a log.
fn last(log: &str) -> &str {
    log.lines().last().unwrap_or_default()
}
