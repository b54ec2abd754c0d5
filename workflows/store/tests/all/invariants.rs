//! That each invariant can turn red: a sound store is damaged by hand, in one way at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use saga::operate::Signature;
use saga::plan::EventKind;
use saga::{Action, End, SagaId, State};
use store::facts::{EventFact, Facts};
use store::invariants;

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
    ("no row without a living saga", "a user of a failed saga", |sound, facts| facts.users[0].saga = sound.failed),
    ("no row without a living saga", "an organization of no saga", |sound, facts| {
        facts.sagas.retain(|saga| saga.id != sound.going);
    }),
    ("no row without a living saga", "an identity of a failed saga", |sound, facts| {
        facts.identities[0].0 = sound.failed;
    }),
    ("no row without a living saga", "a profile of a failed saga", |sound, facts| {
        facts.profiles[0].0 = sound.failed;
    }),
    ("no row without a living saga", "claims of a failed saga", |sound, facts| facts.claims[0].0 = sound.failed),
    ("a user is provisional exactly while their saga is not completed", "active too early", |sound, facts| {
        user(facts, sound.going).active = true;
    }),
    ("a user is provisional exactly while their saga is not completed", "never active", |sound, facts| {
        user(facts, sound.completed).active = false;
    }),
    ("completed is complete", "no user", |sound, facts| facts.users.retain(|user| user.saga != sound.completed)),
    ("completed is complete", "another e-mail", |sound, facts| {
        user(facts, sound.completed).email_key.push('x');
    }),
    ("completed is complete", "no hash", |sound, facts| user(facts, sound.completed).password_hash.clear()),
    ("completed is complete", "no identity", |sound, facts| facts.identities.retain(|row| row.0 != sound.completed)),
    ("completed is complete", "no organization", |sound, facts| {
        facts.organizations.retain(|row| row.0 != sound.completed);
    }),
    ("completed is complete", "no profile", |sound, facts| facts.profiles.retain(|row| row.0 != sound.completed)),
    ("completed is complete", "no claims", |sound, facts| facts.claims.retain(|row| row.0 != sound.completed)),
    ("completed is complete", "claims on another organization", |sound, facts| {
        let other = facts.organizations.iter().find(|row| row.0 != sound.completed).unwrap().1;
        facts.claims[0].2 = other;
    }),
    ("one completed sign-up for an e-mail", "two", |sound, facts| {
        row(facts, sound.going).state = State::Ended(End::Completed);
        row(facts, sound.going).email_key = Some("cyd@example.com".to_owned());
    }),
    ("a decoy makes nothing", "a user", |sound, facts| user(facts, sound.going).saga = sound.decoy),
    ("a decoy makes nothing", "an organization", |sound, facts| facts.organizations[0].0 = sound.decoy),
    ("no sealed password outlives its use", "after a decoy's hash", |sound, facts| {
        facts.sealed.push((sound.decoy, facts.taken_at.unwrap()));
    }),
    ("a saga makes at most one of each", "two users", |_, facts| facts.users.push(facts.users[0].clone())),
    ("a saga makes at most one of each", "two organizations", |_, facts| {
        facts.organizations.push(facts.organizations[0]);
    }),
    ("a saga makes at most one of each", "two profiles", |_, facts| facts.profiles.push(facts.profiles[0])),
    ("a saga makes at most one of each", "two claims", |_, facts| facts.claims.push(facts.claims[0])),
    ("the journal is a word of the state machine", "no journal", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.waiting);
    }),
    ("the journal is a word of the state machine", "a gap", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.completed || event.seq != 2);
    }),
    ("the journal is a word of the state machine", "a step skipped", |sound, facts| {
        event(facts, sound.completed, 2).step = Some(PROFILE);
    }),
    ("the journal is a word of the state machine", "a step in doubt not undone", |sound, facts| {
        facts.events.retain(|event| event.saga != sound.failed || event.seq != 3);
        event(facts, sound.failed, 4).seq = 3;
    }),
    ("the journal is a word of the state machine", "undone out of order", |sound, facts| {
        event(facts, sound.failed, 3).step = Some(USER);
        event(facts, sound.failed, 4).step = Some(ORGANIZATION);
    }),
    ("the journal is a word of the state machine", "something after the end", |sound, facts| {
        let last = event(facts, sound.failed, 4).clone();
        let at = facts.events.iter().position(|event| *event == last).unwrap();
        facts.events.insert(at + 1, EventFact { seq: 5, ..last });
    }),
    ("the journal is a word of the state machine", "a row that is elsewhere", |sound, facts| {
        row(facts, sound.going).state = running(&PROFILE);
    }),
    ("the journal is a word of the state machine", "an end too early", |sound, facts| {
        row(facts, sound.returning).state = ended_failed(CODE);
    }),
    ("epochs never go back", "a lost lease wrote", |sound, facts| event(facts, sound.completed, 2).epoch = 9),
    ("the journal ends where the saga is", "an event is missing", |sound, facts| row(facts, sound.going).seq += 1),
    ("the journal ends where the saga is", "an epoch nobody had", |sound, facts| row(facts, sound.going).epoch = 0),
    ("the journal is a word of the state machine", "a retry of another step", |sound, facts| {
        event(facts, sound.operated, 2).step = Some(PROFILE);
    }),
    ("the journal is a word of the state machine", "a roll back of another step", |sound, facts| {
        event(facts, sound.operated, 3).step = Some(USER);
    }),
    ("the journal is a word of the state machine", "a second roll back", |sound, facts| {
        event(facts, sound.operated, 4).kind = EventKind::RolledBack;
    }),
    ("the journal is a word of the state machine", "resolved and yet undone", |sound, facts| {
        event(facts, sound.operated, 6).kind = EventKind::Resolved;
    }),
    ("every operator's action is signed, and nothing else is", "nobody retried", |sound, facts| {
        event(facts, sound.operated, 2).signature = None;
    }),
    ("every operator's action is signed, and nothing else is", "no reason", |sound, facts| {
        event(facts, sound.operated, 3).signature.as_mut().unwrap().reason.clear();
    }),
    ("every operator's action is signed, and nothing else is", "an operator did a step", |sound, facts| {
        let by = Signature { operator: "ola".to_owned(), reason: "why not".to_owned() };
        event(facts, sound.completed, 2).signature = Some(by);
    }),
    ("no sealed password outlives its use", "after the end", |sound, facts| {
        facts.sealed.push((sound.failed, facts.taken_at.unwrap()));
    }),
    ("no sealed password outlives its use", "after the hash", |sound, facts| {
        facts.sealed.push((sound.going, facts.taken_at.unwrap()));
    }),
    ("no sealed password outlives its use", "of no saga", |sound, facts| {
        facts.sagas.retain(|saga| saga.id != sound.waiting);
    }),
    ("no sealed password outlives its use", "too old", |_, facts| {
        facts.taken_at = facts.taken_at.map(|now| now + Duration::from_mins(17));
    }),
];

fn user(facts: &mut Facts, saga: SagaId) -> &mut store::facts::UserFact {
    facts.users.iter_mut().find(|user| user.saga == saga).unwrap()
}

fn row(facts: &mut Facts, saga: SagaId) -> &mut store::facts::SagaFact {
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
    assert_eq!(damaged, invariants::ALL.iter().map(|(name, _)| *name).collect());
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
