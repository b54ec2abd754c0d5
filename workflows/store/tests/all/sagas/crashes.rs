//! The process dies, or loses its store, at every single write, and another one carries on.

use saga::testing::Fault;
use saga::{Attempt, Direction, End, SagaId, State, StepName};
use signup::{Duplicates, Proposal, SignUp};

use super::line::{Died, Fate};
use super::{Process, in_peace};
use crate::world::{CLAIMS, CODE, PROFILE, STEPS, World, ended_failed, is_new};

/// Everything that can happen at a write.
const FATES: [Fate; 6] =
    [Fate::DiesBefore, Fate::DiesAfter, Fate::ReplyLost, Fate::NeverArrived, Fate::Unanswered, Fate::Away];

/// The number of the write that claims a step: the first accepts, and each step before it takes a claim and a commit.
/// Up to there, a sign-up that goes wrong later is one in peace.
const CLAIM_OF: [usize; 4] = [2, 4, 6, 8];

/// After so many sign-ups a fresh store is quicker than one that is full of them.
const FRESH: usize = 8;

type Steps = fn(&Attempt<SignUp>, Direction) -> Option<Fault>;

pub(super) async fn a_crash_at_any_write_of_a_sign_up_in_peace_changes_nothing(w: World) {
    crash_everywhere(&w, 1, &|| in_peace as Steps, (Duplicates::Refused, &State::Ended(End::Completed))).await;
}

pub(super) async fn a_crash_at_any_write_of_a_refusal_changes_nothing(w: World) {
    for (step, claim) in STEPS.iter().zip(CLAIM_OF) {
        crash_everywhere(&w, claim, &move || refused_at(step.clone()), (Duplicates::Refused, &ended_failed(CODE)))
            .await;
    }
}

pub(super) async fn a_crash_at_any_write_of_a_step_in_doubt_changes_nothing(w: World) {
    let in_doubt: Steps = |attempt, direction| match (direction, attempt.number) {
        (Direction::Backward, _) => None,
        (Direction::Forward, 1 | 2) => (attempt.step == PROFILE).then_some(Fault::Lose),
        (Direction::Forward, _) => (attempt.step == PROFILE).then_some(Fault::Refuse(CODE)),
    };
    crash_everywhere(&w, CLAIM_OF[2], &|| in_doubt, (Duplicates::Refused, &ended_failed(CODE))).await;
}

pub(super) async fn a_crash_at_any_write_of_undos_that_fail_changes_nothing(w: World) {
    let failing: Steps = |attempt, direction| match direction {
        Direction::Forward => (attempt.step == CLAIMS).then_some(Fault::Refuse(CODE)),
        Direction::Backward => (attempt.step == PROFILE && attempt.number <= 2).then_some(Fault::Fail),
    };
    crash_everywhere(&w, CLAIM_OF[3], &|| failing, (Duplicates::Refused, &ended_failed(CODE))).await;
}

pub(super) async fn a_crash_at_any_write_of_a_decoy_changes_nothing(w: World) {
    let end = State::Ended(End::Completed);
    crash_everywhere(&w, 1, &|| in_peace as Steps, (Duplicates::Decoyed, &end)).await;
}

fn refused_at(step: StepName) -> impl Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + Send + Sync + 'static {
    move |attempt, direction| (direction == Direction::Forward && attempt.step == step).then_some(Fault::Refuse(CODE))
}

/// Lets each fate befall each write from `first` on in turn, and holds the sign-up's end and its journal against those
/// of a sign-up that nothing befell. Where duplicates are decoyed, it is one.
async fn crash_everywhere<S>(
    w: &World,
    first: usize,
    steps: &(impl Fn() -> S + Sync),
    (duplicates, end): (Duplicates, &State),
) where
    S: Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + Send + Sync + 'static,
{
    let mut undisturbed = w.another().await;
    let saga = sign_up(&mut undisturbed, steps, duplicates, (0, Fate::Answered)).await.0;
    let expected = word(&undisturbed, saga).await;
    for fate in FATES {
        let mut w = w.another().await;
        for number in first.. {
            if number.is_multiple_of(FRESH) {
                w = w.another().await;
            }
            let (saga, writes) = sign_up(&mut w, steps, duplicates, (number, fate)).await;
            assert_eq!(w.view(saga).await.state, *end, "{fate:?} at write {number}");
            assert_eq!(word(&w, saga).await, expected, "{fate:?} at write {number}");
            if writes < number {
                // It had ended before.
                break;
            }
        }
    }
}

/// Signs up to the end, where this fate befalls the write of this number. Returns how many writes there were.
async fn sign_up<S>(
    w: &mut World,
    steps: &(impl Fn() -> S + Sync),
    duplicates: Duplicates,
    (number, fate): (usize, Fate),
) -> (SagaId, usize)
where
    S: Fn(&Attempt<SignUp>, Direction) -> Option<Fault> + Send + Sync + 'static,
{
    let name = format!("ada{number}");
    let proposal = Proposal { duplicates, ..w.marked(&name, 1, 1) };
    if duplicates == Duplicates::Decoyed {
        w.plant_account(&name).await;
    }
    let fates = move |write| if write == number { fate } else { Fate::Answered };
    let first = Process::on_a_bad_line(w, steps(), Box::new(fates));
    let ended = work(w, &first, &proposal).await;
    let writes = first.writes();
    drop(first);
    if ended.is_err() {
        w.reopen().await;
        let second = Process::start(w, steps());
        if number.is_multiple_of(2) {
            // Who is alone with the store does not wait for the leases of the dead.
            second.release_leases().await;
        }
        work(w, &second, &proposal).await.unwrap();
    }
    (proposal.saga, writes)
}

/// The client asks until it has an answer, and whoever was told of the sign-up drives it to its end.
async fn work(w: &mut World, process: &Process, proposal: &Proposal) -> Result<(), Died> {
    let answer = process.accept(proposal).await?;
    assert!(is_new(&answer), "{answer:?}");
    w.check().await;
    process.drive(w).await.map(drop)
}

/// The journal without the attempts that failed: a crash can take the place of one.
async fn word(w: &World, saga: SagaId) -> Vec<String> {
    let mut journal = w.journal(saga).await;
    journal.retain(|word| !word.starts_with("failed") && !word.starts_with("undo_failed"));
    journal
}
