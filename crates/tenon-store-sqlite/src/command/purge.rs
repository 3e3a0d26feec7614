//! Jobs that somebody wants to be gone before their time.

use tenon_store::{JobId, Timestamp, WorkspaceId};

use super::{Command, Context, Need};
use crate::failure::Failure;
use crate::retention;
use crate::writer::Whose;

/// Jobs that one command removes, each with up to a piece of its journal: a few milliseconds of the writer.
pub(crate) const JOBS: usize = 64;

/// One piece of `Store::purge`.
pub(crate) struct Purge {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// Which, at most [`JOBS`].
    pub(crate) jobs: Vec<JobId>,
    /// When.
    pub(crate) at: Timestamp,
}

impl Command for Purge {
    type Output = u64;

    fn size(&self) -> usize {
        64 + 8 * self.jobs.len()
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<u64, Failure> {
        context.state.generation(self.workspace)?;
        let mut removed = 0;
        for &job in &self.jobs {
            let gone = retention::remove_unwanted_job(context, (self.workspace, job), self.at)?;
            removed += u64::from(gone.is_some());
        }
        Ok(removed)
    }
}
