//! How far the work of each workspace is behind, and which of them take nothing new for now. Looked at a few times a
//! second, from what the scheduler holds; no query, and nothing per request.
//!
//! What counts is work that could be done and is not: jobs that only wait for their turn. Those that wait for a
//! moment, an event or a person are no backlog, however many they are. Bytes are an estimate: jobs times the size of
//! the workspace's recent events. Jobs that are left in the store count as the scheduler has seen them come by.

use std::collections::HashMap;
use std::time::Duration;

use tenon_capture::{BacklogBound, Refused};
use tenon_engine::Timestamp;
use tenon_engine::scheduler::{Backlog, Scheduler};
use tenon_store::{OpenJob, WorkspaceId};

use crate::BacklogBounds;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Of a bound, what must be left for a refused workspace to be taken again: so that it does not flutter.
const AGAIN_AT: f64 = 0.9;
/// How fast rates and sizes follow what is measured.
const WEIGHT: f64 = 1.0 / 8.0;
const RETRY_AFTER: (f64, f64) = (1.0, 60.0);

/// Sees backlogs grow and shrink.
pub(super) struct Watcher {
    bounds: BacklogBounds,
    looked: Timestamp,
    workspaces: HashMap<i64, Seen>,
    is_refusing: bool,
}

/// What is known of a workspace.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    starts: u64,
    per_second: f64,
    bytes_per_job: f64,
    is_refused: bool,
}

/// The backlog of one workspace, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct BacklogUse {
    /// Which.
    pub workspace: WorkspaceId,
    /// Jobs that wait for their turn.
    pub jobs: u64,
    /// Bytes of their events, estimated.
    pub bytes: u64,
    /// How long the oldest waits that lacks nothing but its turn.
    pub oldest: Duration,
    /// Starts a second, lately.
    pub per_second: f64,
    /// Whether nothing new is taken.
    pub refused: Option<Refused>,
}

// === impl Watcher ===

impl Watcher {
    pub(super) fn new(bounds: BacklogBounds) -> Self {
        Self { bounds, looked: Timestamp(0), workspaces: HashMap::new(), is_refusing: false }
    }

    /// A new job came with its event.
    pub(super) fn captured(&mut self, job: &OpenJob) {
        let Some(payload) = &job.payload else { return };
        let size = payload.envelope.len() as f64;
        let seen = self.workspaces.entry(job.workspace.0).or_default();
        let known = if seen.bytes_per_job > 0.0 { seen.bytes_per_job } else { size };
        seen.bytes_per_job = known + (size - known) * WEIGHT;
    }

    /// When to look again if nothing happens before: while work waits, its age goes on; and who is refused is told
    /// when it is over.
    pub(super) fn next_look(&self, scheduler: &Scheduler) -> Option<tokio::time::Instant> {
        let is_needed = self.is_refusing || scheduler.backlog() > 0;
        is_needed.then(|| tokio::time::Instant::now() + LOOK_EVERY)
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.looked.after(LOOK_EVERY)
    }

    /// Which workspaces take nothing new.
    pub(super) fn look(&mut self, scheduler: &Scheduler, now: Timestamp) -> HashMap<WorkspaceId, Refused> {
        let seconds = now.0.saturating_sub(self.looked.0) as f64 / 1e6;
        self.looked = now;
        let backlogs: Vec<Backlog> = scheduler.backlogs(now).collect();
        let mut refused = HashMap::new();
        for backlog in &backlogs {
            let seen = self.workspaces.entry(backlog.workspace).or_default();
            // Fewer than before: the scheduler had forgotten the workspace.
            let started = backlog.starts.checked_sub(seen.starts).unwrap_or(backlog.starts);
            let measured = started as f64 / seconds.max(0.001);
            seen.per_second += (measured - seen.per_second) * WEIGHT;
            seen.starts = backlog.starts;
            if let Some(found) = self.judge(backlog) {
                refused.insert(WorkspaceId(backlog.workspace), found);
            }
        }
        for (id, seen) in &mut self.workspaces {
            seen.is_refused = refused.contains_key(&WorkspaceId(*id));
        }
        self.is_refusing = !refused.is_empty();
        // Of those without jobs only the size of their events is worth remembering, and not for ever.
        if self.workspaces.len() > 2 * backlogs.len() + 1_000 {
            let ids: std::collections::HashSet<i64> =
                backlogs.iter().map(|backlog| backlog.workspace).collect();
            self.workspaces.retain(|id, _| ids.contains(id));
        }
        refused
    }

    /// All backlogs, for people.
    pub(super) fn uses(&self, scheduler: &Scheduler, now: Timestamp) -> Vec<BacklogUse> {
        let one = |backlog: Backlog| BacklogUse {
            workspace: WorkspaceId(backlog.workspace),
            jobs: jobs(&backlog),
            bytes: self.bytes(&backlog),
            oldest: Duration::from_micros(backlog.oldest_us),
            per_second: self.seen(backlog.workspace).per_second,
            refused: self.judge(&backlog),
        };
        scheduler.backlogs(now).map(one).collect()
    }

    fn judge(&self, backlog: &Backlog) -> Option<Refused> {
        let seen = self.seen(backlog.workspace);
        let (jobs, bytes) = (jobs(backlog), self.bytes(backlog));
        let oldest = Duration::from_micros(backlog.oldest_us);
        let share = if seen.is_refused { AGAIN_AT } else { 1.0 };
        let bounds = &self.bounds;
        let most = |limit: u64| limit as f64 * share;
        let (bound, too_many) = if jobs as f64 > most(bounds.jobs) {
            let left = jobs as f64 - bounds.jobs as f64 * AGAIN_AT;
            (BacklogBound::Jobs { used: jobs, limit: bounds.jobs }, left)
        } else if bytes as f64 > most(bounds.bytes) {
            let left = bytes as f64 - bounds.bytes as f64 * AGAIN_AT;
            (BacklogBound::Bytes { used: bytes, limit: bounds.bytes }, left / seen.bytes_per_job.max(1.0))
        } else if oldest > bounds.age.mul_f64(share) {
            (BacklogBound::Age { used: oldest, limit: bounds.age }, jobs as f64)
        } else {
            return None;
        };
        let seconds = (too_many / seen.per_second.max(0.01)).ceil().clamp(RETRY_AFTER.0, RETRY_AFTER.1);
        Some(Refused { bound, retry_after: Duration::from_secs_f64(seconds) })
    }

    fn bytes(&self, backlog: &Backlog) -> u64 {
        (jobs(backlog) as f64 * self.seen(backlog.workspace).bytes_per_job) as u64
    }

    fn seen(&self, workspace: i64) -> Seen {
        self.workspaces.get(&workspace).copied().unwrap_or_default()
    }
}

fn jobs(backlog: &Backlog) -> u64 {
    u64::from(backlog.ready) + backlog.left
}
