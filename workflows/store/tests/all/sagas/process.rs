//! A process that works on sign-ups, and the loop that drives them to their ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use auditor::facts::{Facts, SagaFact};
use auditor::invariants::unfinished;
use saga::store::{Accepted, Error};
use saga::testing::{Fault, Pace, Sabotage};
use saga::{Active, Attempt, Direction, Engine, Job, Policy, Ran, SagaId, State, StepName, Store, WorkerName};
use signup::{Cost, Hasher, Proposal, SignUp};
use tokio::time::timeout;

use super::line::{Died, Fate, Fates, Line};
use crate::world::{People, Seeded, TICK, World};

/// More rounds than any sign-up of the tests takes to end.
const ROUNDS: usize = 2000;

/// A process: an engine and its line to the store.
pub(crate) struct Process {
    engine: Engine<SignUp>,
    line: Arc<Line>,
}

/// Nothing goes wrong with any step.
pub(crate) fn in_peace(_: &Attempt<SignUp>, _: Direction) -> Option<Fault> {
    None
}

impl Process {
    /// A process whose steps go wrong as told.
    pub(crate) fn start(w: &World, sabotage: impl Sabotage<SignUp>) -> Self {
        Self::on_a_bad_line(w, sabotage, Box::new(|_| Fate::Answered))
    }

    /// A process whose steps, and calls of the store, go wrong as told.
    pub(super) fn on_a_bad_line(w: &World, sabotage: impl Sabotage<SignUp>, fates: Fates) -> Self {
        let line = Arc::new(Line::new(w.store(), fates));
        let cost: Cost = "m=8,t=1,p=1".parse().unwrap();
        let definition = signup::definition(People::unsealer(), Arc::new(Hasher::inline(cost)));
        let sabotage: Arc<dyn Sabotage<SignUp>> = Arc::new(sabotage);
        let random = Arc::new(Seeded::new(w.proposal("seed").saga.uuid().as_u64_pair().1));
        let worker = WorkerName::unique("test", &*random);
        let definition = definition.sabotaged(&sabotage, Pace::STANDARD);
        Policy::STANDARD.check(&definition).unwrap();
        let engine = Engine::new(definition, Arc::clone(&line) as _, Arc::new(()), random, Policy::STANDARD, worker);
        Self { engine, line }
    }

    /// How many writes it has sent.
    pub(super) fn writes(&self) -> usize {
        self.line.writes()
    }

    pub(super) async fn claim(&self, step: &StepName) -> Result<Vec<Job<SignUp>>, Died> {
        // What a claim took whose answer was lost is found again when its lease runs out.
        Ok(self.line.alive(self.engine.claim(step, 128)).await?.unwrap_or_default())
    }

    /// At most so many sagas that are due at this step, as far as the store lets it.
    pub(crate) async fn claim_some(&self, step: &StepName, limit: usize) -> Vec<Job<SignUp>> {
        self.line.alive(self.engine.claim(step, limit)).await.unwrap().unwrap_or_default()
    }

    /// The one saga that is due at this step.
    pub(super) async fn claim_one(&self, step: &StepName) -> Job<SignUp> {
        let mut jobs = self.claim(step).await.unwrap();
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.remove(0)
    }

    pub(crate) async fn run(&self, job: &Job<SignUp>) -> Result<Ran, Died> {
        self.line.alive(self.engine.run(job)).await
    }

    /// Runs a job, and claims what follows.
    pub(crate) async fn run_on(&self, job: &Job<SignUp>) -> Result<(Ran, Option<Job<SignUp>>), Died> {
        let (ran, next) = self.line.alive(self.engine.run_on(job, |_| Some(()))).await?;
        Ok((ran, next.map(|next| next.job)))
    }

    pub(super) async fn hand_back(&self, job: &Job<SignUp>, due_in: Duration) {
        self.line.alive(self.engine.hand_back(job, due_in)).await.unwrap();
    }

    pub(super) async fn release_leases(&self) {
        self.line.alive(self.line.release_leases()).await.unwrap().unwrap();
    }

    /// Accepts a sign-up as a client sees it, who asks again until there is an answer.
    pub(super) async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Died> {
        loop {
            match self.line.alive(timeout(Policy::STANDARD.store_patience, self.line.accept(proposal))).await? {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Error::Unavailable(_) | Error::InDoubt(_))) | Err(_) => {}
                Ok(Err(error)) => panic!("{error}"),
            }
        }
    }

    async fn housekeep(&self) -> Result<(), Died> {
        let kept = timeout(Policy::STANDARD.claim, self.line.housekeep(&Policy::STANDARD));
        self.line.alive(kept).await.map(drop)
    }

    /// Drives every saga to its end, letting time pass where nothing is due.
    pub(crate) async fn drive(&self, w: &mut World) -> Result<Facts, Died> {
        let mut facts = w.check().await;
        for _ in 0..ROUNDS {
            if unfinished(&facts).is_empty() {
                return Ok(facts);
            }
            facts = self.go_on(w, facts).await?;
        }
        panic!("no end after {ROUNDS} rounds: {:#?}", w.facts().await.sagas);
    }

    /// Runs whatever is due at the steps at which sagas are, or lets time pass if there is nothing. Returns the facts
    /// after that.
    pub(super) async fn go_on(&self, w: &mut World, facts: Facts) -> Result<Facts, Died> {
        let mut after = None;
        for step in steps_at_hand(&facts) {
            for job in self.claim(&step).await? {
                self.run(&job).await?;
                after = Some(w.check().await);
            }
        }
        if let Some(after) = after {
            return Ok(after);
        }
        self.pass_time(w, &facts).await?;
        Ok(w.check().await)
    }

    /// Lets time pass until something may be due, and housekeeps.
    pub(super) async fn pass_time(&self, w: &World, facts: &Facts) -> Result<(), Died> {
        let now = facts.taken_at.unwrap();
        let until = |saga: &SagaFact| {
            let lease = saga.leased.then_some(Policy::STANDARD.lease + TICK);
            lease.unwrap_or_else(|| saga.due_at.duration_since(now).try_into().unwrap_or(TICK).max(TICK))
        };
        let wait = active(facts).map(until).min().unwrap_or(TICK);
        w.advance(wait).await;
        self.housekeep().await
    }
}

fn active(facts: &Facts) -> impl Iterator<Item = &SagaFact> {
    facts.sagas.iter().filter(|saga| matches!(saga.state, State::Active(_)))
}

/// The steps at which a saga is due, be it held or not.
pub(super) fn steps_at_hand(facts: &Facts) -> BTreeSet<StepName> {
    let due = active(facts).filter(|saga| facts.taken_at.is_some_and(|now| saga.due_at <= now));
    due.filter_map(|saga| saga.state.step().cloned()).collect()
}

/// Accepts one sign-up for each name, drives them all to their ends, and returns them.
pub(super) async fn drive(w: &mut World, process: &Process, names: &[String]) -> Vec<SagaId> {
    let mut sagas = Vec::with_capacity(names.len());
    for name in names {
        sagas.push(w.accept(name).await);
    }
    process.drive(w).await.unwrap();
    sagas
}

/// Drives until a saga is at this state, which is claimed by nobody.
pub(super) async fn drive_to(w: &mut World, process: &Process, saga: SagaId, goal: &Active) {
    for _ in 0..ROUNDS {
        let facts = w.check().await;
        if w.view(saga).await.state == State::Active(goal.clone()) {
            return;
        }
        for step in steps_at_hand(&facts) {
            for job in process.claim(&step).await.unwrap() {
                process.run(&job).await.unwrap();
            }
        }
    }
    panic!("{saga} never came to {goal:?}");
}
