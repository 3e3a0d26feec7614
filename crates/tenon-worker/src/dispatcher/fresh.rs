//! Payloads of jobs that have not started yet, so that a fresh job starts without reading the store. A workspace keeps
//! one more only while it holds less than `SHARE` times what is free, as with places and permits: beside a flood whose
//! backlog fills the memory, somebody quiet would else read the store for each job, which takes milliseconds there.

use std::collections::HashMap;

use tenon_engine::scheduler::SHARE;
use tenon_store::{OpenJob, WorkspaceId};

/// Up to a number of bytes.
pub(super) struct Fresh {
    jobs: HashMap<u64, OpenJob>,
    bytes: usize,
    /// Of each that has some.
    by_workspace: HashMap<WorkspaceId, usize>,
    limit: usize,
}

// === impl Fresh ===

impl Fresh {
    pub(super) fn new(limit: usize) -> Self {
        Self { jobs: HashMap::new(), bytes: 0, by_workspace: HashMap::new(), limit }
    }

    pub(super) fn keep(&mut self, job: OpenJob) {
        let size = size(&job);
        let free = self.limit.saturating_sub(self.bytes);
        if job.payload.is_none() || size > free {
            return;
        }
        let of_one = self.by_workspace.entry(job.workspace).or_default();
        if *of_one < SHARE * free {
            *of_one += size;
            self.bytes += size;
            self.jobs.insert(job.id.0, job);
        }
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn take(&mut self, job: u64) -> Option<OpenJob> {
        let job = self.jobs.remove(&job)?;
        let size = size(&job);
        self.bytes -= size;
        if let Some(of_one) = self.by_workspace.get_mut(&job.workspace) {
            *of_one -= size;
            if *of_one == 0 {
                self.by_workspace.remove(&job.workspace);
            }
        }
        Some(job)
    }
}

fn size(job: &OpenJob) -> usize {
    let payload = job.payload.as_ref();
    256 + payload.map_or(0, |p| p.envelope.len() + p.input.as_ref().map_or(0, bytes::Bytes::len))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tenon_store::{
        EventId, JobId, JobPayload, JobState, Origin, ResourceId, RevisionId, Shard, Timestamp,
    };

    use super::*;

    const LOUD: i64 = 1;
    const QUIET: i64 = 2;
    /// Of each job here.
    const SIZE: usize = 1_000;
    const LIMIT: usize = 90 * SIZE;

    fn job(id: u64, workspace: i64) -> OpenJob {
        let envelope = Bytes::from(vec![b' '; SIZE - 256]);
        OpenJob {
            id: JobId(id),
            workspace: WorkspaceId(workspace),
            workflow: ResourceId(1),
            revision: RevisionId(1),
            semantics: 1,
            event: EventId(id),
            shard: Shard(0),
            lane: None,
            place: id,
            priority: 5,
            is_bulk: false,
            state: JobState::Pending,
            wake_at: None,
            captured_at: Timestamp(0),
            started_at: None,
            origin: Origin::Event,
            parent: None,
            looked_to: None,
            payload: Some(JobPayload { envelope, input: None, gathered: Vec::new() }),
            journal_length: 0,
        }
    }

    fn keep(fresh: &mut Fresh, workspace: i64, ids: std::ops::Range<u64>) {
        ids.for_each(|id| fresh.keep(job(id, workspace)));
    }

    #[test]
    fn a_flood_leaves_room_for_others() {
        let mut fresh = Fresh::new(LIMIT);
        keep(&mut fresh, LOUD, 0..1_000);
        assert_eq!(fresh.bytes(), 80 * SIZE, "eight of nine parts");
        keep(&mut fresh, QUIET, 1_000..1_004);
        assert!((1_000..1_004).all(|id| fresh.take(id).is_some()));
        keep(&mut fresh, LOUD, 2_000..2_100);
        assert_eq!(fresh.bytes(), 80 * SIZE, "what came back is free for others");
    }

    #[test]
    fn nothing_is_left_of_what_was_taken() {
        let mut fresh = Fresh::new(LIMIT);
        keep(&mut fresh, LOUD, 0..10);
        keep(&mut fresh, QUIET, 10..20);
        assert_eq!((0..25).filter_map(|id| fresh.take(id)).count(), 20);
        assert_eq!((fresh.bytes(), fresh.jobs.len(), fresh.by_workspace.len()), (0, 0, 0));
    }

    #[test]
    fn what_does_not_fit_or_has_no_payload_is_read_from_the_store() {
        let mut fresh = Fresh::new(SIZE - 1);
        keep(&mut fresh, LOUD, 0..1);
        fresh.keep(OpenJob { payload: None, ..job(1, LOUD) });
        assert!((0..2).all(|id| fresh.take(id).is_none()) && fresh.by_workspace.is_empty());
    }
}
