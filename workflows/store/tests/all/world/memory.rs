//! The reference store.

use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Sessions, SigningKeys, Users};
use async_trait::async_trait;
use auditor::Evidence;
use auditor::facts::{Facts, Snapshot};
use saga::{Backlog, Fleet, Store};
use signup::statistics::Statistics;
use signup::{Operators, Proposal, Replays, SignUp};
use store::memory::Memory;

use super::{Harness, ManualClock};

pub(super) struct InMemory {
    clock: Arc<ManualClock>,
    memory: Arc<Memory>,
}

impl InMemory {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new());
        Self { memory: Arc::new(Memory::new(Arc::clone(&clock) as _)), clock }
    }
}

#[async_trait]
impl Harness for InMemory {
    fn store(&self) -> Arc<dyn Store<SignUp>> {
        Arc::clone(&self.memory) as _
    }

    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::clone(&self.memory) as _
    }

    fn replays(&self) -> Arc<dyn Replays> {
        Arc::clone(&self.memory) as _
    }

    fn backlog(&self) -> Arc<dyn Backlog> {
        Arc::clone(&self.memory) as _
    }

    fn evidence(&self) -> Arc<dyn Evidence> {
        Arc::clone(&self.memory) as _
    }

    fn statistics(&self) -> Arc<dyn Statistics> {
        Arc::clone(&self.memory) as _
    }

    fn operators(&self) -> Arc<dyn Operators> {
        Arc::clone(&self.memory) as _
    }

    fn sessions(&self) -> Arc<dyn Sessions> {
        Arc::clone(&self.memory) as _
    }

    fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::clone(&self.memory) as _
    }

    fn users(&self) -> Arc<dyn Users> {
        Arc::clone(&self.memory) as _
    }

    fn signing_keys(&self) -> Arc<dyn SigningKeys> {
        Arc::clone(&self.memory) as _
    }

    async fn facts(&self) -> Facts {
        self.memory.facts().await.unwrap()
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        self.memory.refuse_deletes(table, refuse);
    }

    async fn plant_account(&self, proposal: &Proposal) {
        self.memory.plant_account(proposal);
    }

    async fn reopen(&mut self) {}

    async fn another(&self) -> Box<dyn Harness> {
        Box::new(Self::new())
    }
}
