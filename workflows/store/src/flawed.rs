//! Stores with one bug each: whoever claims to find bugs must find these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use saga::plan::EventKind;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Active, Clock, Code, Direction, End, Policy, SagaId, State, StepName, Store, SystemClock, Transition};
use signup::{Effect, FIRST_STEP, OrganizationName, Proposal, STEPS, SignUp};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It writes a commit whatever its epoch and seq.
    IgnoresTheFence,
    /// It writes a commit again whose attempt is to be repeated.
    WritesTwice,
    /// A step that was given up or refused is taken for one that never happened.
    SkipsTheStepInDoubt,
    /// An undo is written without its effect.
    UndoesInWordOnly,
    /// It says that it has written a commit, and has not.
    AcknowledgesBeforeItCommits,
    /// The last step is written without its effect.
    CompletesWithoutClaims,
    /// Leases are taken for over by the process' own clock.
    TakesLeasesByItsOwnClock,
    /// Whoever takes over from a lease that ran out is not told.
    NeverTakesOver,
    /// Idempotency keys are not kept.
    ForgetsTheKey,
    /// It says that it has accepted, now and then, and has not.
    ForgetsWhatItAccepts,
    /// A worker writes past an operator who has acted meanwhile.
    FencesNobodyOut,
    /// A sign-up that has ended is shown at another end.
    ShowsAnotherEnd,
    /// A decoy's organization is made.
    MakesForDecoys,
}

/// Flaws that show now and then show once in so many calls.
const NOW_AND_THEN: u32 = 3;
/// A clock that is so far ahead is wrong.
const AHEAD: Duration = Duration::from_mins(1);

impl Flaw {
    /// In whose environment this is set, to one of the names, a process has the flaw.
    pub const VARIABLE: &str = "TESTING_FLAW";

    /// Every flaw.
    pub const ALL: [Self; 13] = [
        Self::IgnoresTheFence,
        Self::WritesTwice,
        Self::SkipsTheStepInDoubt,
        Self::UndoesInWordOnly,
        Self::AcknowledgesBeforeItCommits,
        Self::CompletesWithoutClaims,
        Self::TakesLeasesByItsOwnClock,
        Self::NeverTakesOver,
        Self::ForgetsTheKey,
        Self::ForgetsWhatItAccepts,
        Self::FencesNobodyOut,
        Self::ShowsAnotherEnd,
        Self::MakesForDecoys,
    ];

    /// What it is called.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// This process'.
    ///
    /// # Panics
    /// Where the variable names none: no test means that.
    pub fn of_environment() -> Option<Self> {
        let said = std::env::var(Self::VARIABLE).ok()?;
        let found = Self::ALL.into_iter().find(|flaw| flaw.name() == said);
        assert!(found.is_some(), "TESTING_FLAW is {said}");
        found
    }
}

/// A store behind a flaw, in a process with this clock.
pub fn over(store: Arc<dyn Store<SignUp>>, flaw: Flaw, clock: impl Clock) -> Arc<dyn Store<SignUp>> {
    Arc::new(Flawed { store, flaw, clock: Arc::new(clock), calls: AtomicU32::new(0) })
}

struct Flawed {
    store: Arc<dyn Store<SignUp>>,
    flaw: Flaw,
    clock: Arc<dyn Clock>,
    calls: AtomicU32,
}

impl Flawed {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn now_and_then(&self, flaw: Flaw) -> bool {
        self.is(flaw) && self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(NOW_AND_THEN)
    }

    /// Writes a commit under whatever fence holds. In a task of its own: not even its caller's deadline ends it.
    async fn write_anyway(&self, mut commit: Commit<SignUp>) -> Result<Committed, Error> {
        let store = Arc::clone(&self.store);
        let written = tokio::spawn(async move {
            if let Some(Inspection { record, .. }) = store.inspect(commit.fence.saga).await? {
                commit.fence = Fence { epoch: record.epoch, seq: record.seq, ..commit.fence };
            }
            store.commit(&commit).await
        });
        written.await.map_err(|_| Error::InDoubt("the task is gone".to_owned()))?
    }

    async fn has_been_operated_on(&self, saga: SagaId) -> Result<bool, Error> {
        Ok(self.store.events(saga, 0).await?.iter().any(|event| event.signature.is_some()))
    }
}

/// Where the saga goes if the step in doubt is left out.
fn past(step: &StepName, code: &saga::Code) -> State {
    match STEPS.into_iter().take_while(|known| known != step).last() {
        Some(before) => State::Active(Active::Compensating(before, code.clone())),
        None => State::Ended(End::Failed(code.clone())),
    }
}

/// Whether a second step is done that records nothing: a decoy's.
fn is_a_decoys_organization(commit: &Commit<SignUp>) -> bool {
    let second = matches!(&commit.from, Active::Running(step) if *step == STEPS[1]);
    second && commit.effect == Some(Effect::Nothing)
}

#[async_trait]
impl Store<SignUp> for Flawed {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let mut proposal = proposal.clone();
        if self.is(Flaw::ForgetsTheKey) {
            proposal.idempotency = None;
        }
        if self.now_and_then(Flaw::ForgetsWhatItAccepts) {
            let (saga, state, now) = (proposal.saga, State::Active(Active::Running(FIRST_STEP)), SystemClock.now());
            let age = Duration::ZERO;
            return Ok(Accepted::New(View { saga, state, accepted_at: now, age, stuck_since: None, ended_at: None }));
        }
        self.store.accept(&proposal).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        if self.is(Flaw::TakesLeasesByItsOwnClock) && self.clock.now() > SystemClock.now() + AHEAD {
            self.store.release_leases().await?;
        }
        let mut claimed = self.store.claim(claim).await?;
        if self.is(Flaw::NeverTakesOver) {
            claimed.retain(|one| !one.taken_over);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let mut commit = commit.clone();
        match self.flaw {
            Flaw::AcknowledgesBeforeItCommits => return Ok(Committed::Then),
            Flaw::IgnoresTheFence => return self.write_anyway(commit).await,
            Flaw::FencesNobodyOut if self.has_been_operated_on(commit.fence.saga).await? => {
                return self.write_anyway(commit).await;
            }
            Flaw::WritesTwice if matches!(commit.then, Transition::Again { .. }) => {
                self.store.commit(&commit).await?;
                return self.write_anyway(commit).await;
            }
            Flaw::UndoesInWordOnly if commit.from.direction() == Direction::Backward => commit.effect = None,
            Flaw::CompletesWithoutClaims if matches!(commit.effect, Some(Effect::WriteClaims)) => commit.effect = None,
            Flaw::MakesForDecoys if is_a_decoys_organization(&commit) => {
                commit.effect = Some(Effect::CreateOrganization { name: OrganizationName::of(None) });
            }
            Flaw::SkipsTheStepInDoubt => {
                if let Transition::Advance { event: EventKind::GaveUp | EventKind::Refused, to } = &mut commit.then
                    && let State::Active(Active::Compensating(step, code)) = to.clone()
                {
                    *to = past(&step, &code);
                }
            }
            Flaw::FencesNobodyOut
            | Flaw::WritesTwice
            | Flaw::UndoesInWordOnly
            | Flaw::CompletesWithoutClaims
            | Flaw::TakesLeasesByItsOwnClock
            | Flaw::NeverTakesOver
            | Flaw::ForgetsTheKey
            | Flaw::ForgetsWhatItAccepts
            | Flaw::ShowsAnotherEnd
            | Flaw::MakesForDecoys => {}
        }
        self.store.commit(&commit).await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.store.hand_back(fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        let mut views = self.store.views(sagas).await?;
        for view in views.iter_mut().filter(|view| self.is(Flaw::ShowsAnotherEnd) && view.ended_at.is_some()) {
            view.state = State::Ended(End::Failed(Code::STEP_FAILED));
        }
        Ok(views)
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
