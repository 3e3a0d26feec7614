//! Which values of events nobody is shown: those that the workflow of a job masks, in its own event and in those that
//! its `listen`s took, and those of the jobs that made these events (its parent, the job that it runs again, the one
//! that emitted, the one that a lifecycle event tells of).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, LazyLock};

use aho_corasick::AhoCorasick;
use serde_json::Value;
use tenon_capture::{Deployed, MASKED_BY};
use tenon_engine::Outcome;
use tenon_store::{EventRecord, JobId, JobRecord, Kind, MASK_KEY, RevisionId, WorkspaceId};
use tenon_workflow::Program;

use super::{History, HistoryError};
use crate::load;
use crate::mask::{InputOf, Mask, Masking};

/// How many jobs are looked at that values may come from.
const MOST_JOBS: usize = 256;
/// Of how many jobs the values are remembered while several things are shown together.
const MOST_KNOWN: usize = 10_000;
/// How an event names the job that made it, and the workflow that it calls.
const OF_JOB: &str = "/jobs/";
const OF_CALL: &str = "/run/";
/// What stands for all types where workflows subscribe.
const ANY_TYPE: &str = "*";

/// What is masked of things that are shown together, for one request: each job that values may come from is looked at
/// once.
pub struct Masks {
    history: History,
    known: HashMap<(WorkspaceId, Maker), Arc<Values>>,
}

/// What a job adds to the masks of what comes from it.
#[derive(Default)]
struct Values {
    masking: Masking,
    /// Where they may come from themselves.
    makers: Vec<Maker>,
}

// === impl Masks ===

impl Masks {
    /// What is masked of a job: in its input, output, error, journal and trace.
    pub async fn of_job(&mut self, job: &JobRecord) -> Result<Mask, HistoryError> {
        let (mut masking, mut trail) = (Masking::default(), Trail::default());
        self.history.add_job(&mut masking, job, &mut trail).await?;
        self.finish(job.workspace, masking, trail).await
    }

    /// What is masked of a job's ordering key, which is made before it listens for anything: its journal, which may be
    /// long, is not read.
    pub async fn of_key(&mut self, job: &JobRecord) -> Result<Mask, HistoryError> {
        let (mut masking, mut trail) = (Masking::default(), Trail::default());
        self.history.add_start(&mut masking, job, &mut trail).await?;
        self.finish(job.workspace, masking, trail).await
    }

    /// What is masked of an event, whatever its workflows are: those whose jobs it started, and those that want its
    /// type now or listen for it. The record must have its envelope.
    pub async fn of_event(
        &mut self,
        workspace: WorkspaceId,
        event: &EventRecord,
    ) -> Result<Mask, HistoryError> {
        let mut masking = Masking::default();
        self.history.add_wanted(&mut masking, workspace, event).await?;
        let mut trail = Trail::default();
        trail.add_record(event);
        self.finish(workspace, masking, trail).await
    }

    /// Adds the values of all jobs that may have made what is shown.
    async fn finish(
        &mut self,
        workspace: WorkspaceId,
        mut masking: Masking,
        mut trail: Trail,
    ) -> Result<Mask, HistoryError> {
        for _ in 0..MOST_JOBS {
            let Some(maker) = trail.left.pop_front() else { return Ok(masking.finish()) };
            let values = self.values(workspace, maker).await?;
            masking.merge(&values.masking);
            values.makers.iter().for_each(|maker| trail.add_maker(*maker));
        }
        if trail.left.iter().any(|maker| maker.masks) {
            masking.add_unknown();
        }
        Ok(masking.finish())
    }

    async fn values(&mut self, workspace: WorkspaceId, maker: Maker) -> Result<Arc<Values>, HistoryError> {
        if let Some(known) = self.known.get(&(workspace, maker)) {
            return Ok(Arc::clone(known));
        }
        let values = Arc::new(self.history.values(workspace, maker).await?);
        if self.known.len() < MOST_KNOWN {
            self.known.insert((workspace, maker), Arc::clone(&values));
        }
        Ok(values)
    }
}

// === impl History ===

impl History {
    /// What is masked of things that are shown together.
    pub fn masks(&self) -> Masks {
        Masks { history: self.clone(), known: HashMap::new() }
    }

    async fn add_wanted(
        &self,
        masking: &mut Masking,
        workspace: WorkspaceId,
        event: &EventRecord,
    ) -> Result<(), HistoryError> {
        let envelope = read(event.envelope.as_deref());
        let mut seen = HashSet::new();
        for job in &event.jobs {
            let Some(job) = self.store.job(workspace, *job).await? else { continue };
            if seen.insert(job.revision) {
                self.add_revision(masking, (workspace, job.revision), envelope.as_ref()).await;
            }
        }
        for revision in self.that_want(workspace, event).await? {
            if seen.insert(revision) {
                self.add_revision(masking, (workspace, revision), envelope.as_ref()).await;
            }
        }
        Ok(())
    }

    /// The newest revisions of the workflows that an event is for, or that may listen for it.
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
        let masks = keys.map(|r#type| format!("{MASK_KEY}{type}"));
        let keys = [keys, [masks[0].as_str(), masks[1].as_str()]].concat();
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

    /// The values of a job that made something.
    async fn values(&self, workspace: WorkspaceId, maker: Maker) -> Result<Values, HistoryError> {
        let (mut masking, mut trail) = (Masking::default(), Trail::default());
        match self.store.job(workspace, maker.job).await? {
            Some(job) if maker.masks || self.has_mask(&job).await => {
                self.add_job(&mut masking, &job, &mut trail).await?;
            }
            // Had it listened for what is masked before it made this, this would say so: its journal is not read.
            Some(job) => self.add_start(&mut masking, &job, &mut trail).await?,
            None if maker.masks => masking.add_unknown(),
            None => {}
        }
        Ok(Values { masking, makers: trail.left.into() })
    }

    /// Whether the job's own workflow masks something.
    async fn has_mask(&self, job: &JobRecord) -> bool {
        let deployed = self.programs.get(job.workspace, job.revision).await;
        deployed.is_ok_and(|deployed| !deployed.program.settings.mask.is_empty())
    }

    /// A job's own values; those that it comes from are left to be looked at.
    async fn add_job(
        &self,
        masking: &mut Masking,
        job: &JobRecord,
        trail: &mut Trail,
    ) -> Result<(), HistoryError> {
        self.add_start(masking, job, trail).await?;
        let Ok(deployed) = self.programs.get(job.workspace, job.revision).await else { return Ok(()) };
        for envelope in self.received(job, &deployed).await? {
            trail.add_named(envelope[MASKED_BY].as_str(), true);
            masking.add_event(&deployed.program.settings.mask, &envelope);
        }
        Ok(())
    }

    /// Those of what it began with.
    async fn add_start(
        &self,
        masking: &mut Masking,
        job: &JobRecord,
        trail: &mut Trail,
    ) -> Result<(), HistoryError> {
        let event = self.store.event(job.workspace, job.event).await?;
        if let Some(event) = &event {
            trail.add_record(event);
        }
        for gathered in self.store.gathered(job.workspace, job.id).await? {
            trail.add(&gathered.envelope);
        }
        // A program that cannot be loaded runs nothing and traces nothing.
        let Ok(deployed) = self.programs.get(job.workspace, job.revision).await else { return Ok(()) };
        if deployed.program.settings.mask.is_empty() {
            return Ok(());
        }
        self.add_own(masking, job, (&deployed.program, event.as_ref())).await
    }

    /// The events that a job's `listen`s took.
    async fn received(&self, job: &JobRecord, deployed: &Deployed) -> Result<Vec<Value>, HistoryError> {
        if !load::listens(&deployed.program) || job.payloads_gone {
            return Ok(Vec::new());
        }
        let journal = self.store.journal(job.workspace, job.id).await?;
        let received = journal.iter().filter_map(|entry| match Outcome::decode(&entry.outcome) {
            Ok(Outcome::Received { envelope, .. }) => Some(envelope),
            _ => None,
        });
        Ok(received.collect())
    }

    async fn add_own(
        &self,
        masking: &mut Masking,
        job: &JobRecord,
        (program, event): (&Program, Option<&EventRecord>),
    ) -> Result<(), HistoryError> {
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
            masking.add_event(&program.settings.mask, envelope);
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
}

/// Jobs that values may come from, and that were not looked at yet.
#[derive(Default)]
struct Trail {
    /// Those that surely mask something come first.
    left: VecDeque<Maker>,
    seen: HashSet<Maker>,
}

/// A job that made an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Maker {
    job: JobId,
    /// It had values that nobody is shown: where it is not kept any more, nobody knows which.
    masks: bool,
}

// === impl Trail ===

impl Trail {
    /// An event as it is stored. A rerun's is its first job's, but for who asked for it.
    fn add_record(&mut self, event: &EventRecord) {
        if let Some(envelope) = &event.envelope {
            self.add(envelope);
        }
        self.add_named(event.source.strip_prefix(OF_JOB), false);
    }

    /// Most envelopes say nothing of it, and may be large: only those that may are read.
    fn add(&mut self, envelope: &[u8]) {
        static NAME: LazyLock<AhoCorasick> =
            LazyLock::new(|| AhoCorasick::new([MASKED_BY]).expect("one short name"));
        let envelope = NAME.is_match(envelope).then(|| read(Some(envelope))).flatten();
        self.add_named(envelope.as_ref().and_then(|envelope| envelope[MASKED_BY].as_str()), true);
    }

    fn add_named(&mut self, job: Option<&str>, masks: bool) {
        if let Some(job) = job.and_then(|job| job.parse().ok()) {
            self.add_maker(Maker { job, masks });
        }
    }

    fn add_maker(&mut self, maker: Maker) {
        if self.seen.contains(&Maker { masks: true, ..maker }) || !self.seen.insert(maker) {
            return;
        }
        if maker.masks {
            self.left.push_front(maker);
        } else {
            self.left.push_back(maker);
        }
    }
}

fn read(envelope: Option<&[u8]>) -> Option<Value> {
    serde_json::from_slice(envelope?).ok()
}
