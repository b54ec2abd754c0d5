//! That each invariant can turn red: a sound store is damaged by hand, in one way at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use auditor::facts::{EventFact, Facts};
use auditor::invariants;
use saga::operate::Signature;
use saga::plan::EventKind;
use saga::{Action, End, SagaId, State};

use crate::world::{
    CLAIMS, CODE, ORGANIZATION, PAUSE, PROFILE, USER, World, done, ended_failed, refused, rewritten, running,
    undo_failed, undone,
};

/// One sign-up at the first step, one on its way, one on its way back, one completed, one failed, and one that operators
/// have retried, rolled back and resolved, and a decoy on its way.
struct Sound {
    facts: Facts,
    waiting: SagaId,
    going: SagaId,
    returning: SagaId,
    completed: SagaId,
    failed: SagaId,
    operated: SagaId,
    decoy: SagaId,
}

async fn sound() -> Sound {
    let mut w = World::in_memory();
    let completed = w.complete("cyd").await;
    let failed = w.reach("fay", &ORGANIZATION).await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    w.commit(&refused(&claimed)).await;
    for step in [ORGANIZATION, USER] {
        let claimed = w.claim_one(&step).await;
        w.commit(&undone(&claimed)).await;
    }
    let going = w.reach("gia", &CLAIMS).await;
    w.claim_one(&CLAIMS).await;
    let returning = w.reach("ria", &CLAIMS).await;
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&refused(&claimed)).await;
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&undone(&claimed)).await;
    let operated = w.reach("ola", &ORGANIZATION).await;
    for action in [Action::Retry, Action::RollBack] {
        w.act(operated, action).await;
    }
    for step in [ORGANIZATION, USER] {
        let claimed = w.claim_one(&step).await;
        w.commit(&if step == USER { undo_failed(&claimed, PAUSE, false) } else { undone(&claimed) }).await;
    }
    w.act(operated, Action::Retry).await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&undone(&claimed)).await;
    let resolved = w.accept("rex").await;
    w.act(resolved, Action::Resolve).await;
    let decoy = w.decoyed("cyd");
    w.store().accept(&decoy).await.unwrap();
    let decoy = decoy.saga;
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    let waiting = w.accept("wim").await;
    Sound { facts: w.check().await, waiting, going, returning, completed, failed, operated, decoy }
}

/// An invariant's name, what is done to it, and the damage.
type Damage = (&'static str, &'static str, fn(&Sound, &mut Facts));

const DAMAGES: &[Damage] = &[
    ("no_orphan", "a user of a failed saga", |sound, facts| facts.users[0].saga = sound.failed),
    ("no_orphan", "an organization of no saga", |sound, facts| {
        facts.sagas.retain(|saga| saga.id != sound.going);
    }),
    ("no_orphan", "an identity of a failed saga", |sound, facts| {
        facts.identities[0].0 = sound.failed;
    }),
    ("no_orphan", "a profile of a failed saga", |sound, facts| {
        facts.profiles[0].0 = sound.failed;
    }),
    ("no_orphan", "claims of a failed saga", |sound, facts| facts.claims[0].0 = sound.failed),
    ("no_visible_half_user", "active too early", |sound, facts| {
        user(facts, sound.going).active = true;
    }),
    ("no_visible_half_user", "never active", |sound, facts| {
        user(facts, sound.completed).active = false;
    }),
    ("completed_is_complete", "no user", |sound, facts| facts.users.retain(|user| user.saga != sound.completed)),
    ("completed_is_complete", "another e-mail", |sound, facts| {
        user(facts, sound.completed).email_key.push('x');
    }),
    ("completed_is_complete", "no hash", |sound, facts| user(facts, sound.completed).password_hash.clear()),
    ("completed_is_complete", "no identity", |sound, facts| facts.identities.retain(|row| row.0 != sound.completed)),
    ("completed_is_complete", "no organization", |sound, facts| {
        facts.organizations.retain(|row| row.0 != sound.completed);
    }),
    ("completed_is_complete", "no profile", |sound, facts| facts.profiles.retain(|row| row.0 != sound.completed)),
    ("completed_is_complete", "no claims", |sound, facts| facts.claims.retain(|row| row.0 != sound.completed)),
    ("completed_is_complete", "claims on another organization", |sound, facts| {
        let other = facts.organizations.iter().find(|row| row.0 != sound.completed).unwrap().1;
        facts.claims[0].2 = other;
    }),
    ("one_sign_up_for_an_email", "two", |sound, facts| {
        row(facts, sound.going).state = State::Ended(End::Completed);
        row(facts, sound.going).email_key = Some("cyd@example.com".to_owned());
    }),
    ("decoys_make_nothing", "a user", |sound, facts| user(facts, sound.going).saga = sound.decoy),
    ("decoys_make_nothing", "an organization", |sound, facts| facts.organizations[0].0 = sound.decoy),
    ("no_late_secret", "after a decoy's hash", |sound, facts| {
        facts.sealed.push((sound.decoy, facts.taken_at.unwrap()));
    }),
    ("effects_at_most_once", "two users", |_, facts| facts.users.push(facts.users[0].clone())),
    ("effects_at_most_once", "two organizations", |_, facts| {
        facts.organizations.push(facts.organizations[0]);
    }),
    ("effects_at_most_once", "two profiles", |_, facts| facts.profiles.push(facts.profiles[0])),
    ("effects_at_most_once", "two claims", |_, facts| facts.claims.push(facts.claims[0])),
    ("legal_history", "no journal", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.waiting);
    }),
    ("legal_history", "a gap", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.completed || event.seq != 2);
    }),
    ("legal_history", "a step skipped", |sound, facts| {
        event(facts, sound.completed, 2).step = Some(PROFILE);
    }),
    ("legal_history", "a step in doubt not undone", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.failed || event.seq != 3);
        event(facts, sound.failed, 4).seq = 3;
    }),
    ("legal_history", "undone out of order", |sound, facts| {
        event(facts, sound.failed, 3).step = Some(USER);
        event(facts, sound.failed, 4).step = Some(ORGANIZATION);
    }),
    ("legal_history", "something after the end", |sound, facts| {
        let last = event(facts, sound.failed, 4).clone();
        let at = facts.events.iter().position(|event| *event == last).unwrap();
        facts.events.insert(at + 1, EventFact { seq: 5, ..last });
    }),
    ("legal_history", "a row that is elsewhere", |sound, facts| {
        row(facts, sound.going).state = running(&PROFILE);
    }),
    ("legal_history", "an end too early", |sound, facts| {
        row(facts, sound.returning).state = ended_failed(CODE);
    }),
    ("epochs_never_go_back", "a lost lease wrote", |sound, facts| event(facts, sound.completed, 2).epoch = 9),
    ("journal_meets_row", "an event is missing", |sound, facts| row(facts, sound.going).seq += 1),
    ("journal_meets_row", "an epoch nobody had", |sound, facts| row(facts, sound.going).epoch = 0),
    ("legal_history", "a retry of another step", |sound, facts| {
        event(facts, sound.operated, 2).step = Some(PROFILE);
    }),
    ("legal_history", "a roll back of another step", |sound, facts| {
        event(facts, sound.operated, 3).step = Some(USER);
    }),
    ("legal_history", "a second roll back", |sound, facts| {
        event(facts, sound.operated, 4).kind = EventKind::RolledBack;
    }),
    ("legal_history", "resolved and yet undone", |sound, facts| {
        event(facts, sound.operated, 6).kind = EventKind::Resolved;
    }),
    ("actions_are_signed", "nobody retried", |sound, facts| {
        event(facts, sound.operated, 2).signature = None;
    }),
    ("actions_are_signed", "no reason", |sound, facts| {
        event(facts, sound.operated, 3).signature.as_mut().unwrap().reason.clear();
    }),
    ("actions_are_signed", "an operator did a step", |sound, facts| {
        let by = Signature { operator: "ola".to_owned(), reason: "why not".to_owned() };
        event(facts, sound.completed, 2).signature = Some(by);
    }),
    ("no_late_secret", "after the end", |sound, facts| {
        facts.sealed.push((sound.failed, facts.taken_at.unwrap()));
    }),
    ("no_late_secret", "after the hash", |sound, facts| {
        facts.sealed.push((sound.going, facts.taken_at.unwrap()));
    }),
    ("no_late_secret", "of no saga", |sound, facts| {
        facts.sagas.retain(|saga| saga.id != sound.waiting);
    }),
    ("no_late_secret", "too old", |_, facts| {
        facts.taken_at = facts.taken_at.map(|now| now + Duration::from_mins(17));
    }),
];

fn user(facts: &mut Facts, saga: SagaId) -> &mut auditor::facts::UserFact {
    facts.users.iter_mut().find(|user| user.saga == saga).unwrap()
}

fn row(facts: &mut Facts, saga: SagaId) -> &mut auditor::facts::SagaFact {
    facts.sagas.iter_mut().find(|row| row.id == saga).unwrap()
}

fn event(facts: &mut Facts, saga: SagaId, seq: u64) -> &mut EventFact {
    facts.events.iter_mut().find(|event| event.saga == saga && event.seq == seq).unwrap()
}

#[tokio::test]
async fn every_invariant_can_turn_red() {
    let sound = sound().await;
    assert_eq!(invariants::violations(&sound.facts), [""; 0]);
    for (name, what, damage) in DAMAGES {
        let mut facts = sound.facts.clone();
        damage(&sound, &mut facts);
        let violations = invariants::violations(&facts);
        assert!(violations.iter().any(|violation| violation.starts_with(name)), "{name}, {what}: {violations:?}");
    }
    let damaged: BTreeSet<_> = DAMAGES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(damaged, invariants::ALL.iter().map(|invariant| invariant.name).collect());
}

#[tokio::test]
async fn what_is_rewritten_between_two_looks_is_noticed() {
    let sound = sound().await;
    let before = &sound.facts;
    assert_eq!(rewritten(before, before), [""; 0]);
    let rewrites: [fn(&Sound, &mut Facts); 6] = [
        |sound, facts| facts.sagas.retain(|saga| saga.id != sound.failed),
        |sound, facts| row(facts, sound.going).epoch -= 1,
        |sound, facts| row(facts, sound.going).seq -= 1,
        |sound, facts| row(facts, sound.failed).state = State::Ended(End::Completed),
        |sound, facts| row(facts, sound.completed).epoch += 1,
        |sound, facts| event(facts, sound.going, 1).kind = EventKind::Failed,
    ];
    for (number, rewrite) in rewrites.into_iter().enumerate() {
        let mut after = before.clone();
        rewrite(&sound, &mut after);
        assert!(!rewritten(before, &after).is_empty(), "rewrite {number}");
    }
}
