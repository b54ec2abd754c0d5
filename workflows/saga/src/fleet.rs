//! The port through which processes are known to each other and to operators: one row for each, kept fresh.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::store::Error;
use crate::{StepName, WorkerName};

/// A process, as it tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name, which its leases bear.
    pub name: WorkerName,
    /// The command that it runs: `serve`.
    pub role: String,
    /// The program's version.
    pub version: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// What it is doing, by step.
    pub busy: BTreeMap<StepName, Busy>,
}

/// How busy a process is with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// Jobs that it has in hand.
    pub running: usize,
    /// Jobs that it takes at most.
    pub slots: usize,
}

/// A process as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it told of itself.
    pub process: Process,
    /// When it was first seen.
    pub since: Timestamp,
    /// When it was last seen.
    pub at: Timestamp,
    /// How long ago that was.
    pub ago: Duration,
}

/// The processes that work on one database.
#[async_trait]
pub trait Fleet: Send + Sync + 'static {
    /// Tells that a process lives. Rows of processes that have been silent for [`FORGOTTEN`] are removed.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn beat(&self, process: &Process) -> Result<(), Error>;

    /// Tells that a process ends.
    async fn leave(&self, name: &WorkerName) -> Result<(), Error>;

    /// Every process that has not left and is not forgotten, by name.
    async fn processes(&self) -> Result<Vec<Seen>, Error>;
}

/// Between two beats.
pub const BEAT: Duration = Duration::from_secs(5);
/// A process that has been silent for so long is taken for gone.
pub const SILENT: Duration = Duration::from_secs(15);
/// A process that has been silent for so long is no longer listed.
pub const FORGOTTEN: Duration = Duration::from_hours(1);
