//! What a batch does besides its commands' own rows: known within the transaction, done at its end or after.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use tenon_store::{EventId, JobId, OpenJob, Timestamp, WorkspaceId, WorkspaceSettings};
use tenon_vault::{Sealer, Vault};

use super::state::State;
use crate::workspaces::Workspace;

/// Things that expire within the same minute share a row; none is removed more than that too late.
const GRAIN_MICROS: i64 = 60_000_000;

/// Kinds of rows of `expiry`.
pub(crate) const EVENT: i64 = 0;
pub(crate) const JOB: i64 = 1;
pub(crate) const MARK: i64 = 2;
const JOURNAL: i64 = 3;
const GATHERING: i64 = 4;
const GATHERER: i64 = 5;
pub(crate) const PAYLOADS: i64 = 6;
const ENVELOPE: i64 = 7;
const PURGED_EVENT: i64 = 8;
const PURGED_GATHERING: i64 = 9;

const INSERT: &str = "INSERT INTO expiry (moment, sequence, kind, items) VALUES (?1, ?2, ?3, ?4)";

/// Something that retention has to look at one day.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expiring {
    /// An event.
    Event(EventId),
    /// A final job.
    Job(JobId),
    /// A dedup mark.
    Mark([u8; 16]),
    /// What is left of the journal of a job that is gone.
    Journal(JobId),
    /// A set of gathered events that nobody needs.
    Gathering(i64),
    /// The open sets of a workflow that gathers no more, or others.
    Gatherer(i64),
    /// The payloads of a final job that stays.
    Payloads(JobId),
    /// The envelope of an event that stays, because its jobs have no payloads any more.
    Envelope(EventId),
    /// An event of a job that was purged.
    PurgedEvent(EventId),
    /// A set of gathered events whose job was purged.
    PurgedGathering(i64),
}

// === impl Expiring ===

impl Expiring {
    fn kind(self) -> i64 {
        match self {
            Self::Event(_) => EVENT,
            Self::Job(_) => JOB,
            Self::Mark(_) => MARK,
            Self::Journal(_) => JOURNAL,
            Self::Gathering(_) => GATHERING,
            Self::Gatherer(_) => GATHERER,
            Self::Payloads(_) => PAYLOADS,
            Self::Envelope(_) => ENVELOPE,
            Self::PurgedEvent(_) => PURGED_EVENT,
            Self::PurgedGathering(_) => PURGED_GATHERING,
        }
    }

    fn append_to(self, items: &mut Vec<u8>) {
        match self {
            Self::Event(EventId(id))
            | Self::Envelope(EventId(id))
            | Self::PurgedEvent(EventId(id))
            | Self::Job(JobId(id))
            | Self::Journal(JobId(id))
            | Self::Payloads(JobId(id)) => items.extend_from_slice(&id.to_be_bytes()),
            Self::Gathering(id) | Self::Gatherer(id) | Self::PurgedGathering(id) => {
                items.extend_from_slice(&id.to_be_bytes());
            }
            Self::Mark(hash) => items.extend_from_slice(&hash),
        }
    }

    /// The first of a row's items, and the rest.
    pub(crate) fn parse(kind: i64, items: &[u8]) -> Option<(Self, &[u8])> {
        if kind == MARK {
            let (hash, rest) = items.split_first_chunk::<16>()?;
            return Some((Self::Mark(*hash), rest));
        }
        let (id, rest) = items.split_first_chunk::<8>()?;
        let id = u64::from_be_bytes(*id);
        let item = match kind {
            EVENT => Self::Event(EventId(id)),
            JOB => Self::Job(JobId(id)),
            GATHERING => Self::Gathering(id as i64),
            GATHERER => Self::Gatherer(id as i64),
            PAYLOADS => Self::Payloads(JobId(id)),
            ENVELOPE => Self::Envelope(EventId(id)),
            PURGED_EVENT => Self::PurgedEvent(EventId(id)),
            PURGED_GATHERING => Self::PurgedGathering(id as i64),
            _ => Self::Journal(JobId(id)),
        };
        Some((item, rest))
    }
}

/// Collected while a batch is applied; thrown away if it is rolled back.
#[derive(Default)]
pub(crate) struct Effects {
    /// Jobs for the feed, in order of their places.
    pub(crate) fed: Vec<OpenJob>,
    /// Workspaces that exist after the commit.
    pub(crate) created: Vec<(WorkspaceId, String, Arc<Workspace>)>,
    /// Workspaces whose generation went up.
    pub(crate) raised: Vec<WorkspaceId>,
    /// New generations of workspaces' variables.
    pub(crate) variables: Vec<(WorkspaceId, u64)>,
    /// What workspaces say for themselves from now on.
    pub(crate) settings: Vec<(WorkspaceId, WorkspaceSettings)>,
    /// Sealers with a new data key.
    pub(crate) sealers: Vec<(WorkspaceId, Arc<Sealer>)>,
    /// Holder of the master key that is the one of the data now.
    pub(crate) vault: Option<Arc<dyn Vault>>,
    expiring: BTreeMap<(i64, i64), (i64, Vec<u8>)>,
}

// === impl Effects ===

impl Effects {
    /// Has retention look at something once its time has come.
    pub(crate) fn expire(&mut self, item: Expiring, at: Timestamp) {
        let slot = self.expiring.entry((item.kind(), at.0.div_euclid(GRAIN_MICROS))).or_default();
        slot.0 = if slot.1.is_empty() { at.0 } else { slot.0.max(at.0) };
        item.append_to(&mut slot.1);
    }

    /// Takes over what a part of the batch did that is there to stay. Parts capture, no more: what else there is
    /// never comes from one.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.fed.extend(part.fed);
        for ((kind, minute), (moment, items)) in part.expiring {
            let slot = self.expiring.entry((kind, minute)).or_default();
            slot.0 = if slot.1.is_empty() { moment } else { slot.0.max(moment) };
            slot.1.extend(items);
        }
    }

    /// Whether something is left for the next piece of retention.
    pub(crate) fn has_due(&self, now: Timestamp) -> bool {
        self.expiring.values().any(|(moment, _)| *moment <= now.0)
    }

    /// Writes what retention needs, at the end of the batch's transaction.
    pub(crate) fn write_expiries(&self, connection: &Connection, state: &mut State) -> rusqlite::Result<()> {
        if self.expiring.is_empty() {
            return Ok(());
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        for ((kind, _), (moment, items)) in &self.expiring {
            state.counters.expiry += 1;
            insert.execute((moment, state.counters.expiry, kind, items))?;
        }
        Ok(())
    }
}
