//! What must hold in every committed state, also in the middle of a run and after any crash.
//!
//! Each invariant is a function from everything stored to the list of what breaks it. They are written against the
//! rows alone and know nothing of the engine's plan.

use std::collections::{BTreeMap, BTreeSet};

use saga::plan::EventKind;
use saga::{Active, End, Policy, SagaId, State};

use crate::facts::{EventFact, Facts, SagaFact};

/// An invariant's name, and what checks it.
pub type Invariant = (&'static str, fn(&Facts) -> Vec<String>);

/// Every invariant.
pub const ALL: [Invariant; 11] = [
    ("no row without a living saga", no_orphan),
    ("a user is provisional exactly while their saga is not completed", no_visible_half_user),
    ("completed is complete", completed_is_complete),
    ("one completed sign-up for an e-mail", one_sign_up_for_an_email),
    ("a saga makes at most one of each", effects_at_most_once),
    ("a decoy makes nothing", decoys_make_nothing),
    ("the journal is a word of the state machine", legal_history),
    ("epochs never go back", epochs_never_go_back),
    ("the journal ends where the saga is", journal_meets_row),
    ("every operator's action is signed, and nothing else is", actions_are_signed),
    ("no sealed password outlives its use", no_late_secret),
];

/// Everything that breaks an invariant.
pub fn violations(facts: &Facts) -> Vec<String> {
    ALL.iter().flat_map(|(name, check)| check(facts).into_iter().map(move |what| format!("{name}: {what}"))).collect()
}

/// What of the above is left to be done; empty once every saga has ended.
pub fn unfinished(facts: &Facts) -> Vec<SagaId> {
    facts.sagas.iter().filter(|saga| matches!(saga.state, State::Active(_))).map(|saga| saga.id).collect()
}

/// Every row that steps have made: its table, and its saga.
fn made(facts: &Facts) -> impl Iterator<Item = (&'static str, SagaId)> + '_ {
    let users = facts.users.iter().map(|user| ("user", user.saga));
    let identities = facts.identities.iter().map(|(saga, ..)| ("identity", *saga));
    let organizations = facts.organizations.iter().map(|(saga, _)| ("organization", *saga));
    let profiles = facts.profiles.iter().map(|(saga, ..)| ("profile", *saga));
    let claims = facts.claims.iter().map(|(saga, ..)| ("claims", *saga));
    users.chain(identities).chain(organizations).chain(profiles).chain(claims)
}

fn by_id(facts: &Facts) -> BTreeMap<SagaId, &SagaFact> {
    facts.sagas.iter().map(|saga| (saga.id, saga)).collect()
}

fn no_orphan(facts: &Facts) -> Vec<String> {
    let sagas = by_id(facts);
    let orphan = |saga: &SagaId| sagas.get(saga).is_none_or(|saga| matches!(saga.state, State::Ended(End::Failed(_))));
    made(facts).filter(|(_, saga)| orphan(saga)).map(|(table, saga)| format!("a {table} of {saga}")).collect()
}

fn no_visible_half_user(facts: &Facts) -> Vec<String> {
    let sagas = by_id(facts);
    let completed = |id| sagas.get(id).is_some_and(|saga| saga.state == State::Ended(End::Completed));
    let wrong = facts.users.iter().filter(|user| user.active != completed(&user.saga));
    wrong.map(|user| format!("{} is {}", user.saga, if user.active { "active" } else { "provisional" })).collect()
}

/// Sign-ups that have completed: of decoys this says nothing.
fn completed(facts: &Facts) -> impl Iterator<Item = &SagaFact> {
    facts.sagas.iter().filter(|saga| saga.state == State::Ended(End::Completed) && !saga.decoy)
}

fn completed_is_complete(facts: &Facts) -> Vec<String> {
    let whole = |saga: &&SagaFact| {
        let user = facts.users.iter().any(|user| {
            user.saga == saga.id
                && user.id == saga.user
                && Some(&user.email_key) == saga.email_key.as_ref()
                && user.password_hash.starts_with("$argon2id$")
        });
        user && facts.identities.iter().any(|(of, user, _)| *of == saga.id && *user == saga.user)
            && facts.organizations.contains(&(saga.id, saga.organization))
            && facts.profiles.contains(&(saga.id, saga.user, saga.organization))
            && facts.claims.contains(&(saga.id, saga.user, saga.organization))
    };
    completed(facts).filter(|saga| !whole(saga)).map(|saga| format!("{} lacks a part", saga.id)).collect()
}

fn one_sign_up_for_an_email(facts: &Facts) -> Vec<String> {
    let mut seen = BTreeSet::new();
    completed(facts)
        .filter(|saga| saga.email_key.is_some() && !seen.insert(&saga.email_key))
        .map(|s| s.id.to_string())
        .collect()
}

fn effects_at_most_once(facts: &Facts) -> Vec<String> {
    let mut seen = BTreeSet::new();
    made(facts).filter(|row| !seen.insert(*row)).map(|(table, saga)| format!("a second {table} of {saga}")).collect()
}

fn decoys_make_nothing(facts: &Facts) -> Vec<String> {
    let sagas = by_id(facts);
    let decoys = made(facts).filter(|(_, saga)| sagas.get(saga).is_some_and(|saga| saga.decoy));
    decoys.map(|(table, saga)| format!("a {table} of {saga}")).collect()
}

fn epochs_never_go_back(facts: &Facts) -> Vec<String> {
    let back = facts.events.windows(2).filter(|pair| pair[0].saga == pair[1].saga && pair[1].epoch < pair[0].epoch);
    back.map(|pair| format!("{} at seq {}", pair[1].saga, pair[1].seq)).collect()
}

fn actions_are_signed(facts: &Facts) -> Vec<String> {
    let wrong = facts.events.iter().filter(|event| {
        let action = saga::Action::ALL.iter().any(|action| action.event() == event.kind);
        let signed = event.signature.as_ref().is_some_and(|by| !by.operator.is_empty() && !by.reason.is_empty());
        action != signed
    });
    wrong.map(|event| format!("{} at seq {}", event.saga, event.seq)).collect()
}

fn journal_meets_row(facts: &Facts) -> Vec<String> {
    let apart = facts.sagas.iter().filter(|saga| {
        let last = journal(facts, saga.id).last();
        last.is_none_or(|event| event.seq != saga.seq || event.epoch > saga.epoch)
    });
    apart.map(|saga| format!("{} is at seq {}", saga.id, saga.seq)).collect()
}

fn no_late_secret(facts: &Facts) -> Vec<String> {
    let sagas = by_id(facts);
    let age = Policy::STANDARD.expiry + std::time::Duration::from_mins(1);
    let late = facts.sealed.iter().filter(|(saga, sealed_at)| {
        let ended = sagas.get(saga).is_none_or(|saga| matches!(saga.state, State::Ended(_)));
        ended || facts.taken_at.is_some_and(|now| *sealed_at + age < now)
    });
    let hashed = facts.sealed.iter().filter(|(saga, _)| journal(facts, *saga).any(is_hash));
    late.chain(hashed).map(|(saga, _)| saga.to_string()).collect()
}

/// Whether an event tells that the password has been hashed.
fn is_hash(event: &EventFact) -> bool {
    event.kind == EventKind::Done && event.step.as_ref() == Some(&signup::FIRST_STEP)
}

fn journal(facts: &Facts, saga: SagaId) -> impl Iterator<Item = &EventFact> {
    let start = facts.events.partition_point(|event| event.saga < saga);
    facts.events[start..].iter().take_while(move |event| event.saga == saga)
}

fn legal_history(facts: &Facts) -> Vec<String> {
    let illegal = facts.sagas.iter().filter_map(|saga| {
        let steps = steps(saga.version);
        let end = read_journal(journal(facts, saga.id), steps);
        let said = end.as_ref().map(|place| place.meets(&saga.state, steps));
        match said {
            Ok(true) => None,
            Ok(false) => Some(format!("{}: the journal leads elsewhere than {:?}", saga.id, saga.state)),
            Err(what) => Some(format!("{}: {what}", saga.id)),
        }
    });
    illegal.collect()
}

/// The steps of a version.
fn steps(version: u32) -> &'static [&'static str] {
    match version {
        signup::testing::next::VERSION => &signup::testing::next::STEPS,
        _ => &["create_user", "create_organization", "create_profile", "update_claims"],
    }
}

/// Where a journal leads: so many steps done, or so many still to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Forward(usize),
    Backward(usize),
}

impl Place {
    /// The step at hand.
    fn step(self, steps: &[&str]) -> Option<usize> {
        match self {
            Self::Forward(done) => (done < steps.len()).then_some(done),
            Self::Backward(left) => left.checked_sub(1),
        }
    }

    fn meets(&self, state: &State, steps: &[&str]) -> bool {
        match (self, state) {
            (Self::Forward(done), State::Ended(End::Completed)) => *done == steps.len(),
            (Self::Backward(left), State::Ended(End::Failed(_))) => *left == 0,
            (Self::Forward(done), State::Active(Active::Running(step))) => steps.get(*done) == Some(&step.as_str()),
            (Self::Backward(left), State::Active(Active::Compensating(step, _))) => {
                left.checked_sub(1).and_then(|last| steps.get(last)) == Some(&step.as_str())
            }
            (Self::Forward(_) | Self::Backward(_), State::Active(_) | State::Ended(_)) => false,
        }
    }
}

/// Reads a journal as a word of the state machine: written apart from the engine's plan, so that one checks the other.
fn read_journal<'e>(events: impl Iterator<Item = &'e EventFact>, steps: &[&str]) -> Result<Place, String> {
    let mut place = None;
    for (seq, event) in events.enumerate() {
        if event.seq != seq as u64 {
            return Err(format!("seq {} stands where {seq} should", event.seq));
        }
        let step = event.step.as_ref().map(saga::StepName::as_str);
        let at = step.and_then(|step| steps.iter().position(|known| *known == step));
        place = Some(match (place, event.kind, at) {
            (None, EventKind::Accepted, None) => Place::Forward(0),
            (Some(Place::Forward(done)), EventKind::Done, Some(step)) if step == done => Place::Forward(done + 1),
            (Some(Place::Forward(done)), EventKind::Failed, Some(step)) if step == done => Place::Forward(done),
            (Some(Place::Forward(done)), EventKind::Refused | EventKind::GaveUp, Some(step)) if step == done => {
                Place::Backward(done + 1)
            }
            (Some(place), EventKind::Retried, Some(step)) if place.step(steps) == Some(step) => place,
            (Some(Place::Forward(done)), EventKind::RolledBack, Some(step)) if step == done => {
                Place::Backward(done + 1)
            }
            // Nothing was left of it, wherever it was.
            (Some(place), EventKind::Resolved, Some(step)) if place.step(steps) == Some(step) => Place::Backward(0),
            (Some(Place::Backward(left)), EventKind::Undone, Some(step)) if step + 1 == left => Place::Backward(step),
            (Some(Place::Backward(left)), EventKind::UndoFailed, Some(step)) if step + 1 == left => {
                Place::Backward(left)
            }
            (before, kind, _) => return Err(format!("{kind:?} of {step:?} after {before:?}")),
        });
    }
    place.ok_or_else(|| "there is no journal".to_owned())
}
