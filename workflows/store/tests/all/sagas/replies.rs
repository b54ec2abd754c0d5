//! A store that answers late, never, or not for sure.

use saga::{Active, End, Policy, Ran, State};
use signup::EMAIL_TAKEN;

use super::line::Fate;
use super::{Process, in_peace};
use crate::world::{ORGANIZATION, TICK, USER, World, running};

/// A process in peace, at whose write of this number this happens.
fn at_write(w: &World, bad: usize, fate: Fate) -> Process {
    Process::on_a_bad_line(w, in_peace, Box::new(move |number| if number == bad { fate } else { Fate::Answered }))
}

pub(super) async fn a_commit_in_doubt_is_settled_by_the_journal(w: World) {
    for fate in [Fate::ReplyLost, Fate::NeverArrived] {
        for taken in [false, true] {
            let mut w = w.another().await;
            let process = at_write(&w, 2, fate);
            let saga = w.accept("ada").await;
            let job = process.claim_one(&USER).await;
            let refused = State::Active(Active::Compensating(USER, EMAIL_TAKEN));
            if taken {
                w.plant_account("ada").await;
            }
            let next = if taken { refused } else { running(&ORGANIZATION) };
            assert_eq!(process.run(&job).await.unwrap(), Ran::Committed(next), "{fate:?}");
            assert_eq!(w.journal(saga).await.len(), 2);
            w.check().await;
        }
    }
}

pub(super) async fn a_commit_in_doubt_that_another_claim_overtook_is_fenced(mut w: World) {
    let (slow, quick) = (at_write(&w, 2, Fate::NeverArrived), Process::start(&w, in_peace));
    let saga = w.accept("ada").await;
    let job = slow.claim_one(&USER).await;
    w.advance(Policy::STANDARD.lease + TICK).await;
    quick.run(&quick.claim_one(&USER).await).await.unwrap();
    assert_eq!(slow.run(&job).await.unwrap(), Ran::Fenced);
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

pub(super) async fn a_claim_that_is_answered_late_is_handed_back_and_costs_no_attempt(mut w: World) {
    let process = at_write(&w, 1, Fate::AnsweredLate);
    let saga = w.accept("ada").await;
    let job = process.claim_one(&USER).await;
    assert_eq!(w.check().await.sagas[0].attempt, 1);
    assert_eq!(process.run(&job).await.unwrap(), Ran::HandedBack);
    assert_eq!(w.check().await.sagas[0].attempt, 0);
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.journal(saga).await.len(), 5);
}

pub(super) async fn a_store_that_is_away_costs_no_attempt(mut w: World) {
    // Of three calls of the store, two find nobody.
    let fates = |number| if number % 3 == 0 { Fate::Answered } else { Fate::Away };
    let process = Process::on_a_bad_line(&w, in_peace, Box::new(fates));
    let saga = w.accept("ada").await;
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.view(saga).await.state, State::Ended(End::Completed));
    assert_eq!(w.journal(saga).await.len(), 5);
}

pub(super) async fn a_reply_that_never_comes_is_given_up_in_time(mut w: World) {
    let process = at_write(&w, 2, Fate::Unanswered);
    let saga = w.accept("ada").await;
    let job = process.claim_one(&USER).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(process.run(&job).await.unwrap(), Ran::Abandoned);
    assert!(begun.elapsed() <= Policy::STANDARD.store_patience + TICK, "{:?}", begun.elapsed());
    process.drive(&mut w).await.unwrap();
    assert_eq!(w.journal(saga).await.len(), 5);
}
