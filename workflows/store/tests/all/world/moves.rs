//! Claims and commits as the engine would make them, written by hand: the stores are tested without it.

use std::time::Duration;

use saga::operate::{Signature, act};
use saga::plan::EventKind;
use saga::store::{Accepted, Claim, Claimed, Commit, Fence, Note, Operation};
use saga::{Action, Active, Code, End, Policy, Saga, SagaId, State, StepName, Transition, WorkerName};
use signup::{Conflict, Effect, OrganizationName, PasswordHash, SignUp};

use super::Seeded;

pub(crate) const USER: StepName = StepName::new("create_user");
pub(crate) const ORGANIZATION: StepName = StepName::new("create_organization");
pub(crate) const PROFILE: StepName = StepName::new("create_profile");
pub(crate) const CLAIMS: StepName = StepName::new("update_claims");
pub(crate) static STEPS: [StepName; 4] = [USER, ORGANIZATION, PROFILE, CLAIMS];

/// The code of every failure that a test makes.
pub(crate) const CODE: Code = Code::new("sabotaged");

/// A claim of the service's kind.
pub(crate) fn claim(step: &StepName, limit: usize) -> Claim {
    Claim {
        kind: SignUp::KIND,
        versions: signup::VERSION..=signup::VERSION,
        step: step.clone(),
        only: None,
        limit,
        worker: WorkerName::unique("test", &Seeded::new(1)),
        lease: Policy::STANDARD.lease,
    }
}

/// The step is done, with its effect.
pub(crate) fn done(claimed: &Claimed<SignUp>) -> Commit<SignUp> {
    let step = claimed.state.step();
    let effect = match position(step) {
        0 if claimed.data.decoy => Effect::WipePassword,
        _ if claimed.data.decoy => Effect::Nothing,
        0 => Effect::CreateUser { hash: PasswordHash::from_stored("$argon2id$test".to_owned()) },
        1 => Effect::CreateOrganization { name: OrganizationName::of(None) },
        2 => Effect::CreateProfile,
        _ => Effect::WriteClaims,
    };
    let next = STEPS.get(position(step) + 1);
    let to = next.map_or(State::Ended(End::Completed), |next| State::Active(Active::Running(next.clone())));
    let taken = (*step == USER).then(|| back_from(step, signup::EMAIL_TAKEN, EventKind::Refused));
    Commit { if_refused: taken, ..commit(claimed, Some(effect), Transition::Advance { to, event: EventKind::Done }) }
}

/// The step is refused: it is next to be undone.
pub(crate) fn refused(claimed: &Claimed<SignUp>) -> Commit<SignUp> {
    commit(claimed, None, back_from(claimed.state.step(), CODE, EventKind::Refused))
}

/// Attempts ran out: the step itself is next to be undone.
pub(crate) fn gave_up(claimed: &Claimed<SignUp>) -> Commit<SignUp> {
    commit(claimed, None, back_from(claimed.state.step(), CODE, EventKind::GaveUp))
}

/// The step is undone: the one before it is next.
pub(crate) fn undone(claimed: &Claimed<SignUp>) -> Commit<SignUp> {
    let step = claimed.state.step();
    let effect = match position(step) {
        _ if claimed.data.decoy => Effect::Nothing,
        0 => Effect::DeleteUser,
        1 => Effect::DeleteOrganization,
        2 => Effect::DeleteProfile,
        _ => Effect::DeleteClaims,
    };
    let code = State::Active(claimed.state.clone()).code().unwrap().clone();
    let to = match position(step).checked_sub(1) {
        Some(before) => State::Active(Active::Compensating(STEPS[before].clone(), code)),
        None => State::Ended(End::Failed(code)),
    };
    commit(claimed, Some(effect), Transition::Advance { to, event: EventKind::Undone })
}

/// The attempt led to nothing and is repeated after a delay.
pub(crate) fn failed(claimed: &Claimed<SignUp>, after: Duration) -> Commit<SignUp> {
    commit(claimed, None, Transition::Again { after, stuck: false, event: EventKind::Failed })
}

/// The attempt to undo led to nothing and is repeated after a delay.
pub(crate) fn undo_failed(claimed: &Claimed<SignUp>, after: Duration, stuck: bool) -> Commit<SignUp> {
    commit(claimed, None, Transition::Again { after, stuck, event: EventKind::UndoFailed })
}

/// Any commit at all.
pub(crate) fn commit(claimed: &Claimed<SignUp>, effect: Option<Effect>, then: Transition) -> Commit<SignUp> {
    let note = Note {
        worker: WorkerName::unique("test", &Seeded::new(1)),
        attempt: claimed.attempt,
        took: Duration::from_millis(5),
        error: None,
    };
    Commit {
        fence: claimed.fence,
        from: claimed.state.clone(),
        effect,
        then,
        if_refused: None,
        hold: None,
        told: false,
        note,
    }
}

/// The same commit, which claims what follows too.
pub(crate) fn holding(commit: Commit<SignUp>) -> Commit<SignUp> {
    Commit { hold: Some(Policy::STANDARD.lease), ..commit }
}

/// What a commit that holds claims.
pub(crate) fn held(claimed: &Claimed<SignUp>, by: &Commit<SignUp>) -> Claimed<SignUp> {
    let Fence { saga, epoch, seq } = claimed.fence;
    Claimed {
        fence: Fence { saga, epoch: epoch + 1, seq: seq + 1 },
        state: by.leads_to().unwrap().clone(),
        attempt: 1,
        ..claimed.clone()
    }
}

/// An operator's action on a saga that they saw there.
pub(crate) fn operation(saga: SagaId, seq: u64, action: Action, from: Active) -> Operation {
    let to = act(action, &from).unwrap();
    let signature = Signature { operator: "ola".to_owned(), reason: "as the runbook says".to_owned() };
    Operation { saga, seq, action, from, to, signature }
}

fn back_from(step: &StepName, code: Code, event: EventKind) -> Transition {
    Transition::Advance { to: State::Active(Active::Compensating(step.clone(), code)), event }
}

fn position(step: &StepName) -> usize {
    STEPS.iter().position(|known| known == step).unwrap()
}

pub(crate) fn running(step: &StepName) -> State {
    State::Active(Active::Running(step.clone()))
}

pub(crate) fn ended_failed(code: Code) -> State {
    State::Ended(End::Failed(code))
}

pub(crate) fn is_new(answer: &Accepted<SignUp>) -> bool {
    matches!(answer, Accepted::New(_))
}

pub(crate) fn is_replay_of(saga: SagaId, answer: &Accepted<SignUp>) -> bool {
    matches!(answer, Accepted::Replay(view) if view.saga == saga)
}

pub(crate) fn conflicts(conflict: &Conflict, answer: &Accepted<SignUp>) -> bool {
    matches!(answer, Accepted::Conflict(found) if found == conflict)
}
