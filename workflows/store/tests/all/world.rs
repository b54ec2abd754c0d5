//! What every test works on: a fresh store, its clock, and people who sign up.

mod accounts;
mod ambient;
mod harness;
mod history;
mod memory;
mod moves;
mod people;
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auditor::facts::Facts;
use auditor::{Evidence, invariants};
use saga::store::{Claimed, Commit, Committed, Event, Filter, Inspection, Operated, Operation, Record, View};
use saga::{Action, Fleet, Policy, SagaId, State, StepName, Store};
use signup::statistics::Statistics;
use signup::{Known, Operators, Proposal, SignUp};

pub(crate) use self::accounts::*;
pub(crate) use ambient::{ManualClock, Seeded};
pub(crate) use harness::{Harness, steady};
pub(crate) use history::rewritten;
pub(crate) use moves::*;
pub(crate) use people::{PASSWORD, People};
pub(crate) use postgres::{new_name, open as open_postgres, raw as raw_postgres};
pub(crate) use sqlite::raw;

/// Enough for the smallest difference that every store can tell.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Between two attempts of a stuck undo.
pub(crate) const PAUSE: Duration = Policy::STANDARD.stuck_pause;

/// A fresh store, its clock, and people who sign up.
pub(crate) struct World {
    harness: Box<dyn Harness>,
    people: People,
    seen: Facts,
}

impl World {
    pub(crate) fn in_memory() -> Self {
        Self::over(Box::new(memory::InMemory::new()))
    }

    pub(crate) async fn in_a_file() -> Self {
        Self::over(Box::new(sqlite::InAFile::new().await))
    }

    pub(crate) async fn in_postgres() -> Self {
        Self::over(Box::new(postgres::InPostgres::new().await))
    }

    /// A world of the same kind in which nothing has happened.
    pub(crate) async fn another(&self) -> Self {
        Self::over(self.harness.another().await)
    }

    fn over(harness: Box<dyn Harness>) -> Self {
        Self { harness, people: People::new(), seen: Facts::default() }
    }

    /// The store. Under paused time it is spoken to through [`steady`] alone.
    pub(crate) fn store(&self) -> Arc<dyn Store<SignUp>> {
        self.harness.store()
    }

    /// The processes that it knows.
    pub(crate) fn fleet(&self) -> Arc<dyn Fleet> {
        self.harness.fleet()
    }

    /// Whether it knows this request already.
    pub(crate) async fn known(&self, proposal: &Proposal) -> Known {
        self.harness.replays().known(proposal).await.unwrap()
    }

    /// How long it has kept somebody waiting for a worker.
    pub(crate) async fn longest_wait(&self) -> Duration {
        let (backlog, outline) = (self.harness.backlog(), signup::outline());
        steady(async move { backlog.longest_wait(&outline).await.unwrap() }).await
    }

    /// How many wait for the first step, and how many are stuck.
    pub(crate) async fn census(&self) -> (u64, u64) {
        let (backlog, outline) = (self.harness.backlog(), signup::outline());
        let census = steady(async move { backlog.census(&outline).await.unwrap() }).await;
        assert_eq!(census.waiting.len(), signup::STEPS.len(), "every step is told of");
        (census.waiting[&signup::FIRST_STEP], census.stuck)
    }

    /// What auditors read of it.
    pub(crate) fn evidence(&self) -> Arc<dyn Evidence> {
        self.harness.evidence()
    }

    /// What it keeps of what processes count.
    pub(crate) fn statistics(&self) -> Arc<dyn Statistics> {
        self.harness.statistics()
    }

    /// The operators that it knows.
    pub(crate) fn operators(&self) -> Arc<dyn Operators> {
        self.harness.operators()
    }

    /// The file that holds it.
    pub(crate) fn file(&self) -> PathBuf {
        self.harness.file()
    }

    /// The database that holds it.
    pub(crate) fn database(&self) -> String {
        self.harness.database()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.harness.advance(by).await;
    }

    /// Lets all but the last tick of this time pass.
    pub(crate) async fn advance_almost(&self, by: Duration) {
        self.advance(by.checked_sub(TICK).unwrap()).await;
    }

    pub(crate) async fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        self.harness.refuse_deletes(table, refuse).await;
    }

    /// A user who got this name's e-mail first.
    pub(crate) async fn plant_account(&self, name: &str) {
        self.harness.plant_account(&self.proposal(name)).await;
    }

    pub(crate) async fn reopen(&mut self) {
        self.harness.reopen().await;
    }

    pub(crate) async fn facts(&self) -> Facts {
        self.harness.facts().await
    }

    /// The facts, having held every invariant against them, and the facts that were seen before.
    pub(crate) async fn check(&mut self) -> Facts {
        let facts = self.facts().await;
        let mut broken = invariants::violations(&facts);
        broken.extend(rewritten(&self.seen, &facts));
        assert!(broken.is_empty(), "{broken:#?}");
        self.seen = facts.clone();
        facts
    }

    /// A sign-up of `name@example.com`.
    pub(crate) fn proposal(&self, name: &str) -> Proposal {
        self.people.proposal(name)
    }

    /// The same, as a decoy where the e-mail is known.
    pub(crate) fn decoyed(&self, name: &str) -> Proposal {
        self.people.decoyed(name)
    }

    /// A sign-up of `name@example.com` under an idempotency key and with a body, for each number another.
    pub(crate) fn marked(&self, name: &str, key: u8, body: u8) -> Proposal {
        self.people.marked(name, key, body)
    }

    /// A sign-up of `name@example.com` that has been accepted.
    pub(crate) async fn accept(&self, name: &str) -> SagaId {
        let proposal = self.proposal(name);
        let (store, sent) = (self.store(), proposal.clone());
        let answer = steady(async move { store.accept(&sent).await.unwrap() }).await;
        assert!(is_new(&answer), "{answer:?}");
        proposal.saga
    }

    /// A decoy of `name@example.com`, which is known, that has been accepted.
    pub(crate) async fn accept_decoy(&self, name: &str) -> SagaId {
        let proposal = self.decoyed(name);
        let (store, sent) = (self.store(), proposal.clone());
        let answer = steady(async move { store.accept(&sent).await.unwrap() }).await;
        assert!(is_new(&answer), "{answer:?}");
        let record = self.inspect(proposal.saga).await.record;
        assert!(record.decoy, "{record:?}");
        proposal.saga
    }

    pub(crate) async fn claim(&self, step: &StepName, limit: usize) -> Vec<Claimed<SignUp>> {
        let (store, claim) = (self.store(), claim(step, limit));
        steady(async move { store.claim(&claim).await.unwrap() }).await
    }

    /// The one saga that is due at this step.
    pub(crate) async fn claim_one(&self, step: &StepName) -> Claimed<SignUp> {
        let mut claimed = self.claim(step, 2).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    pub(crate) async fn commit(&self, commit: &Commit<SignUp>) -> Committed {
        let (store, commit) = (self.store(), commit.clone());
        steady(async move { store.commit(&commit).await.unwrap() }).await
    }

    pub(crate) async fn view(&self, saga: SagaId) -> View {
        let store = self.store();
        steady(async move { store.load(saga).await.unwrap().unwrap() }).await
    }

    pub(crate) async fn events(&self, saga: SagaId) -> Vec<Event> {
        let store = self.store();
        steady(async move { store.events(saga, 0).await.unwrap() }).await
    }

    pub(crate) async fn list(&self, filter: &Filter) -> Vec<Record> {
        let (store, filter) = (self.store(), filter.clone());
        steady(async move { store.list(&filter).await.unwrap() }).await
    }

    pub(crate) async fn inspect(&self, saga: SagaId) -> Inspection {
        let store = self.store();
        steady(async move { store.inspect(saga).await.unwrap().unwrap() }).await
    }

    /// What an operator does about an active saga who sees it now.
    pub(crate) async fn operation(&self, saga: SagaId, action: Action) -> Operation {
        let record = self.inspect(saga).await.record;
        let State::Active(from) = record.view.state else { panic!("{saga} has ended") };
        operation(saga, record.seq, action, from)
    }

    pub(crate) async fn operate(&self, operation: &Operation) -> Operated {
        let (store, operation) = (self.store(), operation.clone());
        steady(async move { store.operate(&operation).await.unwrap() }).await
    }

    /// An operator sees a saga and acts on it at once.
    pub(crate) async fn act(&self, saga: SagaId, action: Action) -> Operated {
        self.operate(&self.operation(saga, action).await).await
    }

    /// A saga's journal as words: `done create_user`.
    pub(crate) async fn journal(&self, saga: SagaId) -> Vec<String> {
        let events = self.events(saga).await;
        let words = events.iter().map(|event| match &event.step {
            Some(step) => format!("{} {step}", event.kind.word()),
            None => event.kind.word().to_owned(),
        });
        words.collect()
    }

    /// A sign-up of `name@example.com` that is to execute this step. No other may be due at the steps before it.
    pub(crate) async fn reach(&self, name: &str, step: &StepName) -> SagaId {
        let saga = self.accept(name).await;
        for earlier in STEPS.iter().take_while(|earlier| *earlier != step) {
            let claimed = self.claim_one(earlier).await;
            assert_eq!(self.commit(&done(&claimed)).await, Committed::Then);
        }
        saga
    }

    /// Gives up on a claimed step, and claims its undoing.
    pub(crate) async fn claim_after_giving_up(&self, claimed: &Claimed<SignUp>) -> Claimed<SignUp> {
        assert_eq!(self.commit(&gave_up(claimed)).await, Committed::Then);
        self.claim_one(claimed.state.step()).await
    }

    /// One that is compensating its second step and stuck there, after as many failed attempts.
    pub(crate) async fn stick(&self, name: &str, attempts: u32) -> SagaId {
        let saga = self.reach(name, &ORGANIZATION).await;
        let claimed = self.claim_one(&ORGANIZATION).await;
        assert_eq!(self.commit(&gave_up(&claimed)).await, Committed::Then);
        for attempt in 1..=attempts {
            let claimed = self.claim_one(&ORGANIZATION).await;
            let again = undo_failed(&claimed, if attempt < attempts { Duration::ZERO } else { PAUSE }, true);
            assert_eq!(self.commit(&again).await, Committed::Then);
        }
        saga
    }

    /// One that has completed.
    pub(crate) async fn complete(&self, name: &str) -> SagaId {
        let saga = self.reach(name, &CLAIMS).await;
        let claimed = self.claim_one(&CLAIMS).await;
        assert_eq!(self.commit(&done(&claimed)).await, Committed::Then);
        saga
    }

    /// One that was refused at its first step.
    pub(crate) async fn fail(&self, name: &str) -> SagaId {
        let saga = self.accept(name).await;
        let claimed = self.claim_one(&USER).await;
        self.refuse(&claimed).await;
        saga
    }

    /// Refuses a claimed first step, and undoes it.
    pub(crate) async fn refuse(&self, claimed: &Claimed<SignUp>) {
        assert_eq!(self.commit(&refused(claimed)).await, Committed::Then);
        let claimed = self.claim_one(&USER).await;
        assert_eq!(self.commit(&undone(&claimed)).await, Committed::Then);
    }
}
