//! What a workspace says for itself, instead of what the server is configured with.

use std::time::Duration;

use crate::AuditRecord;

/// Each `None`: as the server is configured. Kept to the microsecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// How long finished jobs are kept whose workflow does not say, and events.
    pub keep_jobs: Option<Duration>,
    /// How long the payloads of finished jobs are kept whose workflow does not say.
    pub keep_payloads: Option<Duration>,
    /// Jobs that run at once.
    pub concurrency: Option<u32>,
}

/// Replace a workspace's settings: of the one that the audit record is for.
#[derive(Debug, Clone)]
pub struct PutWorkspaceSettings {
    /// What holds from now on.
    pub settings: WorkspaceSettings,
    /// Write only if these are the ones that are replaced.
    pub expected: WorkspaceSettings,
    /// Who did it.
    pub audit: AuditRecord,
}

// === impl WorkspaceSettings ===

impl WorkspaceSettings {
    /// What holds where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            keep_jobs: self.keep_jobs.or(others.keep_jobs),
            keep_payloads: self.keep_payloads.or(others.keep_payloads),
            concurrency: self.concurrency.or(others.concurrency),
        }
    }
}
