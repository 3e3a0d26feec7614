//! Whether a workspace takes something new from outside: the server serves, and the workspace's backlog is within
//! its bounds. One flag is read while no workspace is behind. What running jobs emit or start does not come by here.

use hyper::header::{HeaderValue, RETRY_AFTER};
use tenon_capture::BacklogBound;
use tenon_store::WorkspaceId;

use crate::{App, Problem, codes};

// === impl App ===

impl App {
    /// Refuses what would start something new, unless there is room for it.
    pub(crate) fn admit(&self, workspace: WorkspaceId) -> Result<(), Problem> {
        self.readiness().check()?;
        let Some(refused) = self.metrics().backlogs.refusal(workspace) else { return Ok(()) };
        let setting = match refused.bound {
            BacklogBound::Jobs { .. } => "limits.backlog_jobs",
            BacklogBound::Bytes { .. } => "limits.backlog_bytes",
            BacklogBound::Age { .. } => "limits.backlog_age",
        };
        let seconds = refused.retry_after.as_secs().max(1);
        Err(Problem::new(&codes::BACKLOG, format!("{} (`{setting}`)", refused.bound))
            .with_header(RETRY_AFTER, HeaderValue::from(seconds)))
    }
}
