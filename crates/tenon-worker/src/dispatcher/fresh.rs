//! Payloads of jobs that have not started yet, so that a fresh job starts without reading the store.

use std::collections::HashMap;

use tenon_store::OpenJob;

/// Up to a number of bytes.
pub(super) struct Fresh {
    jobs: HashMap<u64, OpenJob>,
    bytes: usize,
    limit: usize,
}

// === impl Fresh ===

impl Fresh {
    pub(super) fn new(limit: usize) -> Self {
        Self { jobs: HashMap::new(), bytes: 0, limit }
    }

    pub(super) fn keep(&mut self, job: OpenJob) {
        let size = size(&job);
        if job.payload.is_some() && self.bytes + size <= self.limit {
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
        self.bytes -= size(&job);
        Some(job)
    }
}

fn size(job: &OpenJob) -> usize {
    let payload = job.payload.as_ref();
    256 + payload.map_or(0, |p| p.envelope.len() + p.input.as_ref().map_or(0, bytes::Bytes::len))
}
