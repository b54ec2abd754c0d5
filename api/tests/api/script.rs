//! A store whose answers are set by the test.

mod members;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::Credentials;
use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Backlog, Census, Clock, Outline, Policy, SagaId, State, Store};
use signup::{Conflict, Known, PasswordHash, Proposal, Replays, SignUp};
use store::memory::Memory;
use tokio::sync::Notify;

use crate::stage::{ManualClock, running};

/// What the store does when it is asked to accept a sign-up; without orders it accepts it.
pub(crate) enum Order {
    /// Accepts it.
    Accept,
    /// Answers that this one was accepted before.
    Replay(SagaId),
    /// Refuses it.
    Refuse(Conflict),
    /// Fails.
    Fail(Error),
    /// Panics.
    Panic,
    /// Accepts it, once told to.
    AcceptAfter(Arc<Notify>),
}

/// A store whose answers are set by the test. What operators see and do is kept in memory.
pub(crate) struct Script {
    pub(crate) memory: Arc<Memory>,
    /// What operators' readings, and the writes of operators and users, fail with, one after the other; what is in doubt
    /// is then written all the same.
    pub(crate) errors: Mutex<VecDeque<Error>>,
    pub(crate) orders: Mutex<VecDeque<Order>>,
    pub(crate) proposals: Mutex<Vec<Proposal>>,
    pub(crate) sagas: Mutex<HashMap<SagaId, View>>,
    /// What loading fails with, while set.
    pub(crate) load_error: Mutex<Option<Error>>,
    pub(crate) loads: Mutex<u32>,
    pub(crate) load_panics: AtomicBool,
    /// What is known of the next requests' keys, one after the other; afterwards what the next order says.
    pub(crate) known: Mutex<VecDeque<Known>>,
    /// A saga that cannot be read.
    pub(crate) unreadable: Mutex<Option<SagaId>>,
    /// How far the workers are behind.
    pub(crate) longest_wait: Mutex<Duration>,
    /// What becomes of a user's hash just before the next session begins.
    pub(crate) next_hash: Mutex<Option<(Credentials, PasswordHash)>>,
}

impl Script {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        Self {
            memory,
            errors: Mutex::default(),
            orders: Mutex::default(),
            proposals: Mutex::default(),
            sagas: Mutex::default(),
            load_error: Mutex::default(),
            loads: Mutex::default(),
            load_panics: AtomicBool::default(),
            known: Mutex::default(),
            unreadable: Mutex::default(),
            longest_wait: Mutex::default(),
            next_hash: Mutex::default(),
        }
    }

    /// Writes, and loses the reply where the test says so.
    async fn written<T>(&self, write: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.next_error() {
            Some(error @ Error::InDoubt(_)) => {
                write.await?;
                Err(error)
            }
            Some(error) => Err(error),
            None => write.await,
        }
    }

    fn next_error(&self) -> Option<Error> {
        self.errors.lock().unwrap().pop_front()
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.lock().unwrap().push_back(order);
    }

    /// Adds a saga in this state, or puts it there.
    pub(crate) fn put(&self, saga: SagaId, state: State) {
        let ended_at = matches!(state, State::Ended(_)).then_some(ManualClock.now());
        let accepted_at = ManualClock.now();
        let view = View { saga, state, accepted_at, age: Duration::ZERO, stuck_since: None, ended_at };
        self.sagas.lock().unwrap().insert(saga, view);
    }

    pub(crate) fn tries(&self) -> usize {
        self.proposals.lock().unwrap().len()
    }

    fn view(&self, saga: SagaId) -> View {
        self.sagas.lock().unwrap()[&saga].clone()
    }
}

#[async_trait]
impl Replays for Script {
    /// What accepting will answer next.
    async fn known(&self, _: &Proposal) -> Result<Known, Error> {
        if let Some(known) = self.known.lock().unwrap().pop_front() {
            return Ok(known);
        }
        Ok(match self.orders.lock().unwrap().front() {
            Some(Order::Replay(_)) => Known::Request,
            Some(Order::Refuse(Conflict::OtherBody)) => Known::OtherBody,
            _ => Known::Nothing,
        })
    }
}

#[async_trait]
impl Backlog for Script {
    async fn longest_wait(&self, _: &Outline) -> Result<Duration, Error> {
        Ok(*self.longest_wait.lock().unwrap())
    }

    async fn census(&self, _: &Outline) -> Result<Census, Error> {
        Ok(Census::default())
    }
}

#[async_trait]
impl Store<SignUp> for Script {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        self.proposals.lock().unwrap().push(proposal.clone());
        let order = self.orders.lock().unwrap().pop_front().unwrap_or(Order::Accept);
        match order {
            Order::Accept => {}
            Order::Replay(saga) => return Ok(Accepted::Replay(self.view(saga))),
            Order::Refuse(conflict) => return Ok(Accepted::Conflict(conflict)),
            Order::Fail(error) => return Err(error),
            Order::Panic => panic!("a secret of the store"),
            Order::AcceptAfter(told) => told.notified().await,
        }
        self.put(proposal.saga, running(0));
        Ok(Accepted::New(self.view(proposal.saga)))
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        *self.loads.lock().unwrap() += 1;
        assert!(!self.load_panics.load(Ordering::Relaxed), "a secret of the store");
        let unreadable = self.unreadable.lock().unwrap().filter(|saga| sagas.contains(saga));
        let unreadable = unreadable.map(|_| Error::Unreadable("a secret of the store".into()));
        match self.load_error.lock().unwrap().clone().or(unreadable) {
            Some(error) => Err(error),
            None => Ok(sagas.iter().filter_map(|saga| self.sagas.lock().unwrap().get(saga).cloned()).collect()),
        }
    }

    async fn claim(&self, _: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        unreachable!("the API claims nothing")
    }

    async fn commit(&self, _: &Commit<SignUp>) -> Result<Committed, Error> {
        unreachable!("the API commits nothing")
    }

    async fn hand_back(&self, _: &Fence, _: Duration) -> Result<bool, Error> {
        unreachable!("the API has nothing to hand back")
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.memory.events(saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        match self.next_error() {
            Some(error) => Err(error),
            None => self.memory.list(filter).await,
        }
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        assert!(!self.load_panics.load(Ordering::Relaxed), "a secret of the store");
        if let Some(error) = self.load_error.lock().unwrap().clone() {
            return Err(error);
        }
        self.memory.inspect(saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        self.written(self.memory.operate(operation)).await
    }

    async fn housekeep(&self, _: &Policy) -> Result<Housekept, Error> {
        unreachable!("the API keeps no house")
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        unreachable!("the API holds no leases")
    }
}
