//! What must hold in every committed state, also in the middle of a run and after any crash.
//!
//! Each invariant is a function from everything stored to the list of what breaks it. They are written against the
//! rows alone and know nothing of the engine's plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use saga::plan::EventKind;
use saga::{Active, End, Policy, SagaId, State};

use crate::facts::{EventFact, Facts, SagaFact};

/// Something that must hold.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    check: fn(&Facts) -> Vec<Broken>,
}

/// A saga of which an invariant does not hold, and in what way.
type Broken = (SagaId, String);

/// Every invariant.
pub const ALL: [Invariant; 11] = [
    Invariant { name: "no_orphan", meaning: "no row without a living saga", check: no_orphan },
    Invariant {
        name: "no_visible_half_user",
        meaning: "a user is provisional exactly while their saga is not completed",
        check: no_visible_half_user,
    },
    Invariant { name: "completed_is_complete", meaning: "completed is complete", check: completed_is_complete },
    Invariant {
        name: "one_sign_up_for_an_email",
        meaning: "one completed sign-up for an e-mail",
        check: one_sign_up_for_an_email,
    },
    Invariant {
        name: "effects_at_most_once",
        meaning: "a saga makes at most one of each",
        check: effects_at_most_once,
    },
    Invariant { name: "decoys_make_nothing", meaning: "a decoy makes nothing", check: decoys_make_nothing },
    Invariant { name: "legal_history", meaning: "the journal is a word of the state machine", check: legal_history },
    Invariant { name: "epochs_never_go_back", meaning: "epochs never go back", check: epochs_never_go_back },
    Invariant { name: "journal_meets_row", meaning: "the journal ends where the saga is", check: journal_meets_row },
    Invariant {
        name: "actions_are_signed",
        meaning: "every operator's action is signed, and nothing else is",
        check: actions_are_signed,
    },
    Invariant { name: "no_late_secret", meaning: "no sealed password outlives its use", check: no_late_secret },
];

/// What the invariant of this name says.
pub fn meaning(name: &str) -> Option<&'static str> {
    ALL.iter().find(|invariant| invariant.name == name).map(|invariant| invariant.meaning)
}

/// Something that breaks an invariant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The invariant's name.
    pub invariant: &'static str,
    /// The saga that it is about; there need not be one of this id.
    pub saga: SagaId,
    /// What is wrong with it. Never personal data.
    pub what: String,
}

/// Everything that breaks an invariant: of each saga once.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for Invariant { name: invariant, check, .. } in ALL {
        let mut broken = BTreeMap::<SagaId, String>::new();
        for (saga, what) in check(facts) {
            let all = broken.entry(saga).or_default();
            *all = if all.is_empty() { what } else { format!("{all}; {what}") };
        }
        all.extend(broken.into_iter().map(|(saga, what)| Finding { invariant, saga, what }));
    }
    all
}

/// The same in words, for tests.
pub fn violations(facts: &Facts) -> Vec<String> {
    findings(facts).iter().map(ToString::to_string).collect()
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

fn no_orphan(facts: &Facts) -> Vec<Broken> {
    let sagas = by_id(facts);
    let orphan = |saga: &SagaId| sagas.get(saga).is_none_or(|saga| matches!(saga.state, State::Ended(End::Failed(_))));
    let told = |saga| sagas.get(&saga).map_or("there is no such saga", |_| "the saga has failed");
    made(facts)
        .filter(|(_, saga)| orphan(saga))
        .map(|(what, saga)| (saga, format!("{what} left: {}", told(saga))))
        .collect()
}

fn no_visible_half_user(facts: &Facts) -> Vec<Broken> {
    let sagas = by_id(facts);
    let completed = |id| sagas.get(id).is_some_and(|saga| saga.state == State::Ended(End::Completed));
    let wrong = facts.users.iter().filter(|user| user.active != completed(&user.saga));
    let told =
        |active| if active { "the user is active, the saga is not completed" } else { "the user is provisional" };
    wrong.map(|user| (user.saga, told(user.active).to_owned())).collect()
}

/// Sign-ups that have completed: of decoys this says nothing.
fn completed(facts: &Facts) -> impl Iterator<Item = &SagaFact> {
    facts.sagas.iter().filter(|saga| saga.state == State::Ended(End::Completed) && !saga.decoy)
}

fn completed_is_complete(facts: &Facts) -> Vec<Broken> {
    let lacks = |saga: &SagaFact| {
        let user = facts.users.iter().any(|user| {
            user.saga == saga.id
                && user.id == saga.user
                && Some(&user.email_key) == saga.email_key.as_ref()
                && user.password_hash.starts_with("$argon2id$")
        });
        let identity = facts.identities.iter().any(|(of, user, _)| *of == saga.id && *user == saga.user);
        let member = (saga.id, saga.user, saga.organization);
        let parts = [
            ("user", user),
            ("identity", identity),
            ("organization", facts.organizations.contains(&(saga.id, saga.organization))),
            ("profile", facts.profiles.contains(&member)),
            ("claims", facts.claims.contains(&member)),
        ];
        parts.into_iter().filter(|(_, is_there)| !is_there).map(|(what, _)| what).collect::<Vec<_>>()
    };
    let lacking = completed(facts).map(|saga| (saga.id, lacks(saga))).filter(|(_, lacks)| !lacks.is_empty());
    lacking.map(|(saga, lacks)| (saga, format!("lacks {}", lacks.join(", ")))).collect()
}

fn one_sign_up_for_an_email(facts: &Facts) -> Vec<Broken> {
    let mut seen = BTreeSet::new();
    completed(facts)
        .filter(|saga| saga.email_key.is_some() && !seen.insert(&saga.email_key))
        .map(|saga| (saga.id, "another sign-up has completed for the same e-mail".to_owned()))
        .collect()
}

fn effects_at_most_once(facts: &Facts) -> Vec<Broken> {
    let mut seen = BTreeSet::new();
    made(facts).filter(|row| !seen.insert(*row)).map(|(what, saga)| (saga, format!("a second {what}"))).collect()
}

fn decoys_make_nothing(facts: &Facts) -> Vec<Broken> {
    let sagas = by_id(facts);
    let decoys = made(facts).filter(|(_, saga)| sagas.get(saga).is_some_and(|saga| saga.decoy));
    decoys.map(|(what, saga)| (saga, format!("a {what} of a decoy"))).collect()
}

fn epochs_never_go_back(facts: &Facts) -> Vec<Broken> {
    let back = facts.events.windows(2).filter(|pair| pair[0].saga == pair[1].saga && pair[1].epoch < pair[0].epoch);
    back.map(|pair| (pair[1].saga, format!("at seq {}", pair[1].seq))).collect()
}

fn actions_are_signed(facts: &Facts) -> Vec<Broken> {
    let wrong = facts.events.iter().filter(|event| {
        let action = saga::Action::ALL.iter().any(|action| action.event() == event.kind);
        let signed = event.signature.as_ref().is_some_and(|by| !by.operator.is_empty() && !by.reason.is_empty());
        action != signed
    });
    wrong.map(|event| (event.saga, format!("at seq {}", event.seq))).collect()
}

fn journal_meets_row(facts: &Facts) -> Vec<Broken> {
    let apart = facts.sagas.iter().filter(|saga| {
        let last = journal(facts, saga.id).last();
        last.is_none_or(|event| event.seq != saga.seq || event.epoch > saga.epoch)
    });
    apart.map(|saga| (saga.id, format!("the saga is at seq {}, its journal elsewhere", saga.seq))).collect()
}

fn no_late_secret(facts: &Facts) -> Vec<Broken> {
    let sagas = by_id(facts);
    let age = Policy::STANDARD.expiry + std::time::Duration::from_mins(1);
    let late = facts.sealed.iter().filter(|(saga, sealed_at)| {
        let ended = sagas.get(saga).is_none_or(|saga| matches!(saga.state, State::Ended(_)));
        ended || facts.taken_at.is_some_and(|now| *sealed_at + age < now)
    });
    let hashed = facts.sealed.iter().filter(|(saga, _)| journal(facts, *saga).any(is_hash));
    late.chain(hashed).map(|(saga, _)| (*saga, "its password is still sealed".to_owned())).collect()
}

/// Whether an event tells that the password has been hashed.
fn is_hash(event: &EventFact) -> bool {
    event.kind == EventKind::Done && event.step.as_ref() == Some(&signup::FIRST_STEP)
}

fn journal(facts: &Facts, saga: SagaId) -> impl Iterator<Item = &EventFact> {
    let start = facts.events.partition_point(|event| event.saga < saga);
    facts.events[start..].iter().take_while(move |event| event.saga == saga)
}

fn legal_history(facts: &Facts) -> Vec<Broken> {
    let illegal = facts.sagas.iter().filter_map(|saga| {
        let steps = steps(saga.version);
        match read_journal(journal(facts, saga.id), steps) {
            Ok(place) if place.meets(&saga.state, steps) => None,
            Ok(_) => Some((saga.id, format!("the journal leads elsewhere than {:?}", saga.state))),
            Err(what) => Some((saga.id, what)),
        }
    });
    illegal.collect()
}

/// The steps of a version.
fn steps(version: u32) -> &'static [&'static str] {
    match version {
        #[cfg(feature = "testing")]
        signup::testing::next::VERSION => &signup::testing::next::STEPS,
        _ => &["create_user", "create_organization", "create_profile", "update_claims"],
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, saga, what } = self;
        write!(f, "{invariant}: {saga}: {what}")
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
