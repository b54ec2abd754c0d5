//! Steps that refuse, fail, lose their result, panic and hang.

use saga::testing::Fault;
use saga::{Attempt, Code, Direction, End, State, StepName};
use signup::{EMAIL_TAKEN, SignUp};

use super::{Process, drive, in_peace};
use crate::world::{CODE, STEPS, USER, World, ended_failed};

/// Every fault after which it is not known whether the step has happened.
const UNKNOWN: [Fault; 4] = [Fault::Fail, Fault::Lose, Fault::Panic, Fault::Hang];

/// The journal of a sign-up whose `doubted` ran out of attempts, or was refused.
pub(super) fn undone_from(doubted: &StepName, refused: bool) -> Vec<String> {
    let before = &STEPS[..STEPS.iter().position(|step| step == doubted).unwrap()];
    let forward = before.iter().map(|step| format!("done {step}"));
    let mut journal: Vec<_> = ["accepted".to_owned()].into_iter().chain(forward).collect();
    if refused {
        journal.push(format!("refused {doubted}"));
    } else {
        journal.extend((1..8).map(|_| format!("failed {doubted}")));
        journal.push(format!("gave_up {doubted}"));
    }
    journal.push(format!("undone {doubted}"));
    journal.extend(before.iter().rev().map(|step| format!("undone {step}")));
    journal
}

/// Goes wrong in the way that the sign-up's name tells: the number of a step in [`STEPS`].
fn at_named_step(
    fault: impl Fn(&Attempt<SignUp>) -> Option<Fault> + Send + Sync + 'static,
    bad: Direction,
) -> impl Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + Send + Sync + 'static {
    move |attempt, direction| {
        let name = attempt.data.applicant.full_name.as_ref().unwrap().as_str();
        let named = STEPS.iter().zip('0'..).find(|(step, _)| **step == attempt.step).unwrap().1;
        (direction == bad && name.ends_with(named)).then(|| fault(attempt)).flatten()
    }
}

fn one_for_each_step(name: &str) -> Vec<String> {
    (0..STEPS.len()).map(|number| format!("{name}{number}")).collect()
}

pub(super) async fn a_sign_up_in_peace_is_completed(mut w: World) {
    let process = Process::start(&w, in_peace);
    let sagas = drive(&mut w, &process, &["ada".to_owned()]).await;
    assert_eq!(w.view(sagas[0]).await.state, State::Ended(End::Completed));
    let done = STEPS.iter().map(|step| format!("done {step}"));
    assert_eq!(w.journal(sagas[0]).await, ["accepted".to_owned()].into_iter().chain(done).collect::<Vec<_>>());
    assert!(w.check().await.users[0].password_hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
}

pub(super) async fn a_refusal_at_any_step_undoes_it_and_the_steps_before_it(mut w: World) {
    let process = Process::start(&w, at_named_step(|_| Some(Fault::Refuse(CODE)), Direction::Forward));
    let sagas = drive(&mut w, &process, &one_for_each_step("ada")).await;
    for (saga, step) in sagas.into_iter().zip(&STEPS) {
        assert_eq!(w.view(saga).await.state, ended_failed(CODE));
        assert_eq!(w.journal(saga).await, undone_from(step, true));
    }
    assert!(w.check().await.users.is_empty());
}

pub(super) async fn a_step_that_never_succeeds_is_undone_too(w: World) {
    for fault in UNKNOWN {
        let mut w = w.another().await;
        let process = Process::start(&w, at_named_step(move |_| Some(fault.clone()), Direction::Forward));
        let sagas = drive(&mut w, &process, &one_for_each_step("ada")).await;
        for (saga, step) in sagas.into_iter().zip(&STEPS) {
            assert_eq!(w.view(saga).await.state, ended_failed(Code::STEP_FAILED));
            assert_eq!(w.journal(saga).await, undone_from(step, false));
        }
        assert!(w.check().await.users.is_empty());
    }
}

pub(super) async fn a_step_that_succeeds_at_last_goes_forward(w: World) {
    for fault in UNKNOWN {
        let mut w = w.another().await;
        let for_a_while = move |attempt: &Attempt<SignUp>| (attempt.number < 8).then(|| fault.clone());
        let process = Process::start(&w, at_named_step(for_a_while, Direction::Forward));
        for saga in drive(&mut w, &process, &one_for_each_step("ada")).await {
            assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
            assert_eq!(w.journal(saga).await.len(), 1 + 4 + 7);
        }
    }
}

pub(super) async fn an_undo_that_succeeds_at_last_goes_on(w: World) {
    for fault in UNKNOWN {
        let mut w = w.another().await;
        let undo = at_named_step(move |attempt| (attempt.number < 5).then(|| fault.clone()), Direction::Backward);
        let last_fails = |attempt: &Attempt<SignUp>| attempt.step == STEPS[3];
        let process = Process::start(&w, move |attempt: &Attempt<SignUp>, direction| match direction {
            Direction::Forward => last_fails(attempt).then_some(Fault::Fail),
            Direction::Backward => undo(attempt, direction),
        });
        for (saga, step) in drive(&mut w, &process, &one_for_each_step("ada")).await.into_iter().zip(&STEPS) {
            let mut journal = w.journal(saga).await;
            journal.retain(|word| *word != format!("undo_failed {step}"));
            assert_eq!(journal, undone_from(&STEPS[3], false));
            assert_eq!(w.view(saga).await.stuck_since, None);
        }
    }
}

pub(super) async fn an_email_lost_in_a_race_ends_the_sign_up_as_taken(mut w: World) {
    let saga = w.accept("ada").await;
    let process = Process::start(&w, in_peace);
    let job = process.claim_one(&USER).await;
    w.plant_account("ada").await;
    process.run(&job).await.unwrap();
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, ended_failed(EMAIL_TAKEN));
    assert_eq!(w.journal(saga).await, undone_from(&USER, true));
    assert_eq!(w.check().await.users.len(), 1);
}
