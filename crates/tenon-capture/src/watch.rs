//! Who waits for a job's end: synchronous callers, registered before the job can possibly end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tenon_store::{JobId, JobState};
use tokio::sync::oneshot;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// The job.
    pub job: JobId,
    /// Its final state.
    pub state: JobState,
    /// Output (completed) or error (faulted), JSON.
    pub result: Option<Bytes>,
}

/// Tells waiting callers when their job has ended. Cheap to clone. Not durable: whoever waits must also look
/// into the store where the job may have ended before the watch began.
#[derive(Debug, Clone)]
pub struct JobWatch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<Waiting>,
    /// Kept beside the map, so that a job nobody waits for ends without a lock.
    count: AtomicUsize,
    limit: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    next_number: u64,
    jobs: HashMap<JobId, Vec<(u64, oneshot::Sender<JobEnd>)>>,
}

/// More callers wait than the server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} callers already wait for jobs")]
pub struct TooManyWatches(pub usize);

/// One caller's wait. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    job: JobId,
    number: u64,
    end: oneshot::Receiver<JobEnd>,
    all: JobWatch,
}

// === impl JobWatch ===

impl JobWatch {
    /// At most `limit` callers at once.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { waiting: Mutex::default(), count: AtomicUsize::new(0), limit }))
    }

    /// Starts to wait. Register before the capture commits, so that no end is missed.
    pub fn register(&self, job: JobId) -> Result<Watch, TooManyWatches> {
        let (sender, end) = oneshot::channel();
        let mut waiting = self.0.waiting.lock().expect("no holder of this lock panics");
        let count = self.0.count.load(Ordering::Relaxed);
        if count >= self.0.limit {
            return Err(TooManyWatches(self.0.limit));
        }
        self.0.count.store(count + 1, Ordering::Release);
        let number = waiting.next_number;
        waiting.next_number += 1;
        waiting.jobs.entry(job).or_default().push((number, sender));
        Ok(Watch { job, number, end, all: self.clone() })
    }

    /// Whether somebody waits for this job. Costs one load when nobody waits for any.
    pub fn is_wanted(&self, job: JobId) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
            && self.0.waiting.lock().expect("no holder of this lock panics").jobs.contains_key(&job)
    }

    /// Tells all who wait for this job. Call it after the end is durable.
    pub fn finished(&self, end: JobEnd) {
        if self.0.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut waiting = self.0.waiting.lock().expect("no holder of this lock panics");
        let Some(watches) = waiting.jobs.remove(&end.job) else { return };
        self.0.count.fetch_sub(watches.len(), Ordering::Relaxed);
        drop(waiting);
        for (_, watch) in watches {
            // A caller that has just left needs no answer.
            let _ = watch.send(end.clone());
        }
    }

    /// How many callers wait.
    pub fn len(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remove(&self, job: JobId, number: u64) {
        let mut waiting = self.0.waiting.lock().expect("no holder of this lock panics");
        let Some(watches) = waiting.jobs.get_mut(&job) else { return };
        let before = watches.len();
        watches.retain(|(other, _)| *other != number);
        let removed = before - watches.len();
        if watches.is_empty() {
            waiting.jobs.remove(&job);
        }
        self.0.count.fetch_sub(removed, Ordering::Relaxed);
    }
}

// === impl Watch ===

impl Watch {
    /// The job that is watched.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Waits for the end. `None`: the server stops before the job ends. Cancel safe; bound it by a timeout.
    pub async fn end(&mut self) -> Option<JobEnd> {
        (&mut self.end).await.ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.all.remove(self.job, self.number);
    }
}
