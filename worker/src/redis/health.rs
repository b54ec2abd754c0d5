//! Whether Redis is of use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use saga::StepName;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{info, warn};

/// Tells whether Redis is of use to this process. Without it everything goes on, a little slower.
#[derive(Debug, Clone)]
pub struct RedisHealth(Arc<Shared>);

/// What is wrong with Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is: one line for an operator.
    pub why: String,
    /// For how long it has been so.
    pub lasting: Duration,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Whether hints can be pushed.
    linked: watch::Sender<bool>,
    /// Somebody has met with trouble that should be looked into.
    suspicion: Notify,
}

#[derive(Debug)]
struct State {
    /// Why hints cannot be pushed.
    link: Option<String>,
    /// Workers that have ended and are not back, and why.
    down: BTreeMap<StepName, String>,
    /// Since when all is well, or something is not.
    since: Instant,
    /// What the log was told last.
    told: Option<bool>,
}

impl RedisHealth {
    pub(super) fn new() -> Self {
        let state = State {
            link: Some("not reached yet".to_owned()),
            down: BTreeMap::new(),
            since: Instant::now(),
            told: None,
        };
        let linked = watch::Sender::new(false);
        Self(Arc::new(Shared { state: Mutex::new(state), linked, suspicion: Notify::new() }))
    }

    /// What is wrong, if anything is.
    pub fn trouble(&self) -> Option<Trouble> {
        let state = self.lock();
        Some(Trouble { why: state.why()?.to_owned(), lasting: state.since.elapsed() })
    }

    /// Whether hints can be pushed.
    pub(super) fn is_linked(&self) -> bool {
        *self.0.linked.borrow()
    }

    /// Waits until hints can be pushed.
    pub(super) async fn linked(&self) {
        // The sender lives as long as this does.
        let _ = self.0.linked.subscribe().wait_for(|linked| *linked).await;
    }

    /// Hints can be pushed.
    pub(super) fn found(&self) {
        self.change(|state| state.link = None);
        self.0.linked.send_if_modified(|linked| !std::mem::replace(linked, true));
    }

    /// Hints cannot be pushed.
    pub(super) fn lost(&self, why: String) {
        self.0.linked.send_if_modified(|linked| std::mem::replace(linked, false));
        self.change(|state| state.link = Some(why));
    }

    /// A worker has ended.
    pub(super) fn worker_ended(&self, step: &StepName, why: String) {
        self.change(|state| state.down.insert(step.clone(), why));
        self.suspect();
    }

    /// A worker is back.
    pub(super) fn worker_works(&self, step: &StepName) {
        self.change(|state| state.down.remove(step));
    }

    /// Something went wrong that may be Redis' fault.
    pub(super) fn suspect(&self) {
        self.0.suspicion.notify_one();
    }

    /// Waits until somebody suspects something.
    pub(super) async fn suspicion(&self) {
        self.0.suspicion.notified().await;
    }

    /// Changes what is known, and tells the log where all was well before, or is now.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) {
        let mut state = self.lock();
        let was_well = state.why().is_none();
        change(&mut state);
        let why = state.why().map(str::to_owned);
        if was_well != why.is_none() {
            state.since = Instant::now();
        }
        if state.told.replace(why.is_none()) == Some(why.is_none()) {
            return;
        }
        match why {
            None => info!("Redis is in use"),
            Some(why) => warn!(%why, "Redis is of no use now: sign-ups go on without it, a little slower"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn why(&self) -> Option<&str> {
        self.link.as_deref().or_else(|| self.down.values().next().map(String::as_str))
    }
}
