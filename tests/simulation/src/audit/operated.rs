//! Whether operators were told what is so, and whether their actions changed just what they say.

use auditor::facts::{EventFact, Facts, SagaFact};
use saga::store::{Filter, Inspection, Made, Operated, Operation, Record};
use saga::{SagaId, State};
use uuid::Uuid;

use super::{Leases, find, last_event, unchanged};

/// An action that was answered.
pub(super) fn operated(
    before: &Facts,
    after: &Facts,
    leases: &mut Leases,
    operation: &Operation,
    operated: &Operated,
) -> Option<&'static str> {
    let from = State::Active(operation.from.clone());
    let seen = find(before, operation.saga).filter(|saga| saga.seq == operation.seq && saga.state == from);
    let ends = matches!(operation.to, State::Ended(_));
    let exists = !made(before, operation.saga).is_empty();
    match (operated, seen) {
        (Operated::Done, None) => Some("acted on what the operator did not see"),
        (Operated::Done, Some(_)) if ends && exists => Some("ended a sign-up of which something is left"),
        (Operated::Done, Some(was)) => {
            leases.remove(&operation.saga);
            acted(before, after, operation, was)
        }
        (Operated::Stale, Some(_)) => Some("refused to act on what the operator saw"),
        (Operated::Left(_), None) => Some("looked for what is left of what the operator did not see"),
        (Operated::Left(_), Some(_)) if !ends || !exists => Some("told of something left where nothing is"),
        (Operated::Left(left), Some(_)) if !is_made(left, before, operation.saga) => {
            Some("told of something else left")
        }
        (Operated::Stale, None) | (Operated::Left(_), Some(_)) => unchanged(before, after),
    }
}

/// Exactly one saga and its journal are others, and the secrets of one that has ended are gone.
fn acted(before: &Facts, after: &Facts, operation: &Operation, was: &SagaFact) -> Option<&'static str> {
    let then = SagaFact {
        state: operation.to.clone(),
        epoch: was.epoch + 1,
        seq: was.seq + 1,
        attempt: 0,
        leased: false,
        due_at: after.taken_at?,
        stuck_since: None,
        ..was.clone()
    };
    let event = EventFact {
        saga: was.id,
        seq: then.seq,
        epoch: then.epoch,
        kind: operation.action.event(),
        step: Some(operation.from.step().clone()),
        signature: Some(operation.signature.clone()),
    };
    let ends = matches!(operation.to, State::Ended(_));
    let sagas = before.sagas.iter().map(|saga| if saga.id == was.id { &then } else { saga });
    let events = after.events.iter().filter(|new| (new.saga, new.seq) != (event.saga, event.seq));
    let sealed = before.sealed.iter().filter(|(saga, _)| !ends || *saga != was.id);
    if !after.sagas.iter().eq(sagas) || last_event(after, was.id) != Some(&event) {
        Some("did not act as it says")
    } else if !before.events.iter().eq(events) || !after.sealed.iter().eq(sealed) || rows(before) != rows(after) {
        Some("changed more than an action does")
    } else {
        None
    }
}

fn rows(facts: &Facts) -> impl PartialEq + '_ {
    (&facts.users, &facts.identities, &facts.organizations, &facts.profiles, &facts.claims)
}

/// What exists of a saga, in the order of its steps; the id where the facts have it.
fn made(facts: &Facts, saga: SagaId) -> Vec<(&'static str, Option<Uuid>)> {
    let users = facts.users.iter().filter(|user| user.saga == saga).map(|user| ("user", Some(user.id.0)));
    let identities = facts.identities.iter().filter(|(of, ..)| *of == saga);
    let identities = identities.map(|(_, user, _)| ("identity", Some(user.0)));
    let organizations = facts.organizations.iter().filter(|(of, _)| *of == saga);
    let organizations = organizations.map(|(_, id)| ("organization", Some(id.0)));
    let profiles = facts.profiles.iter().filter(|(of, ..)| *of == saga).map(|_| ("profile", None));
    let claims = facts.claims.iter().filter(|(of, ..)| *of == saga).map(|(_, user, _)| ("claims", Some(user.0)));
    users.chain(identities).chain(organizations).chain(profiles).chain(claims).collect()
}

fn is_made(told: &[Made], facts: &Facts, saga: SagaId) -> bool {
    let made = made(facts, saga);
    let same = |(told, (what, id)): (&Made, &(&str, Option<Uuid>))| {
        told.what == *what && id.is_none_or(|id| told.id == id.to_string())
    };
    told.len() == made.len() && told.iter().zip(&made).all(same)
}

/// A list that was given out.
pub(super) fn listed(facts: &Facts, filter: &Filter, records: &[Record]) -> Option<&'static str> {
    let newest_first = records.is_sorted_by(|one, next| one.view.saga > next.view.saga);
    let asked_for = |record: &Record| {
        record.view.age >= filter.older_than && find(facts, record.view.saga).is_some_and(|saga| matches(saga, filter))
    };
    // How old a saga is stands in its record alone.
    let all = facts.sagas.iter().filter(|saga| matches(saga, filter)).count().min(filter.limit);
    let missing = records.len() < all && filter.older_than.is_zero();
    if !newest_first || records.len() > filter.limit || missing {
        Some("listed too much, too little or out of order")
    } else if !records.iter().all(asked_for) {
        Some("listed what was not asked for")
    } else {
        (!records.iter().all(|record| is_so(facts, record))).then_some("listed what is not so")
    }
}

fn matches(saga: &SagaFact, filter: &Filter) -> bool {
    filter.status.is_none_or(|status| status.word() == saga.state.word())
        && (!filter.stuck || saga.stuck_since.is_some())
        && filter.step.as_ref().is_none_or(|step| saga.state.step() == Some(step))
        && filter.code.as_ref().is_none_or(|code| saga.state.code() == Some(code))
        && filter.before.is_none_or(|before| saga.id < before)
}

/// A saga that was shown.
pub(super) fn inspected(facts: &Facts, saga: SagaId, inspection: Option<&Inspection>) -> Option<&'static str> {
    match inspection {
        None => find(facts, saga).is_some().then_some("forgot a sign-up that is there"),
        Some(Inspection { record, .. }) if record.view.saga != saga || !is_so(facts, record) => {
            Some("showed what is not so")
        }
        Some(Inspection { made, .. }) => (!is_made(made, facts, saga)).then_some("showed what is not made"),
    }
}

fn is_so(facts: &Facts, record: &Record) -> bool {
    find(facts, record.view.saga).is_some_and(|saga| {
        let numbers = (saga.epoch, saga.seq, saga.attempt) == (record.epoch, record.seq, record.attempt);
        let times = (saga.due_at, saga.stuck_since) == (record.due_at, record.view.stuck_since);
        let marks = (saga.leased, saga.decoy) == (record.lease.is_some(), record.decoy);
        numbers && times && marks && saga.state == record.view.state
    })
}
