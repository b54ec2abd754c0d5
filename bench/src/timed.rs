//! A store that notes when it was asked what.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Policy, SagaId, Store};
use signup::{Proposal, SignUp};

/// A call that changed something.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `accept`, or what was done to which step: `claim create_user`.
    pub(crate) name: String,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

/// A store, and the calls that it answered, once they are asked for.
pub(crate) struct Timed {
    store: Arc<dyn Store<SignUp>>,
    noting: AtomicBool,
    calls: Mutex<Vec<Call>>,
}

impl Timed {
    pub(crate) fn new(store: Arc<dyn Store<SignUp>>) -> Self {
        Self { store, noting: AtomicBool::new(false), calls: Mutex::default() }
    }

    /// The calls since the last time, in the order of their answers.
    pub(crate) fn take(&self) -> Vec<Call> {
        self.noting.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, begun: Instant, name: impl FnOnce() -> String) {
        if self.noting.load(Ordering::Relaxed) {
            let call = Call { name: name(), begun, ended: Instant::now() };
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        }
    }
}

#[async_trait]
impl Store<SignUp> for Timed {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let begun = Instant::now();
        let accepted = self.store.accept(proposal).await;
        self.note(begun, || "accept".to_owned());
        accepted
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        let begun = Instant::now();
        let claimed = self.store.claim(claim).await?;
        if !claimed.is_empty() {
            self.note(begun, || format!("claim {}", claim.step));
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let begun = Instant::now();
        let committed = self.store.commit(commit).await;
        self.note(begun, || format!("commit {}", commit.from.step()));
        committed
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.store.hand_back(fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        self.store.views(sagas).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.store.events(saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        self.store.list(filter).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        self.store.inspect(saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        self.store.operate(operation).await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        self.store.housekeep(policy).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.store.release_leases().await
    }
}
