//! Operators, while the engine is at work.

use saga::store::{Filter, Operated};
use saga::testing::Fault;
use saga::{Action, Active, Attempt, Code, Direction, Ran, State};
use signup::SignUp;

use super::process::drive_to;
use super::{Process, in_peace};
use crate::world::{CLAIMS, CODE, ORGANIZATION, PROFILE, STEPS, USER, World, ended_failed};

fn refused_at_the_last_step(attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
    (direction == Direction::Forward && attempt.step == CLAIMS).then_some(Fault::Refuse(CODE))
}

pub(super) async fn an_undo_that_the_database_refuses_is_listed_with_its_reason_and_ends_once_it_is_retried(w: World) {
    let stuck = Filter { stuck: true, limit: 10, ..Filter::default() };
    for (table, step) in [("profiles", PROFILE), ("organizations", ORGANIZATION), ("users", USER)] {
        let mut w = w.another().await;
        let process = Process::start(&w, refused_at_the_last_step);
        let saga = w.accept("ada").await;
        w.refuse_deletes(table, true).await;
        let mut facts = w.check().await;
        while w.list(&stuck).await.is_empty() {
            facts = process.go_on(&mut w, facts).await.unwrap();
        }
        let listed = w.list(&stuck).await.remove(0);
        assert_eq!((listed.view.saga, listed.view.state.step()), (saga, Some(&step)));
        let error = listed.error.unwrap();
        assert!(error.contains("refuse"), "{error}");
        assert!(!w.inspect(saga).await.made.is_empty());

        // In vain, as long as the cause is there; then without waiting for the next try.
        for refuse in [true, false] {
            w.refuse_deletes(table, refuse).await;
            assert_eq!(w.act(saga, Action::Retry).await, Operated::Done);
            assert!(w.list(&stuck).await.is_empty());
            process.run(&process.claim_one(&step).await).await.unwrap();
            w.check().await;
            assert_eq!(w.view(saga).await.state.step() == Some(&step), refuse);
        }
        let facts = process.drive(&mut w).await.unwrap();
        assert!(facts.users.is_empty() && facts.organizations.is_empty() && facts.profiles.is_empty());
        assert_eq!(w.view(saga).await.state, ended_failed(CODE));
        assert_eq!(w.inspect(saga).await.made, []);
    }
}

pub(super) async fn a_roll_back_in_flight_at_any_step_ends_failed_with_nothing_left(w: World) {
    for step in &STEPS {
        let mut w = w.another().await;
        let process = Process::start(&w, in_peace);
        let saga = w.accept("ada").await;
        drive_to(&mut w, &process, saga, &Active::Running(step.clone())).await;
        let in_flight = process.claim_one(step).await;
        assert_eq!(w.act(saga, Action::RollBack).await, Operated::Done);
        w.check().await;
        assert_eq!(process.run(&in_flight).await.unwrap(), Ran::Fenced, "{step}");
        let facts = process.drive(&mut w).await.unwrap();
        assert_eq!(w.view(saga).await.state, ended_failed(Code::ROLLED_BACK));
        assert!(facts.users.is_empty() && facts.sealed.is_empty());
        assert_eq!(w.inspect(saga).await.made, []);
        // The address is free.
        let again = w.accept("ada").await;
        process.drive(&mut w).await.unwrap();
        assert_eq!(w.view(again).await.state, State::Ended(saga::End::Completed));
    }
}

pub(super) async fn an_action_on_a_saga_going_back_leads_to_the_end_it_was_going_to(w: World) {
    for step in STEPS.iter().rev() {
        let mut w = w.another().await;
        let process = Process::start(&w, refused_at_the_last_step);
        let saga = w.accept("ada").await;
        drive_to(&mut w, &process, saga, &Active::Compensating(step.clone(), CODE)).await;
        let in_flight = process.claim_one(step).await;
        assert_eq!(w.act(saga, Action::Retry).await, Operated::Done);
        assert_eq!(process.run(&in_flight).await.unwrap(), Ran::Fenced, "{step}");
        let left = w.act(saga, Action::Resolve).await;
        assert!(matches!(left, Operated::Left(_)), "{step}: {left:?}");
        process.drive(&mut w).await.unwrap();
        assert_eq!(w.view(saga).await.state, ended_failed(CODE));
    }
}
