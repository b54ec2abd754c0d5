//! What every store must do, one check for each behaviour, and the list of them.

mod accepting;
mod accounts;
mod auditing;
mod beginning;
mod claiming;
mod committing;
mod counting;
mod decoying;
mod effects;
mod ending;
mod fleet;
mod holding;
mod housekeeping;
mod inspecting;
mod leases;
mod listing;
mod operating;
mod operators;
mod racing;
mod reading;
mod refreshing;
mod retrying;
mod signing_keys;
mod users;

on_every_store! { ()
    accepting:
        an_accepted_sign_up_runs_its_first_step,
        accepting_the_same_proposal_twice_finds_it_accepted,
        a_live_email_is_in_progress,
        a_users_email_is_taken_with_its_providers,
        the_email_of_a_failed_sign_up_is_free_at_once,
        a_replay_finds_its_saga_also_after_the_end,
        another_body_under_the_same_key_is_refused,
        an_idempotency_key_counts_together_with_its_email,
        a_repetition_under_another_key_is_in_progress;
    decoying:
        an_unknown_email_gets_no_decoy,
        a_known_email_gets_a_decoy_that_completes_and_makes_nothing,
        a_live_email_gets_a_decoy_beside_it,
        a_decoy_stands_in_nobodys_way,
        a_decoys_password_is_wiped_when_it_is_hashed,
        accepting_a_decoy_twice_finds_it_accepted,
        a_replay_of_a_decoy_finds_it_also_after_the_end,
        another_body_under_the_key_of_a_decoy_is_refused,
        a_decoy_goes_back_as_one,
        operators_see_which_is_a_decoy,
        of_many_at_once_with_an_unknown_email_all_but_one_are_decoys,
        of_many_at_once_with_a_known_email_all_are_decoys,
        of_many_at_once_under_one_key_all_find_one_decoy,
        of_refused_and_decoyed_ones_at_once_one_is_real;
    claiming:
        a_claim_carries_what_was_accepted,
        a_held_lease_is_not_claimed,
        an_expired_lease_is_taken_over_with_the_next_epoch,
        a_saga_of_another_version_is_left_alone,
        a_saga_of_another_kind_is_left_alone,
        a_claim_takes_its_own_step_alone_in_either_direction,
        a_claim_takes_the_longest_due_first_and_no_more_than_its_limit,
        a_claim_for_none_takes_none,
        a_claim_of_named_sagas_takes_those_that_are_due_and_free,
        an_ended_saga_is_not_claimed;
    committing:
        a_lost_lease_cannot_write,
        a_commit_after_the_leases_end_counts_until_another_claim,
        the_same_commit_twice_writes_once,
        a_commit_from_another_state_is_fenced,
        a_commit_of_another_epoch_or_seq_is_fenced,
        a_commit_after_the_end_is_fenced,
        a_commit_frees_the_saga_for_the_next_step_at_once,
        attempts_are_counted_anew_after_an_advance;
    holding:
        a_commit_that_holds_claims_the_next_step_in_either_direction,
        a_commit_that_holds_sent_twice_claims_once,
        a_hold_whose_lease_runs_out_is_taken_over,
        a_hold_that_is_handed_back_was_no_attempt,
        a_refusal_holds_nothing,
        a_commit_after_which_nothing_follows_at_once_holds_nothing,
        silence_counts_from_the_hold,
        an_action_fences_a_hold,
        many_commits_at_once_hold_what_they_ask_for;
    effects:
        every_step_leaves_what_it_makes,
        every_undo_takes_away_what_its_step_made,
        undoing_what_never_happened_is_done_too,
        an_email_lost_in_a_race_refuses_the_step,
        an_effect_that_conflicts_with_no_other_transition_is_rejected,
        an_effect_twice_is_rejected_and_changes_nothing,
        an_effect_without_what_it_refers_to_is_rejected,
        a_user_with_a_profile_cannot_be_deleted,
        a_refused_delete_is_rejected_and_changes_nothing,
        the_hash_wipes_the_sealed_password,
        an_end_wipes_the_sealed_password,
        a_refused_hash_keeps_no_sealed_password_past_the_end;
    leases:
        a_hand_back_returns_the_attempt_and_keeps_the_seq,
        a_hand_back_is_due_after_its_delay_and_not_before,
        a_hand_back_after_the_leases_end_does_nothing,
        a_second_hand_back_does_nothing,
        a_hand_back_by_a_lost_lease_does_nothing,
        a_hand_back_after_the_commit_does_nothing,
        released_leases_are_due_at_once,
        a_release_leaves_the_unclaimed_and_the_ended_alone,
        a_release_makes_due_what_is_due_later_than_anything_can_be;
    retrying:
        a_retry_is_due_after_its_delay_and_not_before,
        a_retry_keeps_the_count_of_attempts,
        a_stuck_mark_keeps_its_first_time_and_goes_with_the_next_advance,
        a_stuck_mark_goes_with_the_next_attempt_that_is_not_stuck;
    housekeeping:
        silence_is_marked_once_and_leaves_the_due_time_alone,
        silence_counts_from_the_steps_first_claim,
        silence_ends_with_the_hand_back_of_the_first_claim_alone,
        silence_ends_with_a_release,
        who_was_never_claimed_is_not_silent,
        secrets_are_wiped_for_their_age,
        a_wiped_secret_is_missing_from_the_claim,
        idempotency_keys_are_forgotten_after_a_day_and_only_of_ended_sagas,
        a_forgotten_key_makes_a_new_sign_up,
        a_live_sign_up_keeps_its_key_however_old_it_is;
    racing:
        concurrent_claims_share_no_saga,
        of_many_concurrent_proposals_for_one_email_one_is_accepted,
        of_many_concurrent_proposals_under_one_key_all_find_one_saga,
        of_many_concurrent_sendings_of_one_commit_one_writes,
        a_rejected_member_of_a_batch_leaves_the_others_alone,
        a_commit_and_a_claim_at_once_leave_one_holder;
    reading:
        an_unknown_saga_is_nothing,
        many_are_seen_at_once,
        events_are_read_from_a_seq_on,
        the_journal_tells_attempts_and_errors,
        a_view_tells_the_age_and_the_end,
        the_backlog_is_as_old_as_what_has_been_due_longest_unclaimed,
        the_census_counts_those_that_wait_unclaimed_and_those_that_are_stuck;
    auditing:
        one_auditor_has_the_turn_and_the_next_goes_on_where_it_got,
        the_facts_of_some_sagas_are_theirs_alone,
        nobody_is_suspected_where_nothing_is_wrong,
        a_finding_is_kept_once_until_it_is_over,
        an_auditor_finds_nothing_where_nothing_is_wrong_and_what_is_left_late;
    counting:
        what_is_counted_adds_up_by_what_it_is,
        what_was_counted_long_ago_is_forgotten,
        of_many_who_count_at_once_all_count;
    operating:
        a_retry_makes_a_stuck_undo_due_at_once_with_its_attempts_anew,
        a_retry_of_a_running_step_runs_it_at_once,
        a_roll_back_of_any_step_leads_to_an_end_with_nothing_left,
        an_action_on_what_the_operator_did_not_see_is_stale,
        an_action_on_an_unknown_or_an_ended_saga_is_stale,
        resolving_tells_what_is_left_in_order_and_writes_nothing,
        resolving_where_nothing_is_left_ends_the_saga_and_wipes_its_password,
        resolving_while_going_back_keeps_the_reason,
        every_action_fences_the_worker_at_the_saga,
        the_journal_tells_who_acted_and_why,
        an_unsigned_action_is_rejected,
        of_a_hundred_same_clicks_one_takes_effect,
        of_different_actions_at_once_one_takes_effect,
        of_an_action_and_a_commit_at_once_one_takes_effect,
        an_action_and_a_claim_at_once_leave_one_holder;
    listing:
        sagas_are_listed_the_newest_first,
        every_combination_of_filters_lists_what_it_says,
        a_saga_is_listed_from_its_age_on,
        pages_follow_each_other_while_new_sagas_arrive,
        a_listed_saga_tells_who_holds_it_and_what_went_wrong;
    inspecting:
        what_the_steps_have_made_is_told_in_their_order,
        an_inspection_tells_what_the_list_tells,
        an_unknown_saga_is_not_inspected;
    fleet:
        a_process_tells_of_itself_with_every_beat,
        processes_are_told_by_name,
        who_leaves_is_no_longer_told,
        who_is_silent_for_an_hour_is_forgotten;
    operators:
        an_operator_is_found_by_their_token_alone,
        a_name_is_taken_once,
        of_many_who_take_a_name_at_once_one_has_it,
        operators_are_told_by_name,
        an_operator_keeps_their_role,
        a_revoked_operator_is_found_no_more_and_their_name_stays_taken;
    accounts:
        who_signs_in_is_found_by_their_email,
        users_see_what_they_signed_up_with,
        who_is_not_active_or_is_disabled_has_no_account,
        a_hash_is_replaced_where_it_is_known_and_nothing_ends,
        a_password_is_changed_where_its_hash_is_known,
        of_many_changes_of_one_password_at_once_one_counts;
    beginning:
        a_session_begins_for_a_user_with_that_very_hash,
        a_provisional_user_begins_no_session,
        a_disabled_user_begins_no_session,
        beginning_the_same_session_twice_finds_it_begun,
        a_sign_up_is_redeemed_once,
        a_repetition_does_not_find_a_session_that_has_gone_on_or_ended,
        a_sign_up_is_redeemed_within_a_day,
        a_sign_up_is_redeemed_while_its_password_is_the_users,
        a_sign_up_is_not_redeemed_once_all_sessions_were_ended,
        a_sign_up_that_has_not_completed_is_not_redeemed,
        a_decoy_is_not_redeemed,
        of_many_who_redeem_a_sign_up_at_once_all_get_one_session,
        a_change_of_the_password_ends_what_begins_with_the_old_one_at_the_same_time;
    refreshing:
        a_session_goes_on_with_the_next_generation,
        the_token_before_yields_the_same_again_within_the_grace,
        a_token_that_was_used_up_ends_the_session,
        a_token_before_the_last_but_one_ends_the_session_however_soon,
        of_many_refreshes_with_one_token_all_get_one_generation,
        of_many_refreshes_with_a_token_that_was_used_up_one_is_told,
        of_a_refresh_and_a_reuse_at_once_none_leaves_the_session_live,
        a_session_ends_a_month_after_it_was_last_refreshed,
        a_session_ends_three_months_after_it_began_however_often_it_was_refreshed,
        a_generation_above_the_latest_goes_on_from_there,
        a_session_that_never_began_is_over;
    ending:
        a_session_is_ended_by_its_own_user_alone,
        all_of_a_users_sessions_end_at_once,
        a_change_of_the_password_ends_all_sessions_but_the_one_that_is_kept,
        a_session_that_was_over_or_is_somebody_elses_is_not_kept,
        a_refresh_and_a_change_of_the_password_at_once_leave_the_kept_session_alone,
        a_user_who_is_disabled_has_no_session,
        sessions_are_told_the_last_used_first,
        no_more_than_a_hundred_sessions_are_told,
        sessions_are_forgotten_three_months_after_they_began;
    signing_keys:
        keys_are_told_as_they_were_added_in_their_order,
        a_generation_has_one_key_and_a_key_one_generation,
        of_many_keys_of_one_generation_at_once_one_is_added;
    users:
        a_user_is_seen_by_their_id_and_by_their_email,
        a_user_is_seen_in_every_step_of_their_sign_up,
        an_action_is_done_and_noted,
        every_action_ends_all_sessions_for_good,
        a_sign_up_is_not_redeemed_after_an_action,
        an_action_on_what_the_operator_did_not_see_writes_nothing,
        an_action_on_whose_sign_up_has_not_completed_writes_nothing,
        of_many_actions_at_once_one_counts,
        of_an_action_and_sign_ins_at_once_no_session_stays,
        the_latest_hundred_events_are_told;
}
