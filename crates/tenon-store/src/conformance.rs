//! The conformance suite that every adapter must pass.
//!
//! An adapter's tests implement [`Harness`] and say [`conformance_tests!`](crate::conformance_tests), which makes
//! one test of each check. The checks speak through the port only, and panic where a promise is broken.

pub mod capture;
pub mod children;
pub mod dedup;
pub mod disk;
pub mod durability;
pub mod files;
mod fixture;
pub mod gathering;
pub mod inbox;
pub mod lanes;
pub mod payloads;
pub mod purging;
pub mod reading;
pub mod resources;
pub mod retention;
pub mod shards;
pub mod triggers;
pub mod variables;
pub mod waiting;
pub mod workspaces;
pub mod writing;

use std::sync::Arc;

use async_trait::async_trait;
pub use fixture::Fixture;

use crate::Store;

/// What an adapter gives to be checked: an empty store of its own for each check.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens the store; again after it was closed: the same data.
    async fn open(&self) -> Arc<dyn Store>;
}

/// Makes one `#[tokio::test]` of each check. The argument is an expression that makes a new [`Harness`].
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr) => {
        $crate::conformance_tests! { @modules $make;
            capture {
                an_event_reads_back_as_captured, an_event_without_jobs_is_kept, an_old_generation_captures_nothing,
                an_unknown_workspace_is_not_found, the_feed_gets_payloads_before_the_answer,
                places_go_up_in_order_of_commit, a_job_without_a_lane_starts_suspended, an_id_is_taken_once
            }
            dedup {
                a_repeat_is_answered_like_the_first, a_mark_holds_until_it_expires, scopes_do_not_share_keys,
                a_workflows_mark_suppresses_its_job_only, of_many_at_once_one_is_captured,
                a_stale_capture_takes_no_mark, either_of_two_marks_is_enough, a_known_delivery_takes_no_other_mark,
                a_delivery_is_known_until_it_expires
            }
            writing {
                outcomes_and_state_come_together, entries_are_dense, a_job_begins_with_a_journal, a_final_job_takes_no_write,
                only_the_jobs_workspace_writes, the_first_start_is_kept, a_suspended_job_goes_on,
                a_job_without_a_lane_takes_one_when_it_goes_on
            }
            shards {
                an_older_epoch_is_refused, a_fence_is_for_its_shard, open_jobs_come_by_place,
                open_jobs_of_a_workspace_come_by_place,
                waiting_jobs_come_by_moment, waiting_jobs_come_by_page, an_open_job_has_its_payload
            }
            reading {
                jobs_are_paged_newest_first, jobs_are_filtered, events_are_paged_and_filtered, events_that_nobody_wanted_are_found,
                large_bodies_come_back_whole, workspaces_are_strangers, an_unknown_workspace_reads_as_nothing
            }
            lanes {
                lanes_come_by_age_of_their_head, lanes_are_filtered
            }
            resources {
                the_same_content_is_written_once, an_expected_revision_guards, keys_find_enabled_resources,
                a_deleted_resource_goes_on_with_its_numbers, lists_go_by_name, every_change_is_audited
            }
            variables {
                a_new_value_is_a_new_version, a_variable_keeps_its_kind, what_is_expected_guards,
                versions_go_on_after_a_delete, variables_are_listed_by_name,
                variables_of_workspaces_are_strangers, a_large_value_comes_back_whole,
                there_are_only_so_many, every_change_of_a_variable_is_audited
            }
            retention {
                what_has_expired_goes, an_open_job_keeps_its_event, an_event_outlives_its_jobs,
                expired_marks_go, a_limit_is_kept, large_and_long_things_go_too
            }
            payloads {
                payloads_go_before_their_job, what_another_job_needs_stays,
                payloads_stay_while_the_parent_is_open, an_event_of_the_inbox_keeps_its_envelope,
                gathered_events_lose_their_envelopes
            }
            purging {
                ended_jobs_are_purged, what_is_needed_is_not_purged, an_event_that_is_needed_is_not_purged,
                gathered_events_go_with_the_last_job
            }
            workspaces {
                settings_are_kept
            }
            triggers {
                a_chunk_is_written_together, states_are_compared, a_trigger_that_is_off_brings_nothing,
                a_chunk_may_bring_repeats, repeats_renew_their_marks, a_stale_chunk_leaves_nothing,
                notes_are_bounded_and_paged, triggers_are_strangers, what_triggers_remember_survives_a_restart,
                a_person_writes_a_state, people_and_triggers_compare_states,
                a_person_writes_for_triggers_that_are_there,
                a_change_takes_a_state_along
            }
            inbox {
                declared_types_are_kept, candidates_are_filtered, an_event_comes_before_its_jobs,
                a_look_says_how_far_it_went, a_repeat_is_kept_once, declarations_only_grow,
                long_answers_come_in_pieces, rows_go_with_their_events, inboxes_are_strangers
            }
            waiting {
                an_event_wakes_who_waits, a_subject_narrows, what_is_there_already_makes_due,
                nothing_slips_between_looking_and_parking, what_was_looked_at_wakes_nobody,
                any_other_write_ends_the_wait, the_latest_park_counts, an_earlier_moment_stays,
                a_refused_capture_wakes_nobody, a_failed_batch_leaves_waiters_alone, waiters_survive_a_restart,
                an_older_epoch_parks_nothing, waiters_are_strangers
            }
            children {
                an_end_wakes_who_awaits_it, an_end_that_was_makes_due, children_are_listed,
                a_child_stays_while_its_parent_is_open
            }
            gathering {
                every_part_makes_a_set_complete, an_event_takes_the_first_free_part, keys_have_sets_of_their_own,
                an_end_completes_a_set, a_decision_is_for_what_was_seen, of_many_at_once_each_set_starts_once,
                a_job_has_all_its_events, a_suppressed_job_uses_its_set_up, a_refused_capture_gathers_nothing,
                sets_survive_a_restart, sets_go_with_their_strategy, gathered_events_are_kept,
                sets_are_strangers
            }
            files {
                files_come_with_their_revision, files_are_ordered_and_may_have_failed
            }
            disk {
                what_takes_the_room_is_told_apart, workflows_are_told_by_their_jobs, what_goes_next_is_known
            }
            durability {
                what_was_answered_is_there_after_reopening, a_closed_store_says_so, closing_answers_what_was_accepted
            }
        }
    };
    (@modules $make:expr; $($module:ident { $($check:ident),* })*) => {
        $(mod $module {
            $($crate::conformance_tests! { @one $make, $module, $check })*
        })*
    };
    (@one $make:expr, $module:ident, $check:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let harness = $make;
            $crate::conformance::$module::$check(&harness).await;
        }
    };
}
