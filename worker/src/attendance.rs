//! A process without workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use saga::fleet::Process;
use saga::{Fleet, Policy, Random, Saga, Store};
use tokio_util::sync::CancellationToken;

use crate::heartbeat::Heartbeat;
use crate::housekeeper::housekeep;

/// What a process does besides its work, if it has no [`Workers`](crate::Workers) who do it: it tells that it lives, and
/// housekeeps, so that no secret outlives its time however few workers there are.
pub struct Attendance<S: Saga> {
    /// Whom this process tells that it lives.
    pub fleet: Arc<dyn Fleet>,
    /// What it tells of itself.
    pub process: Process,
    /// For housekeeping.
    pub store: Arc<dyn Store<S>>,
    /// Its limits.
    pub policy: Policy,
    /// For jitter.
    pub random: Arc<dyn Random>,
}

impl<S: Saga> Attendance<S> {
    /// Until `end`; then the process takes its leave.
    pub async fn run(self, end: CancellationToken) {
        let housekeeping = housekeep(self.store, self.policy, self.random);
        let housekeeping = tokio::spawn(end.clone().run_until_cancelled_owned(housekeeping));
        Heartbeat::new(self.fleet, self.process, BTreeMap::new()).run(end).await;
        housekeeping.abort();
    }
}

impl<S: Saga> std::fmt::Debug for Attendance<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attendance").field("process", &self.process).finish_non_exhaustive()
    }
}
