//! What must hold after every move, over what was seen before it.

use std::collections::{BTreeMap, BTreeSet};

use auditor::facts::{EventFact, Facts, SagaFact};
use auditor::invariants;
use saga::plan::EventKind;
use saga::store::{Accepted, Error, Fence, Operated};
use saga::{Action, Code, Direction, End, SagaId, State};
use signup::{Conflict, EMAIL_TAKEN, SignUp};

use crate::audit::{Leases, audit, find, journal, named};
use crate::people::marks;
use crate::request::{Answer, Request};
use crate::sight::{Sight, Sights};

/// All that was seen of a store.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) seen: Facts,
    pub(crate) sights: Sights,
    pub(crate) broken: Vec<String>,
    leases: Leases,
    /// Which saga a marked request made: by e-mail, and which mark it is.
    marked: BTreeMap<(String, usize), SagaId>,
    /// Sagas that were stuck when an operator retried them, and have not been since.
    retried: BTreeSet<SagaId>,
}

impl Watch {
    /// The store has answered, and holds this now.
    pub(crate) fn answered(&mut self, request: &Request, answer: &Result<Answer, Error>, after: Facts) {
        let wrong = audit(&self.seen, &after, &mut self.leases, request, answer);
        self.broken.extend(wrong);
        if let Ok(answer) = answer {
            self.tell(request, answer);
        }
        self.look(after);
    }

    /// Holds everything against what the store holds now.
    pub(crate) fn look(&mut self, facts: Facts) {
        self.broken.extend(invariants::violations(&facts));
        self.broken.extend(second_live(&facts));
        for saga in &facts.sagas {
            let Some(was) = find(&self.seen, saga.id) else {
                if saga.decoy {
                    self.sights.see(Sight::Decoyed);
                }
                continue;
            };
            let (old, new) = (journal(&self.seen, saga.id), journal(&facts, saga.id));
            self.broken.extend(rewritten(was, saga, old, new).map(|what| named(what, saga.id)));
            if was != saga {
                self.broken.extend(taken_by_nobody(saga, &facts));
                see_new(&mut self.sights, was, saga, old, new);
                see_retried(&mut self.retried, &mut self.sights, was, saga, new.get(old.len()..).unwrap_or_default());
            }
        }
        let gone = self.seen.sagas.iter().filter(|was| find(&facts, was.id).is_none());
        self.broken.extend(gone.map(|was| named("what was seen is not rewritten: gone", was.id)));
        self.seen = facts;
    }

    /// What an answer tells beyond what the store holds.
    fn tell(&mut self, request: &Request, answer: &Answer) {
        match (request, answer) {
            (Request::Claim(_), Answer::Claimed(claimed)) => {
                let over = claimed.iter().filter(|one| one.taken_over).count();
                (0..over).for_each(|_| self.sights.see(Sight::TakenOver));
            }
            (Request::Commit(commit), Answer::Committed(_)) if !answer.wrote() => {
                let overtaken = find(&self.seen, commit.fence.saga).is_some_and(|is| is.epoch > commit.fence.epoch);
                if is_operators(&self.seen, &commit.fence) {
                    self.sights.see(Sight::FencedByOperator);
                } else if overtaken {
                    self.sights.see(Sight::ZombieRefused);
                }
            }
            (Request::Operate(operation), Answer::Operated(Operated::Stale)) => {
                let next = journal(&self.seen, operation.saga).iter().find(|event| event.seq == operation.seq + 1);
                let ours = next.is_some_and(|event| event.signature.as_ref() == Some(&operation.signature));
                self.sights.see(if ours { Sight::ClickDoubled } else { Sight::StaleClick });
            }
            (Request::Operate(_), Answer::Operated(Operated::Left(_))) => self.sights.see(Sight::ResolveRefused),
            (Request::Housekeep(_), Answer::Housekept(kept)) => {
                if kept.secrets > 0 {
                    self.sights.see(Sight::Wiped);
                }
                if kept.keys > 0 {
                    self.sights.see(Sight::KeyForgotten);
                    self.marked.clear();
                }
            }
            (Request::Accept(proposal), Answer::Accepted(accepted)) => {
                let mark = marks().iter().position(|mark| Some(mark) == proposal.idempotency.as_ref());
                self.tell_accepted(proposal.applicant.email.key(), mark, accepted);
            }
            _ => {}
        }
    }

    fn tell_accepted(&mut self, email: &str, mark: Option<usize>, accepted: &Accepted<SignUp>) {
        let (view, replayed) = match accepted {
            Accepted::New(view) => (view, false),
            Accepted::Replay(view) => (view, true),
            Accepted::Conflict(conflict) => {
                return self.sights.see(match conflict {
                    Conflict::OtherBody => Sight::OtherBody,
                    Conflict::EmailTaken { .. } => Sight::TakenAtOnce,
                    Conflict::InProgress => Sight::InProgress,
                });
            }
        };
        if replayed {
            self.sights.see(Sight::Replayed);
        }
        if let Some(mark) = mark
            && *self.marked.entry((email.to_owned(), mark)).or_insert(view.saga) != view.saga
        {
            self.broken.push(named("the same request makes the same sign-up: another", view.saga));
        }
    }
}

/// A second sign-up under way for the same e-mail.
fn second_live(facts: &Facts) -> Option<String> {
    let mut live = BTreeSet::new();
    let active = facts.sagas.iter().filter(|saga| matches!(saga.state, State::Active(_)));
    let mut real = active.filter(|saga| !saga.decoy && saga.email_key.is_some());
    let second = real.find(|saga| !live.insert(&saga.email_key));
    second.map(|saga| named("one sign-up under way for an e-mail: a second", saga.id))
}

/// A saga that lost its e-mail to nobody.
fn taken_by_nobody(saga: &SagaFact, facts: &Facts) -> Option<String> {
    if saga.state.code() != Some(&EMAIL_TAKEN) {
        return None;
    }
    let theirs =
        facts.users.iter().any(|user| user.saga != saga.id && Some(&user.email_key) == saga.email_key.as_ref());
    (!theirs).then(|| named("an e-mail is taken by somebody: not that of", saga.id))
}

/// How far a saga is on its way: forward, back, over. It never goes down.
fn progress(state: &State) -> (u8, usize) {
    let at = state.step().and_then(|step| STEPS.iter().position(|known| *known == step.as_str())).unwrap_or_default();
    match state {
        State::Active(active) => match active.direction() {
            Direction::Forward => (0, at),
            Direction::Backward => (1, STEPS.len() - at),
        },
        State::Ended(_) => (2, 0),
    }
}

/// The steps, in order.
pub(crate) const STEPS: [&str; 4] = ["create_user", "create_organization", "create_profile", "update_claims"];

/// What of a saga's past is not as it was.
fn rewritten(was: &SagaFact, is: &SagaFact, old: &[EventFact], new: &[EventFact]) -> Option<&'static str> {
    if !new.starts_with(old) {
        Some("what was seen is not rewritten: the journal of")
    } else if is.epoch < was.epoch || is.seq < was.seq || progress(&is.state) < progress(&was.state) {
        Some("what was seen is not rewritten: went back")
    } else if matches!(was.state, State::Ended(_)) && was != is {
        Some("an ended sign-up never changes")
    } else {
        // Looked at after every write, so what is new was written under the epoch that was seen, or took the next one.
        let under = |event: &EventFact| event.epoch == was.epoch + u64::from(is_action(event.kind));
        let added = new.get(old.len()..).unwrap_or_default();
        let again = |event: &EventFact| {
            event.signature.is_some() && old.iter().any(|earlier| earlier.signature == event.signature)
        };
        if added.iter().any(again) {
            Some("a click takes effect once: twice at")
        } else {
            (!added.iter().all(under)).then_some("no write by a fenced worker")
        }
    }
}

/// Whether an event is an operator's action.
fn is_action(kind: EventKind) -> bool {
    Action::ALL.iter().any(|action| action.event() == kind)
}

/// Whether what a fence stands before was moved on by an operator.
fn is_operators(facts: &Facts, fence: &Fence) -> bool {
    let next = journal(facts, fence.saga).iter().find(|event| event.seq == fence.seq + 1);
    next.is_some_and(|event| is_action(event.kind) && event.epoch == fence.epoch + 1)
}

/// Sees what has become of a saga.
fn see_new(sights: &mut Sights, was: &SagaFact, is: &SagaFact, old: &[EventFact], new: &[EventFact]) {
    for (at, event) in new.iter().enumerate().skip(old.len()) {
        let step = event.step.as_ref().and_then(|step| STEPS.iter().position(|known| *known == step.as_str()));
        match (event.kind, step) {
            (EventKind::Refused, _) => sights.see(Sight::Refused),
            (EventKind::GaveUp, _) => sights.see(Sight::GaveUp),
            (EventKind::Undone, Some(step)) => {
                let in_doubt = new[..at].iter().rev().find(|earlier| earlier.kind != EventKind::UndoFailed);
                if in_doubt.is_some_and(|earlier| earlier.kind == EventKind::GaveUp) {
                    sights.see(Sight::UndoneInDoubt);
                }
                let undone = [Sight::UndoneUser, Sight::UndoneOrganization, Sight::UndoneProfile, Sight::UndoneClaims];
                undone.get(step).into_iter().for_each(|sight| sights.see(*sight));
            }
            (EventKind::Retried, _) => sights.see(Sight::Retried),
            (EventKind::RolledBack, _) => sights.see(Sight::RolledBack),
            (EventKind::Resolved, _) => sights.see(Sight::Resolved),
            (EventKind::Accepted | EventKind::Done | EventKind::Failed | EventKind::UndoFailed, _)
            | (EventKind::Undone, None) => {}
        }
    }
    match (was.stuck_since, is.stuck_since) {
        (None, Some(_)) => sights.see(Sight::Stuck),
        (Some(_), None) => sights.see(Sight::Healed),
        (None, None) | (Some(_), Some(_)) => {}
    }
    match (&was.state, &is.state) {
        (State::Active(_), State::Ended(End::Completed)) if is.decoy => sights.see(Sight::DecoyCompleted),
        (State::Active(_), State::Ended(End::Completed)) => sights.see(Sight::Completed),
        (State::Active(_), State::Ended(End::Failed(_))) if is.decoy => sights.see(Sight::DecoyFailed),
        (State::Active(_), State::Ended(End::Failed(code))) => {
            sights.see(Sight::Failed);
            if *code == Code::EXPIRED {
                sights.see(Sight::Expired);
            } else if *code == EMAIL_TAKEN {
                sights.see(Sight::TakenLater);
            }
        }
        (State::Active(_) | State::Ended(_), State::Active(_)) | (State::Ended(_), State::Ended(_)) => {}
    }
}

/// Sees whether an operator's retry brings a stuck saga to its end.
fn see_retried(
    retried: &mut BTreeSet<SagaId>,
    sights: &mut Sights,
    was: &SagaFact,
    is: &SagaFact,
    added: &[EventFact],
) {
    let action = added.iter().find(|event| is_action(event.kind)).map(|event| event.kind);
    if action == Some(EventKind::Retried) && was.stuck_since.is_some() {
        retried.insert(is.id);
    } else if action.is_some() || is.stuck_since.is_some() {
        retried.remove(&is.id);
    } else if matches!(is.state, State::Ended(_)) && retried.remove(&is.id) {
        sights.see(Sight::RetriedToItsEnd);
    }
}
