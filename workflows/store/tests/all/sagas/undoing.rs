//! Undoing that fails for long: stuck, seen, tried on, and done at last.

use std::time::Duration;

use saga::testing::Fault;
use saga::{Attempt, Direction, End, Policy, State};
use signup::SignUp;

use super::faults::undone_from;
use super::process::steps_at_hand;
use super::{Process, drive};
use crate::world::{CLAIMS, CODE, ORGANIZATION, PROFILE, STEPS, TICK, USER, World, ended_failed};

const PAUSE: Duration = Policy::STANDARD.stuck_pause;

fn refused_at_the_last_step(attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
    (direction == Direction::Forward && attempt.step == CLAIMS).then_some(Fault::Refuse(CODE))
}

pub(super) async fn an_undo_that_the_database_refuses_is_stuck_until_it_is_allowed(w: World) {
    for (table, step) in [("profiles", PROFILE), ("organizations", ORGANIZATION), ("users", USER)] {
        let mut w = w.another().await;
        let process = Process::start(&w, refused_at_the_last_step);
        let saga = w.accept("ada").await;
        w.refuse_deletes(table, true).await;
        let mut facts = w.check().await;
        while w.view(saga).await.stuck_since.is_none() {
            facts = process.go_on(&mut w, facts).await.unwrap();
        }
        let failures = |journal: &[String]| journal.iter().filter(|word| word.starts_with("undo_failed")).count();
        assert_eq!(failures(&w.journal(saga).await), 5);
        for tries in 6..9 {
            w.advance_almost(PAUSE).await;
            assert!(process.claim(&step).await.unwrap().is_empty());
            w.advance(TICK).await;
            process.run(&process.claim_one(&step).await).await.unwrap();
            w.check().await;
            assert_eq!(failures(&w.journal(saga).await), tries);
            assert!(w.view(saga).await.stuck_since.is_some());
        }
        w.refuse_deletes(table, false).await;
        let facts = process.drive(&mut w).await.unwrap();
        assert!(facts.users.is_empty() && facts.organizations.is_empty() && facts.profiles.is_empty());
        let view = w.view(saga).await;
        assert_eq!((view.state, view.stuck_since), (ended_failed(CODE), None));
        let mut journal = w.journal(saga).await;
        journal.retain(|word| !word.starts_with("undo_failed"));
        assert_eq!(journal, undone_from(&CLAIMS, true));
    }
}

pub(super) async fn an_undo_that_panics_each_time_is_stuck_and_harms_no_other(mut w: World) {
    let process = Process::start(&w, |attempt: &Attempt<SignUp>, direction| {
        let poisoned = attempt.data.applicant.email.key().starts_with("poison");
        match direction {
            Direction::Forward if poisoned && attempt.step == PROFILE => Some(Fault::Refuse(CODE)),
            Direction::Backward if poisoned => Some(Fault::Panic),
            Direction::Forward | Direction::Backward => None,
        }
    });
    let poison = w.accept("poison").await;
    let mut others = Vec::new();
    for number in 0..20 {
        others.push(w.accept(&format!("ada{number}")).await);
        let facts = w.check().await;
        process.go_on(&mut w, facts).await.unwrap();
    }
    let mut facts = w.check().await;
    while w.view(poison).await.stuck_since.is_none() || !steps_at_hand(&facts).is_empty() {
        facts = process.go_on(&mut w, facts).await.unwrap();
    }
    for saga in others {
        assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
    }
    let events = w.events(poison).await;
    assert!(events.iter().any(|event| event.error.as_deref() == Some("panicked")), "{events:?}");
}

pub(super) async fn an_undo_of_any_step_that_fails_for_long_is_stuck_and_ends_at_last(w: World) {
    for (number, step) in STEPS.iter().enumerate() {
        let mut w = w.another().await;
        let bad = step.clone();
        let process = Process::start(&w, move |attempt: &Attempt<SignUp>, direction| match direction {
            Direction::Forward => (attempt.step == CLAIMS).then_some(Fault::Lose),
            Direction::Backward => (attempt.step == bad && attempt.number <= 7).then_some(Fault::Fail),
        });
        let saga = drive(&mut w, &process, &[format!("ada{number}")]).await[0];
        let view = w.view(saga).await;
        assert_eq!(view.stuck_since, None);
        // Five attempts, one more after each pause, and the one that succeeds.
        assert!(view.ended_at.unwrap().duration_since(view.accepted_at) >= (PAUSE * 3).try_into().unwrap());
        let journal = w.journal(saga).await;
        assert_eq!(journal.iter().filter(|word| **word == format!("undo_failed {step}")).count(), 7);
    }
}
