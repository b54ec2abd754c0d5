//! What operators do.

use std::time::Duration;

use futures_util::future::{join, join_all};
use saga::operate::Signature;
use saga::store::{Commit, Committed, Error, Fence, Operated, Operation};
use saga::{Action, Active, Code, SagaId, State};

use crate::world::{
    CODE, ORGANIZATION, PAUSE, STEPS, TICK, USER, World, claim, done, ended_failed, failed, gave_up, is_new, operation,
    undone,
};

const MANY: usize = 24;

pub(super) async fn a_retry_makes_a_stuck_undo_due_at_once_with_its_attempts_anew(mut w: World) {
    let saga = w.stick("ada", 3).await;
    let before = w.inspect(saga).await.record;
    assert!(before.view.stuck_since.is_some());
    assert!(w.claim(&ORGANIZATION, 1).await.is_empty());
    assert_eq!(w.act(saga, Action::Retry).await, Operated::Done);
    let after = w.inspect(saga).await.record;
    assert_eq!((after.epoch, after.seq), (before.epoch + 1, before.seq + 1));
    assert_eq!((&after.view.state, after.view.stuck_since), (&before.view.state, None));
    assert_eq!((after.attempt, after.lease, after.step_claimed_at, after.error), (0, None, None, None));
    w.check().await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    assert_eq!((claimed.attempt, claimed.fence.epoch, claimed.taken_over), (1, after.epoch + 1, false));
    assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
    w.check().await;
}

pub(super) async fn a_retry_of_a_running_step_runs_it_at_once(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&failed(&claimed, PAUSE)).await;
    assert_eq!(w.act(saga, Action::Retry).await, Operated::Done);
    let claimed = w.claim_one(&USER).await;
    assert_eq!((claimed.attempt, claimed.state.clone()), (1, Active::Running(USER)));
    assert!(claimed.data.sealed.is_some());
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Then);
    assert_eq!(w.journal(saga).await, ["accepted", "failed create_user", "retried create_user", "done create_user"]);
    w.check().await;
}

pub(super) async fn a_roll_back_of_any_step_leads_to_an_end_with_nothing_left(mut w: World) {
    for (number, step) in STEPS.iter().enumerate() {
        let saga = w.reach("ada", step).await;
        assert_eq!(w.act(saga, Action::RollBack).await, Operated::Done);
        assert_eq!(w.view(saga).await.state, State::Active(Active::Compensating(step.clone(), Code::ROLLED_BACK)));
        w.check().await;
        for step in STEPS[..=number].iter().rev() {
            let claimed = w.claim_one(step).await;
            assert_eq!(w.commit(&undone(&claimed)).await, Committed::Then);
            w.check().await;
        }
        assert_eq!(w.view(saga).await.state, ended_failed(Code::ROLLED_BACK));
        assert_eq!(w.inspect(saga).await.made, []);
        assert!(w.facts().await.sealed.is_empty());
    }
}

pub(super) async fn an_action_on_what_the_operator_did_not_see_is_stale(mut w: World) {
    let saga = w.stick("ada", 1).await;
    let seen = w.operation(saga, Action::Retry).await;
    let elsewhere = |from| Operation { from, ..seen.clone() };
    let before = w.check().await;
    for operation in [
        Operation { seq: seen.seq - 1, ..seen.clone() },
        Operation { seq: seen.seq + 1, ..seen.clone() },
        elsewhere(Active::Running(ORGANIZATION)),
        elsewhere(Active::Compensating(USER, CODE)),
        elsewhere(Active::Compensating(ORGANIZATION, Code::EXPIRED)),
    ] {
        assert_eq!(w.operate(&operation).await, Operated::Stale, "{operation:?}");
    }
    let after = w.check().await;
    assert_eq!((after.sagas, after.events), (before.sagas, before.events));
    assert_eq!(w.operate(&seen).await, Operated::Done);
    assert_eq!(w.operate(&seen).await, Operated::Stale);
    w.check().await;
}

pub(super) async fn an_action_on_an_unknown_or_an_ended_saga_is_stale(mut w: World) {
    let ended = [w.complete("ada").await, w.fail("eve").await];
    let unknown = w.proposal("zoe").saga;
    let before = w.check().await;
    for saga in ended.into_iter().chain([unknown]) {
        for action in Action::ALL {
            for seq in 0..6 {
                let click = operation(saga, seq, action, Active::Running(USER));
                assert_eq!(w.operate(&click).await, Operated::Stale);
            }
        }
    }
    assert_eq!(w.check().await.events, before.events);
}

pub(super) async fn resolving_tells_what_is_left_in_order_and_writes_nothing(mut w: World) {
    let what = ["user", "identity", "organization", "profile"];
    for (step, left) in STEPS[1..].iter().zip([2, 3, 4]) {
        let saga = w.reach(step.as_str(), step).await;
        let before = w.check().await;
        let Operated::Left(made) = w.act(saga, Action::Resolve).await else { panic!("resolved") };
        assert_eq!(made.iter().map(|made| made.what.as_str()).collect::<Vec<_>>(), what[..left]);
        assert_eq!(w.inspect(saga).await.made, made);
        let after = w.check().await;
        assert_eq!((after.sagas, after.events), (before.sagas, before.events));
        assert_eq!(w.act(saga, Action::RollBack).await, Operated::Done);
        let Operated::Left(made) = w.act(saga, Action::Resolve).await else { panic!("resolved") };
        assert_eq!(made.len(), left);
        w.check().await;
        finish(&w, saga).await;
    }
}

pub(super) async fn resolving_where_nothing_is_left_ends_the_saga_and_wipes_its_password(mut w: World) {
    let saga = w.accept("ada").await;
    w.claim_one(&USER).await;
    assert_eq!(w.check().await.sealed.len(), 1);
    assert_eq!(w.act(saga, Action::Resolve).await, Operated::Done);
    let view = w.view(saga).await;
    assert_eq!((view.state, view.stuck_since), (ended_failed(Code::RESOLVED), None));
    assert!(view.ended_at.is_some());
    assert!(w.check().await.sealed.is_empty());
    assert_eq!(w.journal(saga).await, ["accepted", "resolved create_user"]);
    assert!(is_new(&w.store().accept(&w.proposal("ada")).await.unwrap()));
    w.check().await;
}

pub(super) async fn resolving_while_going_back_keeps_the_reason(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&gave_up(&claimed)).await;
    assert_eq!(w.act(saga, Action::Resolve).await, Operated::Done);
    assert_eq!(w.view(saga).await.state, ended_failed(CODE));
    w.check().await;
}

/// Where each action can be taken on a saga that somebody works on.
async fn held(w: &World, name: &str) -> Vec<(Action, SagaId, Commit<signup::SignUp>)> {
    let mut held = Vec::new();
    for action in Action::ALL {
        let saga = w.accept(&format!("{name}{action}")).await;
        held.push((action, saga, done(&w.claim_one(&USER).await)));
    }
    let saga = w.accept(&format!("{name}back")).await;
    let claimed = w.claim_one(&USER).await;
    held.push((Action::Retry, saga, undone(&w.claim_after_giving_up(&claimed).await)));
    held
}

pub(super) async fn every_action_fences_the_worker_at_the_saga(mut w: World) {
    for (action, saga, write) in held(&w, "ada").await {
        assert!(w.inspect(saga).await.record.lease.is_some());
        assert_eq!(w.act(saga, action).await, Operated::Done);
        assert_eq!(w.inspect(saga).await.record.lease, None);
        let before = w.check().await;
        assert_eq!(w.commit(&write).await, Committed::Fenced, "{action}");
        // Nor does the seq alone let it through.
        let guessed = Fence { seq: write.fence.seq + 1, ..write.fence };
        assert_eq!(w.commit(&Commit { fence: guessed, ..write.clone() }).await, Committed::Fenced, "{action}");
        assert!(!w.store().hand_back(&write.fence, Duration::ZERO).await.unwrap());
        let after = w.check().await;
        assert_eq!((after.sagas, after.events), (before.sagas, before.events));
    }
}

pub(super) async fn the_journal_tells_who_acted_and_why(mut w: World) {
    let saga = w.accept("ada").await;
    w.claim_one(&USER).await;
    for (action, operator) in [(Action::Retry, "ola"), (Action::RollBack, "åsa"), (Action::Resolve, "uwe")] {
        let signature = Signature { operator: operator.to_owned(), reason: format!("{action}: 'it' is \"time\"\n") };
        let click = Operation { signature: signature.clone(), ..w.operation(saga, action).await };
        assert_eq!(w.operate(&click).await, Operated::Done);
        let event = w.events(saga).await.pop().unwrap();
        assert_eq!((event.kind, event.step, event.signature), (action.event(), Some(USER), Some(signature)));
        assert_eq!((event.attempt, event.worker, event.took, event.error), (0, None, None, None));
        let record = w.inspect(saga).await.record;
        assert_eq!((event.seq, event.epoch), (record.seq, record.epoch));
        w.check().await;
    }
    assert!(w.events(saga).await[0].signature.is_none());
}

pub(super) async fn an_unsigned_action_is_rejected(mut w: World) {
    let saga = w.accept("ada").await;
    let click = w.operation(saga, Action::Retry).await;
    for (operator, reason) in [("", "why"), ("ola", "")] {
        let signature = Signature { operator: operator.to_owned(), reason: reason.to_owned() };
        let answer = w.store().operate(&Operation { signature, ..click.clone() }).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
    }
    assert_eq!(w.journal(saga).await, ["accepted"]);
    w.check().await;
}

pub(super) async fn of_a_hundred_same_clicks_one_takes_effect(mut w: World) {
    for action in Action::ALL {
        let saga = w.accept(action.word()).await;
        let (store, click) = (w.store(), w.operation(saga, action).await);
        let answers = join_all((0..100).map(|_| store.operate(&click))).await;
        assert_eq!(count(&answers, &Operated::Done), 1, "{action}");
        assert_eq!(count(&answers, &Operated::Stale), 99, "{action}");
        assert_eq!(w.journal(saga).await.len(), 2);
        w.check().await;
    }
}

fn count(answers: &[Result<Operated, Error>], wanted: &Operated) -> usize {
    answers.iter().filter(|answer| answer.as_ref() == Ok(wanted)).count()
}

pub(super) async fn of_different_actions_at_once_one_takes_effect(mut w: World) {
    for number in 0..MANY {
        let saga = w.accept(&format!("ada{number}")).await;
        let mut clicks = Vec::new();
        for turn in 0..Action::ALL.len() {
            clicks.push(w.operation(saga, Action::ALL[(number + turn) % Action::ALL.len()]).await);
        }
        let store = w.store();
        let answers = join_all(clicks.iter().map(|click| store.operate(click))).await;
        assert_eq!((count(&answers, &Operated::Done), count(&answers, &Operated::Stale)), (1, 2), "{answers:?}");
        assert_eq!(w.journal(saga).await.len(), 2);
        w.check().await;
    }
}

pub(super) async fn of_an_action_and_a_commit_at_once_one_takes_effect(mut w: World) {
    for number in 0..MANY {
        for (action, saga, write) in held(&w, &format!("ada{number}")).await {
            let (store, click) = (w.store(), w.operation(saga, action).await);
            let (operated, written) = if number % 2 == 0 {
                join(store.operate(&click), store.commit(&write)).await
            } else {
                let (written, operated) = join(store.commit(&write), store.operate(&click)).await;
                (operated, written)
            };
            match (operated.unwrap(), written.unwrap()) {
                (Operated::Done, Committed::Fenced) | (Operated::Stale, Committed::Then) => {}
                both => panic!("{action}: {both:?}"),
            }
            w.check().await;
            finish(&w, saga).await;
        }
    }
}

pub(super) async fn an_action_and_a_claim_at_once_leave_one_holder(mut w: World) {
    for number in 0..MANY {
        let action = Action::ALL[number % Action::ALL.len()];
        let saga = w.accept(&format!("ada{number}")).await;
        let (store, click, one) = (w.store(), w.operation(saga, action).await, claim(&USER, 1));
        let (operated, claimed) = if number % 2 == 0 {
            join(store.operate(&click), store.claim(&one)).await
        } else {
            let (claimed, operated) = join(store.claim(&one), store.operate(&click)).await;
            (operated, claimed)
        };
        // A claim changes nothing that an operator looks at.
        assert_eq!(operated, Ok(Operated::Done));
        let epoch = w.inspect(saga).await.record.epoch;
        w.check().await;
        for claimed in claimed.unwrap() {
            let write = if matches!(claimed.state, Active::Running(_)) { done(&claimed) } else { undone(&claimed) };
            let expected = if claimed.fence.epoch == epoch { Committed::Then } else { Committed::Fenced };
            assert_eq!(w.commit(&write).await, expected, "{action}");
        }
        w.check().await;
        finish(&w, saga).await;
    }
}

/// Takes a saga out of the way of those that come after it: it is due later than they are.
async fn finish(w: &World, saga: SagaId) {
    while let State::Active(at) = w.view(saga).await.state {
        w.advance(TICK).await;
        for claimed in w.claim(at.step(), 10).await {
            let write = match &claimed.state {
                Active::Running(_) => done(&claimed),
                Active::Compensating(..) => undone(&claimed),
            };
            w.commit(&write).await;
        }
        if w.inspect(saga).await.record.lease.is_some() {
            w.advance(saga::Policy::STANDARD.lease).await;
        }
    }
}
