//! The sign-up, driven by the real engine through every fault there is, on every store.
//!
//! The runtime's time is paused: it stands still while there is work, and jumps to the next timeout when there is
//! none. After every step of whoever drives a saga, every invariant is checked.

mod crashes;
mod decoys;
mod faults;
mod limits;
mod line;
mod operating;
mod process;
mod repeats;
mod replies;
mod storms;
mod undoing;
mod zombies;

use process::drive;
pub(crate) use process::{Process, in_peace};

on_every_store! { (start_paused = true)
    faults:
        a_sign_up_in_peace_is_completed,
        a_refusal_at_any_step_undoes_it_and_the_steps_before_it,
        a_step_that_never_succeeds_is_undone_too,
        a_step_that_succeeds_at_last_goes_forward,
        an_undo_that_succeeds_at_last_goes_on,
        an_email_lost_in_a_race_ends_the_sign_up_as_taken;
    decoys:
        a_decoy_goes_the_way_of_a_sign_up_and_makes_nothing,
        a_decoy_whose_step_fails_goes_back_and_undoes_nothing,
        a_decoy_that_is_rolled_back_at_any_step_undoes_nothing;
    undoing:
        an_undo_that_the_database_refuses_is_stuck_until_it_is_allowed,
        an_undo_that_panics_each_time_is_stuck_and_harms_no_other,
        an_undo_of_any_step_that_fails_for_long_is_stuck_and_ends_at_last;
    repeats:
        every_commit_sent_twice_or_thrice_writes_once,
        every_job_run_twice_or_thrice_writes_once;
    zombies:
        of_two_holders_of_one_step_the_later_claim_writes,
        a_late_worker_whom_nobody_replaced_still_writes,
        a_job_handed_back_and_run_all_the_same_writes_at_most_once;
    limits:
        what_nobody_started_in_time_expires,
        a_step_that_takes_its_worker_down_is_given_up_without_running_it,
        an_undo_that_takes_its_worker_down_is_marked_for_its_silence,
        a_job_that_waited_too_long_is_handed_back,
        a_job_that_is_dropped_halfway_is_found_by_the_next_claim;
    replies:
        a_commit_in_doubt_is_settled_by_the_journal,
        a_commit_in_doubt_that_another_claim_overtook_is_fenced,
        a_claim_that_is_answered_late_is_handed_back_and_costs_no_attempt,
        a_store_that_is_away_costs_no_attempt,
        a_reply_that_never_comes_is_given_up_in_time;
    crashes:
        a_crash_at_any_write_of_a_sign_up_in_peace_changes_nothing,
        a_crash_at_any_write_of_a_refusal_changes_nothing,
        a_crash_at_any_write_of_a_step_in_doubt_changes_nothing,
        a_crash_at_any_write_of_undos_that_fail_changes_nothing,
        a_crash_at_any_write_of_a_decoy_changes_nothing;
    operating:
        an_undo_that_the_database_refuses_is_listed_with_its_reason_and_ends_once_it_is_retried,
        a_roll_back_in_flight_at_any_step_ends_failed_with_nothing_left,
        an_action_on_a_saga_going_back_leads_to_the_end_it_was_going_to;
    storms:
        of_a_hundred_sign_ups_under_random_faults_each_ends_whole_or_not_at_all,
        whatever_workers_clocks_and_replies_do_each_sign_up_ends_whole_or_not_at_all;
}
