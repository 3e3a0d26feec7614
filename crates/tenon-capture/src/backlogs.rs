//! Which workspaces have so much work left that nothing new is taken from outside: the worker says so a few times a
//! second, whoever takes requests asks for each. While no workspace is refused, asking reads one flag.
//!
//! Only what comes from outside asks: webhooks, events, calls, pollers. What running jobs emit or start is never
//! refused: a job that waits for room that only its own end makes would wait for ever.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tenon_store::WorkspaceId;

use crate::Counter;

/// Shared by the worker and the gateway.
#[derive(Debug, Default)]
pub struct Backlogs {
    is_any_refused: AtomicBool,
    refused: RwLock<HashMap<WorkspaceId, Refused>>,
    /// Requests that were refused.
    pub refusals: Counter,
}

/// Why a workspace takes nothing new, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The bound that was reached.
    pub bound: BacklogBound,
    /// When to come again: what is too much, by how fast it is worked off; 1 to 60 s.
    pub retry_after: Duration,
}

/// A bound of what may be left to do, and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BacklogBound {
    /// Jobs that wait for their turn.
    Jobs {
        /// There are.
        used: u64,
        /// There may be.
        limit: u64,
    },
    /// Bytes of their events, estimated.
    Bytes {
        /// There are.
        used: u64,
        /// There may be.
        limit: u64,
    },
    /// How long the oldest waits that lacks nothing but its turn.
    Age {
        /// It does.
        used: Duration,
        /// It may.
        limit: Duration,
    },
}

// === impl Backlogs ===

impl Backlogs {
    /// Whether the workspace takes nothing new for now. Counts it as a refusal if so.
    pub fn refusal(&self, workspace: WorkspaceId) -> Option<Refused> {
        if !self.is_any_refused.load(Ordering::Relaxed) {
            return None;
        }
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner);
        let refused = refused.get(&workspace).copied();
        if refused.is_some() {
            self.refusals.increment();
        }
        refused
    }

    /// Replaces all that is refused.
    pub fn refuse(&self, refused: HashMap<WorkspaceId, Refused>) {
        let is_any = !refused.is_empty();
        if !is_any && !self.is_any_refused.load(Ordering::Relaxed) {
            return;
        }
        *self.refused.write().unwrap_or_else(PoisonError::into_inner) = refused;
        self.is_any_refused.store(is_any, Ordering::Relaxed);
    }

    /// How many workspaces are refused.
    pub fn workspaces(&self) -> usize {
        self.refused.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

// === impl BacklogBound ===

impl std::fmt::Display for BacklogBound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Jobs { used, limit } => {
                write!(formatter, "{used} jobs wait for their turn, more than {limit}")
            }
            Self::Bytes { used, limit } => {
                write!(formatter, "about {used} bytes of events wait for their turn, more than {limit}")
            }
            Self::Age { used, limit } => write!(
                formatter,
                "the oldest job has waited {} s for its turn, longer than {} s",
                used.as_secs(),
                limit.as_secs()
            ),
        }
    }
}
