//! Histories in which everything must hold, and stores with bugs, with which it must not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod flawed;

use std::thread;

use simulation::{Over, Report, Runs, Story, play, sound};

use flawed::{Flaw, over};

/// How many histories a change must pass.
const SEEDS: u64 = 2000;

/// No bug stays hidden for longer.
const FOUND_WITHIN: u64 = 600;

fn run(seeds: u64, over: Over) -> Report {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    Runs { seeds: 0..seeds, threads, over }.play(|_| {}).unwrap()
}

#[test]
fn whatever_happens_in_2000_histories_everything_holds_and_everything_is_seen() {
    let report = run(SEEDS, sound);
    if let Some((seed, broken)) = report.failure {
        panic!("{broken:#?}\nreplay it: cargo run -p simulation -- --seed {seed} --trace");
    }
    assert_eq!(report.played, SEEDS);
    assert_eq!(report.missing(), [], "{}", report.sights);
}

#[test]
fn one_seed_is_one_history() {
    let tell = || -> Vec<Story> { (0..60).map(|seed| play(seed, true, sound).unwrap()).collect() };
    let (once, again) = (thread::spawn(tell), thread::spawn(tell));
    let (once, again) = (once.join().unwrap(), again.join().unwrap());
    for (seed, (once, again)) in once.iter().zip(&again).enumerate() {
        assert!(once.moves.len() > 60, "seed {seed}");
        assert_eq!(once, again, "seed {seed}");
        // Telling a history does not change it.
        let untold = play(seed as u64, false, sound).unwrap();
        assert_eq!((&untold.sights, untold.moves.len()), (&once.sights, 0), "seed {seed}");
    }
    assert_ne!(once[0].moves, once[1].moves);
}

/// The bug is found, by this check, and a replay of its seed finds it again.
fn is_found(flaw: Over, by: &str) {
    let report = run(FOUND_WITHIN, flaw);
    let (seed, broken) = report.failure.unwrap_or_else(|| panic!("not found in {FOUND_WITHIN} histories"));
    assert!(broken.iter().any(|what| what.starts_with(by)), "seed {seed}: {broken:#?}");
    let replayed = play(seed, true, flaw).unwrap();
    assert_eq!(replayed.broken, broken, "seed {seed}");
}

/// Makes each flaw a test: that it is found, and by which check.
macro_rules! each_flaw_is_found {
    ($($name:ident: $flaw:ident, $by:literal;)+) => {
        $(
            #[test]
            fn $name() {
                is_found(|memory| over(memory, Flaw::$flaw), $by);
            }
        )+
    };
}

each_flaw_is_found! {
    a_commit_without_its_fence_is_found: IgnoresTheFence, "an answer tells what happened: wrote without a fence";
    a_commit_that_is_written_twice_is_found: WritesTwice, "an answer tells what happened";
    a_commit_that_is_told_and_not_written_is_found: TellsAndDoesNotWrite, "an answer tells what happened";
    an_undo_that_leaves_out_the_step_in_doubt_is_found: SkipsTheStepInDoubt,
        "legal_history";
    an_undo_that_deletes_nothing_is_found: UndoesInWordOnly, "no_orphan";
    a_password_that_is_not_wiped_is_found: ForgetsToWipe, "no_late_secret";
    housekeeping_that_does_nothing_is_found: DoesNotHousekeep, "no_late_secret";
    a_second_sign_up_for_an_email_is_found: AcceptsASecond, "one sign-up under way for an e-mail";
    an_accepted_sign_up_that_is_forgotten_is_found: ForgetsWhatItAccepts, "an answer tells what happened";
    a_lost_idempotency_key_is_found: ForgetsTheKey, "the same request makes the same sign-up";
    a_claim_of_what_is_held_is_found: ClaimsWhatIsHeld, "an answer tells what happened: claimed what is held";
    a_hold_without_a_lease_is_found: HoldsInWordOnly, "an answer tells what happened: did not write what it says";
    a_lease_that_nobody_takes_over_is_found: NeverTakesOver, "every sign-up ends in time";
    an_action_on_what_the_operator_did_not_see_is_found: IgnoresTheOperatorsSight,
        "an answer tells what happened: acted on what the operator did not see";
    an_action_that_fences_nobody_is_found: FencesNobody, "an answer tells what happened: wrote without a fence";
    an_action_that_is_told_and_not_written_is_found: ActsInWordOnly, "an answer tells what happened";
    a_sign_up_that_is_declared_over_while_something_is_left_is_found: ResolvesWhatIsLeft,
        "no_orphan";
    a_password_of_what_is_declared_over_that_is_not_wiped_is_found: ForgetsToWipeTheResolved,
        "no_late_secret";
    a_decoy_of_which_something_is_made_is_found: MakesForDecoys, "decoys_make_nothing";
    a_refusal_that_tells_whose_email_is_known_is_found: RefusesInsteadOfDecoying,
        "an answer tells what happened: told whose e-mail is known";
    a_panic_that_nobody_asked_for_is_found: Panics, "nothing panics";
}
