//! An event in: marks, the event, its jobs.
//!
//! The marks come first, because they decide; after them nothing can be refused. B-tree touches of an event with a
//! mark and one job: mark, event, its list, job, its list, open jobs; retention is noted per batch. Where its type is
//! declared, the inbox comes to that; else an event costs one look into the writer's memory more. Workflows that
//! gather it (`gather.rs`) cost what their sets do; without one, nothing.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{
    Capture, Captured, DedupMark, DroppedSet, Duplicate, Error, EventId, Gather, GatherLimits, JobId,
    JobPayload, JobState, NewJob, OpenJob, WorkspaceId,
};
use tenon_vault::Sealer;

use super::{Command, Context, Need, write};
use crate::body;
use crate::codec::{Columns as _, origin_number, pack, rank_number, state_number, unpack};
use crate::failure::Failure;
use crate::gather::{self, Arriving};
use crate::inbox;
use crate::writer::Whose;
use crate::writer::effects::Expiring;

const MARK: &str = "INSERT INTO mark (hash, expires, event) VALUES (?1, ?2, ?3)
    ON CONFLICT (hash) DO UPDATE SET expires = excluded.expires, event = excluded.event WHERE mark.expires <= ?4";
const RENEW: &str = "UPDATE mark SET expires = ?2 WHERE hash = ?1 AND expires < ?2";
const MARKED: &str = "SELECT event FROM mark WHERE hash = ?1";
const LEAD: &str = "UPDATE mark SET event = ?2 WHERE hash = ?1";
const REPEATED: &str =
    "UPDATE event SET duplicates = duplicates + 1 WHERE id = ?1 AND workspace = ?2 RETURNING jobs";
const EVENT: &str =
    "INSERT INTO event (id, workspace, origin, captured_at, expires, duplicates, jobs, type, source,
    subject, envelope, place, unwanted) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const JOB: &str =
    "INSERT INTO job (id, workspace, workflow, state, revision, semantics, event, origin, shard, lane,
    place, priority, journal_length, captured_at, parent, rerun_of, input, gathering)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?18, ?13, ?14, ?15, ?16, ?17)";
/// Where its payloads are gone, those of its events are, too.
const GATHERING_OF: &str =
    "SELECT gathering FROM job WHERE id = ?1 AND workspace = ?2 AND payloads_gone IS NULL";

/// See `Store::capture`.
pub(crate) struct SealedCapture {
    capture: Capture,
    mark: Option<[u8; 16]>,
    delivery: Option<[u8; 16]>,
    envelope: Vec<u8>,
    jobs: Vec<SealedJob>,
    gathers: Vec<SealedGather>,
    limits: GatherLimits,
}

/// What becomes of a mark that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// It stays as it is.
    AreRefused,
    /// It lives on: whoever polls sees the same thing again and again.
    Renew,
}

struct SealedJob {
    mark: Option<[u8; 16]>,
    input: Option<Vec<u8>>,
    /// The outcomes of the journal that it begins with.
    outcomes: Vec<Vec<u8>>,
}

struct SealedGather {
    keys: Vec<gather::Key>,
    job: SealedJob,
}

/// What an event has led to.
#[derive(Default)]
struct Effect {
    started: Vec<JobId>,
    dropped: Vec<DroppedSet>,
}

// === impl SealedCapture ===

impl SealedCapture {
    /// Seals what is going to the disk; done in the caller's task.
    pub(crate) fn new(sealer: &Sealer, capture: Capture, limits: GatherLimits) -> Self {
        let workspace = capture.event.workspace;
        let place = body::envelope_place(workspace.0, capture.event.id.0);
        let envelope = sealer.seal(place, &capture.event.envelope);
        let hash = |mark: &DedupMark| hash(sealer, workspace, mark);
        let seal = |job: &NewJob| SealedJob {
            mark: job.mark.as_ref().map(hash),
            input: job.input.as_ref().map(|i| sealer.seal(body::input_place(workspace.0, job.id.0), i)),
            outcomes: write::sealed(sealer, (workspace.0, job.id.0), &job.journal),
        };
        let mark = capture.mark.as_ref().map(hash);
        let delivery = capture.delivery.as_ref().map(hash);
        let jobs = capture.jobs.iter().map(seal).collect();
        let gathers = capture.gathers.iter().map(|gather| {
            let keys = gather::texts(&gather.role).into_iter();
            let keys = keys.map(|key| gather::key(sealer, workspace, gather.job.workflow, key)).collect();
            SealedGather { keys, job: seal(&gather.job) }
        });
        let gathers = gathers.collect();
        Self { capture, mark, delivery, envelope, jobs, gathers, limits }
    }

    /// Whose.
    pub(super) fn workspace(&self) -> WorkspaceId {
        self.capture.event.workspace
    }

    /// Refuses what cannot be, and says if something changed since it was decided on; writes nothing.
    pub(super) fn check(&self, context: &Context<'_>) -> Result<Option<Captured>, Failure> {
        let generation = context.state.generation(self.workspace())?;
        if generation != self.capture.generation || !self.is_decided(context.connection)? {
            return Ok(Some(Captured::Stale { generation }));
        }
        for job in &self.capture.jobs {
            self.gathering_of(context.connection, job)?;
        }
        Ok(None)
    }

    /// Writes what was checked just now.
    pub(super) fn write(&self, context: &mut Context<'_>, repeats: Repeats) -> Result<Captured, Failure> {
        if let Some(first) = self.take_marks(context, repeats)? {
            return Ok(Captured::Duplicate(first));
        }
        let place = inbox::place(context, &self.capture.event);
        let mut effect = Effect { started: Vec::with_capacity(self.jobs.len()), dropped: Vec::new() };
        for (job, sealed) in self.capture.jobs.iter().zip(&self.jobs) {
            let gathering = self.gathering_of(context.connection, job)?;
            if self.start(context, (job, sealed), gathering)? {
                effect.started.push(job.id);
            }
        }
        self.gather(context, &mut effect)?;
        let Effect { started, dropped } = effect;
        self.insert_event(context, &started, place)?;
        Ok(Captured::New { jobs: started, dropped, is_wanted: self.is_wanted(place) })
    }

    /// The first event, if one of the marks is known.
    fn take_marks(&self, context: &mut Context<'_>, repeats: Repeats) -> rusqlite::Result<Option<Duplicate>> {
        if !self.take_mark(context, self.delivery, self.capture.delivery.as_ref())? {
            let hash = self.delivery.expect("only a mark that is there can be known");
            return self.duplicate(context.connection, hash).map(Some);
        }
        if self.take_mark(context, self.mark, self.capture.mark.as_ref())? {
            return Ok(None);
        }
        let hash = self.mark.expect("only a mark that is there can be known");
        if repeats == Repeats::Renew {
            self.renew_mark(context.connection, hash)?;
        }
        let first = self.duplicate(context.connection, hash)?;
        if let Some(delivery) = self.delivery {
            context.connection.prepare_cached(LEAD)?.execute((delivery, first.event.0 as i64))?;
        }
        Ok(Some(first))
    }

    /// Whether a mark was free and is taken now.
    fn take_mark(
        &self,
        context: &mut Context<'_>,
        hash: Option<[u8; 16]>,
        mark: Option<&DedupMark>,
    ) -> rusqlite::Result<bool> {
        let (Some(hash), Some(mark)) = (hash, mark) else { return Ok(true) };
        if cfg!(feature = "mutant-no-dedup") {
            return Ok(true);
        }
        let event = &self.capture.event;
        let columns = (hash, mark.expires.0, event.id.0 as i64, event.captured_at.0);
        let taken = context.connection.prepare_cached(MARK)?.execute(columns)? == 1;
        if taken {
            context.effects.expire(Expiring::Mark(hash), mark.expires);
        }
        Ok(taken)
    }

    /// The defect of that name; see the manifest.
    #[cfg(feature = "mutant-marks-apart")]
    pub(super) fn take_own_mark(&self, context: &mut Context<'_>) -> rusqlite::Result<bool> {
        self.take_mark(context, self.mark, self.capture.mark.as_ref())
    }

    /// Retention, which knows when it would have gone, asks the row.
    fn renew_mark(&self, connection: &Connection, hash: [u8; 16]) -> rusqlite::Result<()> {
        let Some(mark) = &self.capture.mark else { return Ok(()) };
        connection.prepare_cached(RENEW)?.execute((hash, mark.expires.0))?;
        Ok(())
    }

    fn duplicate(&self, connection: &Connection, hash: [u8; 16]) -> rusqlite::Result<Duplicate> {
        let event: EventId = connection.prepare_cached(MARKED)?.query_row([hash], |row| row.event_id(0))?;
        let jobs: Option<Vec<u8>> = connection
            .prepare_cached(REPEATED)?
            .query_row((event.0 as i64, self.workspace().0), |row| row.get(0))
            .optional()?;
        // Retention may have removed the event while its mark holds.
        Ok(Duplicate { event, jobs: jobs.map(|jobs| unpack(&jobs)).unwrap_or_default() })
    }

    fn insert_event(
        &self,
        context: &mut Context<'_>,
        jobs: &[JobId],
        place: Option<u64>,
    ) -> rusqlite::Result<()> {
        let event = &self.capture.event;
        let envelope = body::store(context.connection, &self.envelope)?;
        context.connection.prepare_cached(EVENT)?.execute((
            event.id.0 as i64,
            event.workspace.0,
            origin_number(event.origin),
            event.captured_at.0,
            event.expires.0,
            pack(jobs),
            &event.r#type,
            &event.source,
            &event.subject,
            envelope,
            place.map(|place| place as i64),
            (!self.is_wanted(place)).then_some(1),
        ))?;
        context.state.counters.events += 1;
        context.effects.expire(Expiring::Event(event.id), event.expires);
        match place {
            Some(place) => inbox::keep(context, event, place),
            None => Ok(()),
        }
    }

    /// Whether a workflow wants or gathers it, or a `listen` may take it from its place in the inbox.
    fn is_wanted(&self, place: Option<u64>) -> bool {
        place.is_some() || !self.capture.jobs.is_empty() || !self.capture.gathers.is_empty()
    }

    /// Unless its own mark suppresses it; `gathering` is the set that it was gathered from.
    fn start(
        &self,
        context: &mut Context<'_>,
        (job, sealed): (&NewJob, &SealedJob),
        gathering: Option<i64>,
    ) -> rusqlite::Result<bool> {
        if !self.take_mark(context, sealed.mark, job.mark.as_ref())? {
            return Ok(false);
        }
        let event = &self.capture.event;
        let place = context.state.counters.next_place();
        let state = if job.lane.is_some() { JobState::Pending } else { JobState::Suspended };
        let input = sealed.input.as_deref();
        let input: Option<Cow<'_, [u8]>> =
            input.map(|input| body::store(context.connection, input)).transpose()?;
        context.connection.prepare_cached(JOB)?.execute(rusqlite::params![
            job.id.0 as i64,
            event.workspace.0,
            job.workflow.0,
            state_number(state),
            job.revision.0,
            job.semantics,
            event.id.0 as i64,
            origin_number(event.origin),
            job.lane.as_ref().map(|lane| lane.shard.0),
            job.lane.as_ref().and_then(|lane| lane.key.as_deref()),
            place as i64,
            rank_number(job.priority, job.is_bulk),
            event.captured_at.0,
            job.parent.map(|id| id.0 as i64),
            job.rerun_of.map(|id| id.0 as i64),
            input,
            gathering,
            job.journal.len() as i64,
        ])?;
        if !job.journal.is_empty() {
            write::append(context.connection, job.id, (&job.journal, &sealed.outcomes))?;
        }
        context.state.counters.jobs += 1;
        context.state.counters.open_jobs += 1;
        let payload = gathering.is_none().then(|| JobPayload {
            envelope: event.envelope.clone(),
            input: job.input.clone(),
            gathered: Vec::new(),
        });
        context.effects.fed.extend(self.open_job(job, place, payload));
        Ok(true)
    }

    /// What the feed gets: everything a worker needs to start, so that it reads nothing, unless there are more
    /// events than this one. Jobs outside any lane have no shard that could be told.
    fn open_job(&self, job: &NewJob, place: u64, payload: Option<JobPayload>) -> Option<OpenJob> {
        let event = &self.capture.event;
        let lane = job.lane.as_ref()?;
        Some(OpenJob {
            id: job.id,
            workspace: event.workspace,
            workflow: job.workflow,
            revision: job.revision,
            semantics: job.semantics,
            event: event.id,
            shard: lane.shard,
            lane: lane.key.clone(),
            place,
            priority: job.priority,
            is_bulk: job.is_bulk,
            state: JobState::Pending,
            wake_at: None,
            captured_at: event.captured_at,
            started_at: None,
            origin: event.origin,
            parent: job.parent,
            looked_to: None,
            payload,
            journal_length: u32::try_from(job.journal.len()).unwrap_or(u32::MAX),
        })
    }

    fn arriving<'a>(&'a self, (gather, sealed): (&'a Gather, &'a SealedGather)) -> Arriving<'a> {
        Arriving { event: &self.capture.event, gather, keys: &sealed.keys, limits: &self.limits }
    }

    fn gathers(&self) -> impl Iterator<Item = (&Gather, &SealedGather)> {
        self.capture.gathers.iter().zip(&self.gathers)
    }

    /// Whether all sets that were decided on are as they were.
    fn is_decided(&self, connection: &Connection) -> rusqlite::Result<bool> {
        for pair in self.gathers() {
            if !gather::is_current(connection, &self.arriving(pair))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The set of the job whose events this one has, too.
    fn gathering_of(&self, connection: &Connection, job: &NewJob) -> Result<Option<i64>, Failure> {
        let Some(other) = job.events_of else { return Ok(None) };
        let found: Option<Option<i64>> = connection
            .prepare_cached(GATHERING_OF)?
            .query_row((other.0 as i64, self.workspace().0), |row| row.get(0))
            .optional()?;
        found.flatten().map(Some).ok_or_else(|| Error::NotFound("job").into())
    }

    /// Into the sets of the workflows that gather it; jobs of those that are complete now.
    fn gather(&self, context: &mut Context<'_>, effect: &mut Effect) -> rusqlite::Result<()> {
        for (gather, sealed) in self.gathers() {
            let kept = gather::keep(context, &self.arriving((gather, sealed)))?;
            effect.dropped.extend(kept.dropped);
            let Some(set) = kept.complete else { continue };
            if self.start(context, (&gather.job, &sealed.job), Some(set))? {
                effect.started.push(gather.job.id);
            } else {
                context.effects.expire(Expiring::Gathering(set), self.capture.event.captured_at);
            }
        }
        Ok(())
    }
}

impl Command for SealedCapture {
    type Output = Captured;

    fn size(&self) -> usize {
        let jobs = self.jobs.iter().map(|job| {
            let outcomes: usize = job.outcomes.iter().map(|outcome| 128 + 2 * outcome.len()).sum();
            256 + 2 * job.input.as_ref().map_or(0, Vec::len) + outcomes
        });
        let gathers = self.gathers.iter().map(|gather| 512 + 128 * gather.keys.len());
        512 + 2 * self.envelope.len() + jobs.sum::<usize>() + gathers.sum::<usize>()
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn workspace(&self) -> Whose {
        Some(self.capture.event.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Captured, Failure> {
        match self.check(context)? {
            Some(stale) => Ok(stale),
            None => self.write(context, Repeats::AreRefused),
        }
    }
}

fn hash(sealer: &Sealer, workspace: WorkspaceId, mark: &DedupMark) -> [u8; 16] {
    sealer.fingerprint(&[&workspace.0.to_be_bytes(), mark.scope.as_bytes(), mark.key.as_bytes()])
}
