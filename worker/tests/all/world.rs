//! A store, and people who sign up.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use saga::store::Accepted;
use saga::{Advanced, End, Listener, OsRandom, SagaId, State, Store, SystemClock, Taker};
use signup::{
    Applicant, Duplicates, EmailAddress, FIRST_STEP, FullName, OrganizationName, Password, Proposal, SealedPassword,
    Sealer, Unsealer,
};
use store::memory::Memory;

use crate::wait::until;
use crate::watched::Watched;

/// What all processes of a test have in common.
pub(crate) struct World {
    pub(crate) store: Arc<Watched>,
    pub(crate) fleet: Arc<Memory>,
    sealer: Sealer,
    password: Password,
    people: AtomicUsize,
    /// Those that have ended, as the processes tell.
    ended: Arc<Ended>,
}

/// Notes which sagas have ended.
#[derive(Default)]
pub(crate) struct Ended(Mutex<Vec<(SagaId, End)>>);

impl Listener for Ended {
    fn advanced(&self, news: &Advanced) {
        if let State::Ended(end) = &news.state {
            self.0.lock().unwrap().push((news.saga, end.clone()));
        }
    }
}

impl World {
    /// In it nobody finds a due saga by looking.
    pub(crate) fn of_hints_alone() -> Self {
        Self {
            store: Arc::new(Watched::new(Memory::new(Arc::new(SystemClock)))),
            fleet: Arc::new(Memory::new(Arc::new(SystemClock))),
            sealer: Self::unsealer().sealer(),
            password: Password::parse("correct horse battery staple".to_owned(), &[]).unwrap(),
            people: AtomicUsize::default(),
            ended: Arc::default(),
        }
    }

    /// In it whoever looks for due sagas finds them.
    pub(crate) fn with_ticks() -> Self {
        let world = Self::of_hints_alone();
        world.sweep(true);
        world
    }

    pub(crate) fn sweep(&self, sweep: bool) {
        self.store.sweeping.store(sweep, Ordering::Relaxed);
    }

    pub(crate) fn unsealer() -> Unsealer {
        Unsealer::new(&[7; 32]).unwrap()
    }

    pub(crate) fn ended(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.ended) as _
    }

    /// Somebody signs up, as through a process with this listener.
    pub(crate) async fn sign_up(&self, listener: &dyn Listener) -> SagaId {
        self.sign_up_as("Ada Lovelace", listener).await
    }

    pub(crate) async fn sign_up_as(&self, name: &str, listener: &dyn Listener) -> SagaId {
        let proposal = self.proposal(name, listener.will_tell(&FIRST_STEP));
        let Accepted::New(view) = self.store.accept(&proposal).await.unwrap() else { panic!("not accepted") };
        let taker = if proposal.told { Taker::Told } else { Taker::Anyone };
        listener.advanced(&Advanced { taker, ..Advanced::to(view.saga, view.state) });
        proposal.saga
    }

    fn proposal(&self, name: &str, told: bool) -> Proposal {
        let saga = SagaId::new(&SystemClock, &OsRandom);
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let email = EmailAddress::parse(&format!("person{number}@example.com")).unwrap();
        let (name, organization) = (FullName::parse(name).unwrap(), OrganizationName::parse("Engines").unwrap());
        let applicant = Applicant::new(email, Some(name), Some(organization), &SystemClock, &OsRandom);
        let sealed: SealedPassword = self.sealer.seal(saga, &self.password);
        Proposal {
            saga,
            version: signup::VERSION,
            applicant,
            sealed,
            idempotency: None,
            duplicates: Duplicates::Refused,
            told,
        }
    }

    pub(crate) fn has_completed(&self, saga: SagaId) -> bool {
        self.ended.0.lock().unwrap().iter().any(|(ended, end)| *ended == saga && *end == End::Completed)
    }

    pub(crate) fn how_many_ended(&self) -> usize {
        self.ended.0.lock().unwrap().len()
    }

    pub(crate) async fn completed(&self, sagas: &[SagaId]) {
        until("all sign-ups are completed", || sagas.iter().all(|saga| self.has_completed(*saga))).await;
    }

    /// Each was executed once, step by step: nothing was tried twice.
    pub(crate) async fn went_straight(&self, sagas: &[SagaId]) {
        for saga in sagas {
            let events = self.store.events(*saga, 0).await.unwrap();
            assert_eq!(events.len(), 5, "{events:?}");
            assert!(events[1..].iter().all(|event| event.attempt == 1), "{events:?}");
        }
    }
}
