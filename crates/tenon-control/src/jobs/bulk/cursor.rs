//! Where a page of a bulk request begins, and of which request it is.

use std::fmt;
use std::str::FromStr;

use tenon_capture::{BULK_RERUN_FOR, IdSource};
use tenon_gateway::{App, Problem};
use tenon_store::{JobFilter, JobId, JobRecord, Timestamp, WorkspaceId};

use super::Action;
use crate::page::bad;

/// By one request a job is run again once, however often a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The page has jobs with smaller ids, the greatest first.
    pub(super) before: u64,
    /// An id that was made for the request, so no other has it.
    pub(super) request: u64,
}

/// Not a cursor.
pub(super) struct Malformed;

// === impl Cursor ===

impl Cursor {
    /// Where a new request begins: behind all jobs that there are. Those that it starts itself are newer, by their ids,
    /// unless the clock was set back since the newest was captured.
    pub(super) async fn new(app: &App, workspace: WorkspaceId) -> Result<Self, Problem> {
        let newest = app.store().jobs(workspace, &JobFilter::default(), None, 1).await?;
        let request = app.capture().ports().ids.job().0;
        let behind = newest.items.first().map_or(0, |job| job.id.0.saturating_add(1));
        Ok(Self { before: behind.max(request), request })
    }

    /// Refuses what would no longer know which jobs it has run again.
    pub(super) fn check(&self, action: Action, now: Timestamp) -> Result<(), Problem> {
        let life = i64::try_from(BULK_RERUN_FOR.as_micros()).unwrap_or(i64::MAX);
        let oldest = Timestamp(now.0.saturating_sub(life));
        if action != Action::Rerun || self.request >= IdSource::first_at(oldest) {
            return Ok(());
        }
        let days = BULK_RERUN_FOR.as_secs() / (24 * 60 * 60);
        let detail =
            format!("`cursor` is of a request that began more than {days} days ago: jobs might be run twice");
        Err(bad(detail)
            .with_hint("begin again without it, with `since` and `until` of the jobs that are left"))
    }

    /// Whether the request may have started the job itself. Where the clock was set back, this leaves out some reruns
    /// of before, too: better than running its own again.
    pub(super) fn may_have_started(&self, job: &JobRecord) -> bool {
        job.id > JobId(self.request) && job.rerun_of.is_some()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.before, self.request)
    }
}

impl FromStr for Cursor {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (before, request) = text.split_once('.').ok_or(Malformed)?;
        let number = |text: &str| text.parse().map_err(|_| Malformed);
        Ok(Self { before: number(before)?, request: number(request)? })
    }
}
