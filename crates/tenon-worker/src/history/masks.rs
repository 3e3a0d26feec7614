//! Which values of events nobody is shown: those that the workflow of a job masks, and those of the jobs that its
//! event came from (its parent, the job that it runs again, the job that a lifecycle event tells of).

use std::collections::HashSet;

use serde_json::Value;
use tenon_store::{EventRecord, JobId, JobRecord, Kind, RevisionId, WorkspaceId};
use tenon_workflow::Program;

use super::{History, HistoryError};
use crate::mask::{InputOf, Mask, Masking};

/// How many jobs back values are followed.
const GENERATIONS: usize = 8;
/// How an event names the job that made it, and the workflow that it calls.
const OF_JOB: &str = "/jobs/";
const OF_CALL: &str = "/run/";
/// What stands for all types where workflows subscribe.
const ANY_TYPE: &str = "*";

impl History {
    /// What is masked of a job: in its input, output, error, journal and trace.
    pub async fn mask(&self, job: &JobRecord) -> Result<Mask, HistoryError> {
        let mut masking = Masking::default();
        self.add_job(&mut masking, job.clone()).await?;
        Ok(masking.finish())
    }

    /// What is masked of an event, whatever its workflows are: those whose jobs it started, and those that want its
    /// type now. The record must have its envelope.
    pub async fn event_mask(
        &self,
        workspace: WorkspaceId,
        event: &EventRecord,
    ) -> Result<Mask, HistoryError> {
        let mut masking = Masking::default();
        let envelope = read(event.envelope.as_deref());
        let mut seen = HashSet::new();
        for job in &event.jobs {
            let Some(job) = self.store.job(workspace, *job).await? else { continue };
            if seen.insert(job.revision) {
                self.add_revision(&mut masking, (workspace, job.revision), envelope.as_ref()).await;
            }
        }
        for revision in self.that_want(workspace, event).await? {
            if seen.insert(revision) {
                self.add_revision(&mut masking, (workspace, revision), envelope.as_ref()).await;
            }
        }
        if let Some(maker) = self.maker(workspace, event).await? {
            self.add_job(&mut masking, maker).await?;
        }
        Ok(masking.finish())
    }

    /// The newest revisions of the workflows that an event is for.
    async fn that_want(
        &self,
        workspace: WorkspaceId,
        event: &EventRecord,
    ) -> Result<Vec<RevisionId>, HistoryError> {
        if let Some(name) = event.source.strip_prefix(OF_CALL) {
            let called = self.store.resource(workspace, Kind::Workflow, name).await?;
            return Ok(called.into_iter().map(|resource| resource.revision.id).collect());
        }
        let keys = [event.r#type.as_str(), ANY_TYPE];
        let (found, _) = self.store.resources_by_key(workspace, Kind::Workflow, &keys).await?;
        Ok(found.into_iter().map(|resource| resource.revision.id).collect())
    }

    async fn add_revision(
        &self,
        masking: &mut Masking,
        (workspace, revision): (WorkspaceId, RevisionId),
        envelope: Option<&Value>,
    ) {
        // One that cannot be loaded any more masks nothing that it could have been shown in.
        let Ok(deployed) = self.programs.get(workspace, revision).await else { return };
        let pointers = &deployed.program.settings.mask;
        match envelope {
            Some(envelope) => masking.add_event(pointers, envelope),
            None if pointers.is_empty() => {}
            None => masking.add_unknown(),
        }
    }

    /// A job's own values, and those of the jobs that it comes from.
    async fn add_job(&self, masking: &mut Masking, job: JobRecord) -> Result<(), HistoryError> {
        let mut next = Some(job);
        for _ in 0..GENERATIONS {
            let Some(job) = next.take() else { return Ok(()) };
            let event = self.store.event(job.workspace, job.event).await?;
            self.add_own(masking, &job, event.as_ref()).await?;
            next = match event {
                Some(event) => self.maker(job.workspace, &event).await?,
                None => None,
            };
        }
        Ok(())
    }

    async fn add_own(
        &self,
        masking: &mut Masking,
        job: &JobRecord,
        event: Option<&EventRecord>,
    ) -> Result<(), HistoryError> {
        // A program that cannot be loaded runs nothing and traces nothing.
        let Ok(deployed) = self.programs.get(job.workspace, job.revision).await else { return Ok(()) };
        let program = &deployed.program;
        let pointers = &program.settings.mask;
        if pointers.is_empty() {
            return Ok(());
        }
        // Lists give jobs without their input and their gathered events.
        let whole = self.store.job(job.workspace, job.id).await?;
        let job = whole.as_ref().unwrap_or(job);
        let Some(own) = read(event.and_then(|event| event.envelope.as_deref())) else {
            masking.add_unknown();
            return Ok(());
        };
        let mut envelopes = vec![own];
        match self.gathered(job).await {
            Ok(gathered) => envelopes.extend(gathered.iter().filter_map(|envelope| read(Some(envelope)))),
            Err(HistoryError::PayloadGone) => masking.add_unknown(),
            Err(error) => return Err(error),
        }
        for envelope in &envelopes {
            masking.add_event(pointers, envelope);
        }
        self.add_input(masking, job, program).await
    }

    async fn add_input(
        &self,
        masking: &mut Masking,
        job: &JobRecord,
        program: &Program,
    ) -> Result<(), HistoryError> {
        let read = program.subscription.as_ref().map(|subscription| subscription.read).unwrap_or_default();
        match self.input(job).await {
            Ok(input) => {
                let of = InputOf { origin: job.origin, read };
                masking.add_input(&program.settings.mask, &input, of);
                Ok(())
            }
            Err(HistoryError::Store(error)) => Err(error.into()),
            Err(_) => {
                masking.add_unknown();
                Ok(())
            }
        }
    }

    /// The job that made an event.
    async fn maker(
        &self,
        workspace: WorkspaceId,
        event: &EventRecord,
    ) -> Result<Option<JobRecord>, HistoryError> {
        let id = event.source.strip_prefix(OF_JOB).and_then(|id| id.parse::<JobId>().ok());
        match id {
            Some(id) => Ok(self.store.job(workspace, id).await?),
            None => Ok(None),
        }
    }
}

fn read(envelope: Option<&[u8]>) -> Option<Value> {
    serde_json::from_slice(envelope?).ok()
}
