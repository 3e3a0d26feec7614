//! Gathering: events that a workflow collects in sets, each of which starts one job.
//!
//! The store decides what needs no expressions: which set an event of `all` completes, and when the events of an
//! `until` have come. Where a condition decides, the caller looks at the set first
//! ([`open_set`](crate::Store::open_set)) and names the version that it has decided on.

use bytes::Bytes;

use crate::{EventId, NewJob, ResourceId, WorkspaceId};

/// What an event is to one workflow that starts jobs with several.
#[derive(Debug, Clone)]
pub struct Gather {
    /// Which of its strategies it is gathered for. Sets of another one are dropped.
    pub strategy: u64,
    /// What it is to a set.
    pub role: Role,
    /// The job that starts if a set is complete with it. Its workflow is whose sets they are.
    pub job: NewJob,
}

/// What an event is to a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// One of as many parts as a set has. It takes the first that is free, of the oldest set in which one is.
    Part {
        /// The parts that it can be.
        serves: Vec<Serves>,
        /// How many parts make a set complete.
        of: u32,
    },
    /// One of any number.
    Item {
        /// Of the set of this key.
        key: String,
        /// Where a condition says when the set is complete.
        decision: Option<Decision>,
    },
    /// Not part of a set, but what ends one. Ignored where there is no set.
    End {
        /// The parts of the end that it can be.
        serves: Vec<Serves>,
        /// How many parts complete the set.
        of: u32,
    },
}

/// A part that an event can be, in sets of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// From 0.
    pub part: u32,
    /// The values of the correlations as text, at most 1 KiB (longer ones are hashed by the caller).
    pub key: String,
}

/// What was decided on a set that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The set as it was; another one now: [`Captured::Stale`](crate::Captured::Stale).
    pub version: Option<SetVersion>,
    /// Whether it is complete with the event.
    pub is_complete: bool,
}

/// How a set stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetVersion {
    /// The set.
    pub set: u64,
    /// How many events are in it.
    pub events: u32,
}

/// Which set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetQuery {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub workflow: ResourceId,
    /// Gathered for this strategy.
    pub strategy: u64,
    /// Of this key.
    pub key: String,
}

/// The set that the next event of a key comes into.
#[derive(Debug, Clone, Default)]
pub struct OpenSet {
    /// `None`: there is none yet.
    pub version: Option<SetVersion>,
    /// The envelopes of its events, in order of capture; none if it is full: then it is dropped with the next event,
    /// which is the first of a new one.
    pub events: Vec<Bytes>,
    /// Which bounds it has.
    pub limits: GatherLimits,
}

/// An event that a job's input is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// The event.
    pub event: EventId,
    /// Its envelope, JSON.
    pub envelope: Bytes,
}

/// A set that was dropped because of a bound: its events start nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedSet {
    /// Whose.
    pub workflow: ResourceId,
    /// How many events were in it.
    pub events: u32,
}

/// How much is gathered at most. Beyond, a workflow's oldest set is dropped; a full set is, when one more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherLimits {
    /// Events in one set.
    pub set_events: u32,
    /// Bytes of envelopes in one set, from which on it is full.
    pub set_bytes: u64,
    /// Open sets of one workflow.
    pub sets: u64,
    /// Events in all open sets of one workflow.
    pub events: u64,
}

// === impl GatherLimits ===

impl GatherLimits {
    /// Whether a set of so many events and bytes takes no more.
    pub fn is_full(&self, events: u32, bytes: u64) -> bool {
        events >= self.set_events || bytes >= self.set_bytes
    }
}

impl Default for GatherLimits {
    fn default() -> Self {
        Self { set_events: 10_000, set_bytes: 32 << 20, sets: 100_000, events: 1_000_000 }
    }
}
