//! A job once more: same event (or events), same or newer revision, same or edited input.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tenon_store::{DedupMark, Entry, JobId, JobRecord, NewJob, RevisionId, Timestamp};

use super::draft::{Draft, check_size};
use super::{Accepted, CaptureService, Stay, Target};
use crate::Error;
use crate::key::bounded_key;
use crate::plan::Envelope;

/// The type under which the copy of a rerun's event is filed, so that no subscription and no filter by the
/// original's type finds it twice. The envelope inside keeps the original's type.
pub const RERUN_TYPE: &str = "io.tenon.rerun";

/// For so long after it began a request for many reruns can be gone on with: none of its jobs is run again twice.
pub const BULK_RERUN_FOR: Duration = Duration::from_hours(30 * 24);
/// Marks outlive their request by more than a clock is set back.
const MARK: Duration = Duration::from_hours(31 * 24);

/// Run a job again from its start.
#[derive(Debug, Clone)]
pub struct Rerun {
    /// The job, whole (as [`tenon_store::Store::job`] gives it).
    pub job: JobRecord,
    /// The revision to run: its own or a newer one.
    pub revision: RevisionId,
    /// Edited input, JSON; `None`: the input it had.
    pub input: Option<Bytes>,
    /// Where it begins, if that is not the start.
    pub beginning: Option<Beginning>,
    /// Of one of many: the request, and what it asks for. Other work goes before it; and what has the same text here
    /// runs a job again once, however often it is asked for, for [`BULK_RERUN_FOR`].
    pub bulk: Option<Arc<str>>,
}

/// What a rerun begins with that does not begin at the start.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Its id, which the journal was made for.
    pub job: JobId,
    /// When it is captured, which the journal was made for, too.
    pub at: Timestamp,
    /// Outcomes of the job that it runs again.
    pub journal: Vec<Entry>,
}

// === impl Rerun ===

impl Rerun {
    /// From the start, on the revision that it had, with the input that it had.
    pub fn of(job: JobRecord) -> Self {
        Self { revision: job.revision, job, input: None, beginning: None, bulk: None }
    }

    pub(super) fn job(&self, planned: NewJob) -> NewJob {
        let input = self.input.clone().or_else(|| self.job.input.clone());
        let events_of = (!self.job.gathered.is_empty()).then_some(self.job.id);
        let journal = self.beginning.as_ref().map(|beginning| beginning.journal.clone()).unwrap_or_default();
        let (rerun_of, is_bulk) = (Some(self.job.id), self.bulk.is_some());
        NewJob { input, rerun_of, events_of, journal, is_bulk, ..planned }
    }
}

// === impl CaptureService ===

impl CaptureService {
    /// Starts the job's successor. `Ok`: durable. Only one of many may be a duplicate, of the same request.
    pub async fn rerun(&self, rerun: Rerun) -> Result<Accepted, Error> {
        let ports = self.ports();
        let job = &rerun.job;
        check_size(rerun.input.as_ref().map_or(0, Bytes::len), self.options().max_input_bytes)?;
        let deployed = ports.programs.get(job.workspace, rerun.revision).await?;
        if deployed.resource != job.workflow {
            return Err(Error::UnknownRevision);
        }
        if job.payloads_gone {
            // Its edited input would be missing, even where another job keeps the event.
            return Err(Error::PayloadGone);
        }
        let event = ports.store.event(job.workspace, job.event).await?.ok_or(Error::PayloadGone)?;
        let at = rerun.beginning.as_ref().map_or_else(|| ports.clock.now(), |beginning| beginning.at);
        let mark = rerun.bulk.as_ref().map(|bulk| DedupMark {
            scope: "rerun".to_owned(),
            key: bounded_key(Cow::Owned(format!("{}:{bulk}", job.id))).into_owned(),
            expires: at.after(MARK),
        });
        let draft = Draft {
            workspace: job.workspace,
            id: ports.ids.event(),
            origin: event.origin,
            source: format!("/jobs/{}", job.id),
            r#type: RERUN_TYPE.to_owned(),
            subject: event.subject,
            at,
            envelope: Envelope::new(event.envelope.ok_or(Error::PayloadGone)?),
            mark,
            delivery: None,
            generation: None,
        };
        let target = Target::Rerun { deployed, rerun: Box::new(rerun) };
        let (accepted, _) = self.commit(&draft, &target, Stay::Leave).await?;
        Ok(accepted)
    }
}
