//! The conformance suite that every adapter must pass.
//!
//! An adapter's tests implement [`Harness`] and say [`conformance_tests!`](crate::conformance_tests), which makes
//! one test of each check. The checks speak through the port only, and panic where a promise is broken.

pub mod capture;
pub mod dedup;
pub mod durability;
mod fixture;
pub mod reading;
pub mod resources;
pub mod retention;
pub mod shards;
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
                a_stale_capture_takes_no_mark
            }
            writing {
                outcomes_and_state_come_together, entries_are_dense, a_final_job_takes_no_write,
                only_the_jobs_workspace_writes, the_first_start_is_kept, a_suspended_job_goes_on,
                a_job_without_a_lane_takes_one_when_it_goes_on
            }
            shards {
                an_older_epoch_is_refused, a_fence_is_for_its_shard, open_jobs_come_by_place,
                waiting_jobs_come_by_moment, an_open_job_has_its_payload
            }
            reading {
                jobs_are_paged_newest_first, jobs_are_filtered, events_are_paged_and_filtered,
                large_bodies_come_back_whole, workspaces_are_strangers, an_unknown_workspace_reads_as_nothing
            }
            resources {
                the_same_content_is_written_once, an_expected_revision_guards, keys_find_enabled_resources,
                a_deleted_resource_goes_on_with_its_numbers, lists_go_by_name, every_change_is_audited
            }
            retention {
                what_has_expired_goes, an_open_job_keeps_its_event, an_event_outlives_its_jobs,
                expired_marks_go, a_limit_is_kept, large_and_long_things_go_too
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
