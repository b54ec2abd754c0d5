//! Stores with one bug each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auditor::facts::Snapshot;
use jiff::Timestamp;
use saga::plan::EventKind;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Note, Operated,
    Operation, Record, View,
};
use saga::{Active, Direction, End, OsRandom, Policy, SagaId, State, StepName, Store, Transition, WorkerName};
use signup::{Conflict, Duplicates, Effect, OrganizationName, Proposal, STEPS, SignUp};
use store::memory::Memory;

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It takes a commit whatever its epoch and seq.
    IgnoresTheFence,
    /// It writes a commit again whose attempt is to be repeated.
    WritesTwice,
    /// It says that it has written, now and then, and has not.
    TellsAndDoesNotWrite,
    /// A step that was given up or refused is taken for one that never happened.
    SkipsTheStepInDoubt,
    /// An undo is written without its effect.
    UndoesInWordOnly,
    /// The sealed password stays when it is hashed.
    ForgetsToWipe,
    /// Housekeeping does nothing.
    DoesNotHousekeep,
    /// A sign-up is accepted while another for the e-mail is under way.
    AcceptsASecond,
    /// It says that it has accepted, now and then, and has not.
    ForgetsWhatItAccepts,
    /// Idempotency keys are not kept.
    ForgetsTheKey,
    /// Leases are not looked at.
    ClaimsWhatIsHeld,
    /// A commit that claims what follows takes no lease for it.
    HoldsInWordOnly,
    /// Whoever takes over from a lease that ran out is not told.
    NeverTakesOver,
    /// An operator's action is written whatever its seq.
    IgnoresTheOperatorsSight,
    /// An operator's action takes no epoch of its own: the worker at the saga still writes.
    FencesNobody,
    /// An operator's action is not written, and is said to be.
    ActsInWordOnly,
    /// What is declared over ends, whatever is left of it.
    ResolvesWhatIsLeft,
    /// The sealed password stays when a sign-up is declared over.
    ForgetsToWipeTheResolved,
    /// A decoy's organization is made.
    MakesForDecoys,
    /// Whose e-mail is known is refused, and nobody is to learn that.
    RefusesInsteadOfDecoying,
    /// It panics, now and then.
    Panics,
}

/// The store in memory, behind a flaw.
pub(crate) fn over(memory: Arc<Memory>, flaw: Flaw) -> Arc<dyn Store<SignUp>> {
    Arc::new(Flawed { memory, flaw, proposals: Mutex::default(), overtaken: Mutex::default(), calls: Mutex::default() })
}

struct Flawed {
    memory: Arc<Memory>,
    flaw: Flaw,
    proposals: Mutex<BTreeMap<SagaId, Proposal>>,
    /// What workers held when operators acted, and where it is since.
    overtaken: Mutex<BTreeMap<SagaId, (Fence, Fence)>>,
    calls: Mutex<u32>,
}

/// Flaws that show now and then show once in so many calls.
const NOW_AND_THEN: u32 = 5;

impl Flawed {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn now_and_then(&self, flaw: Flaw) -> bool {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        self.is(flaw) && calls.is_multiple_of(NOW_AND_THEN)
    }

    /// The fence that holds at the moment.
    async fn fence(&self, saga: SagaId) -> Option<Fence> {
        let facts = self.memory.facts().await.unwrap();
        let row = facts.sagas.iter().find(|row| row.id == saga)?;
        Some(Fence { saga, epoch: row.epoch, seq: row.seq })
    }

    /// The saga's state at the moment, if it is active.
    async fn active(&self, saga: SagaId) -> Option<Active> {
        let facts = self.memory.facts().await.unwrap();
        match &facts.sagas.iter().find(|row| row.id == saga)?.state {
            State::Active(active) => Some(active.clone()),
            State::Ended(_) => None,
        }
    }

    /// Ends a saga past the store's own check, in the way of a worker.
    async fn end(&self, operation: &Operation) -> Result<Operated, Error> {
        let commit = Commit {
            fence: self.fence(operation.saga).await.unwrap(),
            from: operation.from.clone(),
            effect: None,
            then: Transition::Advance { to: operation.to.clone(), event: operation.action.event() },
            if_refused: None,
            hold: None,
            told: false,
            note: Note {
                worker: WorkerName::unique("flawed", &OsRandom),
                attempt: 1,
                took: Duration::ZERO,
                error: None,
            },
        };
        self.memory.commit(&commit).await?;
        Ok(Operated::Done)
    }
}

/// Where the saga goes if the step in doubt is left out.
fn past(step: &StepName, code: &saga::Code) -> State {
    let steps = ["create_user", "create_organization", "create_profile", "update_claims"];
    let before = steps.iter().take_while(|known| **known != step.as_str()).last();
    match before {
        Some(before) => State::Active(Active::Compensating(StepName::new(before), code.clone())),
        None => State::Ended(End::Failed(code.clone())),
    }
}

/// A sign-up as it looks when it was just accepted.
fn in_word_only(saga: SagaId) -> View {
    let state = State::Active(Active::Running(signup::FIRST_STEP));
    View { saga, state, accepted_at: Timestamp::UNIX_EPOCH, age: Duration::ZERO, stuck_since: None, ended_at: None }
}

#[async_trait]
impl Store<SignUp> for Flawed {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let mut proposal = proposal.clone();
        self.proposals.lock().unwrap().insert(proposal.saga, proposal.clone());
        if self.is(Flaw::ForgetsTheKey) {
            proposal.idempotency = None;
        }
        if self.is(Flaw::RefusesInsteadOfDecoying) {
            proposal.duplicates = Duplicates::Refused;
        }
        if self.now_and_then(Flaw::ForgetsWhatItAccepts) {
            return Ok(Accepted::New(in_word_only(proposal.saga)));
        }
        let answer = self.memory.accept(&proposal).await?;
        if self.is(Flaw::AcceptsASecond) && answer == Accepted::Conflict(Conflict::InProgress) {
            self.memory.plant_saga(&proposal);
            return self.memory.accept(&proposal).await;
        }
        Ok(answer)
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        if self.is(Flaw::ClaimsWhatIsHeld) {
            self.memory.release_leases().await?;
        }
        let mut claimed = self.memory.claim(claim).await?;
        if self.is(Flaw::NeverTakesOver) {
            claimed.retain(|one| !one.taken_over);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let mut commit = commit.clone();
        if self.now_and_then(Flaw::TellsAndDoesNotWrite) {
            return Ok(Committed::Then);
        }
        assert!(!self.now_and_then(Flaw::Panics), "a store with a bug");
        if self.is(Flaw::IgnoresTheFence) {
            commit.fence = self.fence(commit.fence.saga).await.unwrap_or(commit.fence);
        }
        let overtaken = self.overtaken.lock().unwrap().get(&commit.fence.saga).copied();
        commit.fence = match overtaken {
            Some((before, since)) if before == commit.fence && self.is(Flaw::FencesNobody) => since,
            Some(_) | None => commit.fence,
        };
        if self.is(Flaw::SkipsTheStepInDoubt)
            && let Transition::Advance { event: EventKind::GaveUp | EventKind::Refused, to } = &mut commit.then
            && let State::Active(Active::Compensating(step, code)) = to.clone()
        {
            *to = past(&step, &code);
        }
        if self.is(Flaw::UndoesInWordOnly) && commit.from.direction() == Direction::Backward {
            commit.effect = None;
        }
        let second = matches!(&commit.from, Active::Running(step) if *step == STEPS[1]);
        if self.is(Flaw::MakesForDecoys) && second && commit.effect == Some(Effect::Nothing) {
            commit.effect = Some(Effect::CreateOrganization { name: OrganizationName::of(None) });
        }
        let answer = self.memory.commit(&commit).await?;
        if self.is(Flaw::HoldsInWordOnly) && answer == Committed::Then && commit.claims().is_some() {
            let Fence { saga, epoch, seq } = commit.fence;
            let held = Fence { saga, epoch: epoch + 1, seq: seq + 1 };
            self.memory.hand_back(&held, Duration::ZERO).await?;
        }
        if self.is(Flaw::WritesTwice) && matches!(commit.then, Transition::Again { .. }) {
            commit.fence = self.fence(commit.fence.saga).await.unwrap_or(commit.fence);
            self.memory.commit(&commit).await?;
        }
        if self.is(Flaw::ForgetsToWipe) && matches!(commit.effect, Some(Effect::CreateUser { .. })) {
            let proposal = self.proposals.lock().unwrap().get(&commit.fence.saga).cloned();
            if let Some(proposal) = proposal {
                self.memory.plant_secret(&proposal);
            }
        }
        Ok(answer)
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.memory.hand_back(fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        self.memory.views(sagas).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        self.memory.events(saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        self.memory.list(filter).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        self.memory.inspect(saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        let mut operation = operation.clone();
        if self.now_and_then(Flaw::ActsInWordOnly) {
            return Ok(Operated::Done);
        }
        let held = self.fence(operation.saga).await;
        if self.is(Flaw::IgnoresTheOperatorsSight)
            && let (Some(fence), Some(from)) = (held, self.active(operation.saga).await)
        {
            (operation.seq, operation.from) = (fence.seq, from);
        }
        let answer = self.memory.operate(&operation).await?;
        match &answer {
            Operated::Done => {
                let since = self.fence(operation.saga).await;
                self.overtaken.lock().unwrap().extend(held.zip(since).map(|both| (operation.saga, both)));
                let proposal = self.proposals.lock().unwrap().get(&operation.saga).cloned();
                if self.is(Flaw::ForgetsToWipeTheResolved)
                    && matches!(operation.to, State::Ended(_))
                    && let Some(proposal) = proposal
                {
                    self.memory.plant_secret(&proposal);
                }
            }
            Operated::Left(_) if self.is(Flaw::ResolvesWhatIsLeft) => return self.end(&operation).await,
            Operated::Left(_) | Operated::Stale => {}
        }
        Ok(answer)
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        if self.is(Flaw::DoesNotHousekeep) {
            return Ok(Housekept::default());
        }
        self.memory.housekeep(policy).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.memory.release_leases().await
    }
}
