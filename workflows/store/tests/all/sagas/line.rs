//! The line between a process and its store, on which anything can go wrong.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Policy, SagaId, Store};
use signup::{Proposal, SignUp};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::world::steady;

/// What becomes of a call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is carried out and answered.
    Answered,
    /// The process dies before it is sent.
    DiesBefore,
    /// The process dies after it was carried out.
    DiesAfter,
    /// It is carried out, and the connection breaks before the answer.
    ReplyLost,
    /// The connection breaks before it arrives, which looks the same.
    NeverArrived,
    /// It is carried out, and never answered.
    Unanswered,
    /// It is carried out, and answered when half of a lease is over.
    AnsweredLate,
    /// There is no connection.
    Away,
    /// It arrives so many times.
    Arrives(usize),
}

/// Decides the fate of a process' calls, by their number from 1. Reads have the number 0.
pub(super) type Fates = Box<dyn Fn(usize) -> Fate + Send + Sync>;

/// A store as one process sees it.
pub(super) struct Line {
    store: Arc<dyn Store<SignUp>>,
    fates: Fates,
    writes: AtomicUsize,
    dead: watch::Sender<bool>,
}

/// The process died.
#[derive(Debug)]
pub(crate) struct Died;

impl Line {
    pub(super) fn new(store: Arc<dyn Store<SignUp>>, fates: Fates) -> Self {
        Self { store, fates, writes: AtomicUsize::new(0), dead: watch::Sender::new(false) }
    }

    /// How many writes the process has sent.
    pub(super) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// Does the process' work, unless it dies over it.
    pub(super) async fn alive<T>(&self, work: impl Future<Output = T>) -> Result<T, Died> {
        let mut dead = self.dead.subscribe();
        tokio::select! {
            biased;
            _ = dead.wait_for(|dead| *dead) => Err(Died),
            done = work => Ok(done),
        }
    }

    async fn write<T, F>(&self, call: impl Fn(Arc<dyn Store<SignUp>>) -> F + Send + Sync) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        self.call(number, call).await
    }

    async fn read<T, F>(&self, call: impl Fn(Arc<dyn Store<SignUp>>) -> F + Send + Sync) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.call(0, call).await
    }

    async fn call<T, F>(
        &self,
        number: usize,
        call: impl Fn(Arc<dyn Store<SignUp>>) -> F + Send + Sync,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let carried_out = || steady(call(Arc::clone(&self.store)));
        match (self.fates)(number) {
            Fate::Answered => carried_out().await,
            Fate::DiesBefore => self.die().await,
            Fate::DiesAfter => {
                let _ = carried_out().await;
                self.die().await
            }
            Fate::ReplyLost => {
                let _ = carried_out().await;
                Err(Error::InDoubt("made to lose the reply".to_owned()))
            }
            Fate::NeverArrived => Err(Error::InDoubt("made to lose the call".to_owned())),
            Fate::Unanswered => {
                let _ = carried_out().await;
                pending().await
            }
            Fate::AnsweredLate => {
                let answer = carried_out().await;
                sleep(Policy::STANDARD.lease / 2).await;
                answer
            }
            Fate::Away => Err(Error::Unavailable("made to be away".to_owned())),
            Fate::Arrives(times) => {
                let answer = carried_out().await;
                for _ in 1..times {
                    let _ = carried_out().await;
                }
                answer
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.dead.send_replace(true);
        pending().await
    }
}

#[async_trait]
impl Store<SignUp> for Line {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let proposal = Arc::new(proposal.clone());
        self.write(|store| {
            let proposal = Arc::clone(&proposal);
            async move { store.accept(&proposal).await }
        })
        .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        let claim = Arc::new(claim.clone());
        self.write(|store| {
            let claim = Arc::clone(&claim);
            async move { store.claim(&claim).await }
        })
        .await
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let commit = Arc::new(commit.clone());
        self.write(|store| {
            let commit = Arc::clone(&commit);
            async move { store.commit(&commit).await }
        })
        .await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        let fence = *fence;
        self.write(|store| async move { store.hand_back(&fence, due_in).await }).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        self.read(|store| {
            let sagas = sagas.to_vec();
            async move { store.views(&sagas).await }
        })
        .await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.read(|store| async move { store.events(saga, from).await }).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        let filter = Arc::new(filter.clone());
        self.read(|store| {
            let filter = Arc::clone(&filter);
            async move { store.list(&filter).await }
        })
        .await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        self.read(|store| async move { store.inspect(saga).await }).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        let operation = Arc::new(operation.clone());
        self.write(|store| {
            let operation = Arc::clone(&operation);
            async move { store.operate(&operation).await }
        })
        .await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        let policy = *policy;
        self.write(|store| async move { store.housekeep(&policy).await }).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.write(|store| async move { store.release_leases().await }).await
    }
}
