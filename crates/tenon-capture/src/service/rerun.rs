//! A job once more: same event (or events), same or newer revision, same or edited input.

use bytes::Bytes;
use tenon_store::{JobRecord, NewJob, RevisionId};

use super::draft::{Draft, check_size};
use super::{Accepted, CaptureService, Stay, Target};
use crate::Error;
use crate::plan::Envelope;

/// The type under which the copy of a rerun's event is filed, so that no subscription and no filter by the
/// original's type finds it twice. The envelope inside keeps the original's type.
pub const RERUN_TYPE: &str = "io.tenon.rerun";

/// Run a job again from its start.
#[derive(Debug, Clone)]
pub struct Rerun {
    /// The job, whole (as [`tenon_store::Store::job`] gives it).
    pub job: JobRecord,
    /// The revision to run: its own or a newer one.
    pub revision: RevisionId,
    /// Edited input, JSON; `None`: the input it had.
    pub input: Option<Bytes>,
}

// === impl Rerun ===

impl Rerun {
    pub(super) fn job(&self, planned: NewJob) -> NewJob {
        let input = self.input.clone().or_else(|| self.job.input.clone());
        let events_of = (!self.job.gathered.is_empty()).then_some(self.job.id);
        NewJob { input, rerun_of: Some(self.job.id), events_of, ..planned }
    }
}

// === impl CaptureService ===

impl CaptureService {
    /// Starts the job's successor. `Ok`: durable. A rerun is never a duplicate.
    pub async fn rerun(&self, rerun: Rerun) -> Result<Accepted, Error> {
        let ports = self.ports();
        let job = &rerun.job;
        check_size(rerun.input.as_ref().map_or(0, Bytes::len), self.options().max_input_bytes)?;
        let deployed = ports.programs.get(job.workspace, rerun.revision).await?;
        if deployed.resource != job.workflow {
            return Err(Error::UnknownRevision);
        }
        let event = ports.store.event(job.workspace, job.event).await?.ok_or(Error::PayloadGone)?;
        let draft = Draft {
            workspace: job.workspace,
            id: ports.ids.event(),
            origin: event.origin,
            source: format!("/jobs/{}", job.id),
            r#type: RERUN_TYPE.to_owned(),
            subject: event.subject,
            at: ports.clock.now(),
            envelope: Envelope::new(event.envelope.ok_or(Error::PayloadGone)?),
            mark: None,
            generation: None,
        };
        let target = Target::Rerun { deployed, rerun: Box::new(rerun) };
        let (accepted, _) = self.commit(&draft, &target, Stay::Leave).await?;
        Ok(accepted)
    }
}
