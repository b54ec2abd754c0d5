//! A store that notes who claims what.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Policy, SagaId, Store};
use signup::{Proposal, SignUp};
use store::memory::Memory;
use tokio::time::{Instant, sleep};

/// A store in memory, under observation.
pub(crate) struct Watched {
    inner: Memory,
    /// Whether anybody who looks for due sagas finds any.
    pub(crate) sweeping: AtomicBool,
    /// How long a claim takes.
    pub(crate) claims_take: Mutex<Duration>,
    /// Claims of sagas that somebody was told of.
    pub(crate) told_claims: AtomicUsize,
    /// When each was claimed first.
    claimed: Mutex<BTreeMap<SagaId, Instant>>,
}

impl Watched {
    pub(crate) fn new(inner: Memory) -> Self {
        Self {
            inner,
            sweeping: AtomicBool::new(false),
            claims_take: Mutex::default(),
            told_claims: AtomicUsize::default(),
            claimed: Mutex::default(),
        }
    }

    pub(crate) fn claimed_at(&self, saga: SagaId) -> Option<Instant> {
        self.claimed.lock().unwrap().get(&saga).copied()
    }
}

#[async_trait]
impl Store<SignUp> for Watched {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        self.inner.accept(proposal).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        if claim.only.is_some() {
            self.told_claims.fetch_add(1, Ordering::Relaxed);
            let take = *self.claims_take.lock().unwrap();
            if take > Duration::ZERO {
                sleep(take).await;
            }
        } else if !self.sweeping.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let claimed = self.inner.claim(claim).await?;
        let mut known = self.claimed.lock().unwrap();
        for claimed in &claimed {
            known.entry(claimed.fence.saga).or_insert_with(Instant::now);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        self.inner.commit(commit).await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.inner.hand_back(fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        self.inner.views(sagas).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.inner.events(saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        self.inner.list(filter).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        self.inner.inspect(saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        self.inner.operate(operation).await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        self.inner.housekeep(policy).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.inner.release_leases().await
    }
}
