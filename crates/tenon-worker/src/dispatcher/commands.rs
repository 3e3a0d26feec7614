//! What the scheduler commands: jobs that start and end, and looks into the store. Each is a task of its own that
//! tells the dispatcher what came of it.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tenon_capture::Programs;
use tenon_engine::scheduler::{Command, HORIZON_US};
use tenon_store::{JobId, OpenJob, OpenPage, WorkspaceId};
use tokio::sync::oneshot;

use super::{Dispatcher, LOST_PAUSE, Notice, Refill, recall};
use crate::leaving::{self, Left};
use crate::run;

/// Jobs of a shard that one look for timers reads, the nearest first; more than the scheduler holds.
const LOOK_LIMIT: usize = 1_000_000;

// === impl Dispatcher ===

impl Dispatcher {
    pub(super) fn carry_out(&mut self) {
        for command in std::mem::take(&mut self.commands) {
            match command {
                Command::Start { shard, job } => self.start(shard, job),
                Command::Cancel { job } => self.cancel(job),
                Command::Forget { job } => {
                    self.fresh.take(job);
                }
                Command::Refill { shard, workspace, after, limit } => {
                    self.refill(Refill { shard, workspace, after, limit });
                }
                Command::SetAlarm(at) => self.alarm = Some(at),
            }
        }
    }

    fn start(&mut self, shard: u16, job: u64) {
        let fresh = self.fresh.take(job);
        // One that is being ended is not worked on meanwhile, though what it waits for may have come: a child of
        // its that was ended first. Its permit comes back when it has ended.
        let is_ending = matches!(self.running.get(&job), Some(None));
        if is_ending {
            self.crossed.insert(job, self.context.openings.opened());
        }
        if self.is_draining || is_ending {
            return;
        }
        let (cancel, cancelled) = oneshot::channel();
        self.running.insert(job, Some(cancel));
        self.context.capture.ports().metrics.jobs_running.add(1);
        let fence = self.fences[usize::from(shard)];
        let task = run::Task { fence, job: JobId(job), fresh, cancel: cancelled };
        let (context, notices) = (self.context.clone(), self.context.notices.clone());
        self.tasks.spawn(async move {
            let running = AssertUnwindSafe(run::run(context.clone(), task)).catch_unwind();
            let (left, used) = if let Ok(left) = running.await {
                left
            } else {
                let suspending = leaving::suspend_panicked(&context, fence, JobId(job));
                (Box::pin(suspending).await, Duration::ZERO)
            };
            // A dispatcher that has stopped needs no notice.
            let _ = notices.send(Notice::Left(JobId(job), left, used)).await;
        });
    }

    fn cancel(&mut self, job: u64) {
        self.fresh.take(job);
        if let Some(is_cancelled) = self.mending.get_mut(&job) {
            *is_cancelled = true;
            return;
        }
        if let Some(cancel) = self.running.get_mut(&job) {
            if let Some(cancel) = cancel.take() {
                // A task that is just leaving ends the job its own way.
                let _ = cancel.send(());
            }
            return;
        }
        self.cancel_idle(job, Duration::ZERO);
    }

    /// Ends a job that nobody works on, after a pause.
    pub(super) fn cancel_idle(&mut self, job: u64, pause: Duration) {
        self.running.insert(job, None);
        self.context.capture.ports().metrics.jobs_running.add(1);
        let (context, notices, fences) =
            (self.context.clone(), self.context.notices.clone(), Arc::clone(&self.fences));
        // It may wait for its children, or for a store that fails, as long as that takes. One that never ran has no
        // permit, so it makes no room for others.
        let opened = self.scheduler.runs(job).then(|| self.context.openings.opened());
        self.tasks.spawn(async move {
            let _opened = opened;
            tokio::time::sleep(pause).await;
            let cancelling =
                AssertUnwindSafe(leaving::cancel_idle(&context, &fences, JobId(job))).catch_unwind();
            // A bug in the way is tried again later, like a store that is in the way.
            let left = cancelling.await.unwrap_or(Left::Lost);
            let _ = notices.send(Notice::Left(JobId(job), left, Duration::ZERO)).await;
        });
    }

    /// Reads open jobs for the scheduler.
    pub(super) fn read_open(&mut self, ask: Refill) {
        let (store, notices) = (Arc::clone(&self.context.store), self.context.notices.clone());
        let programs = self.context.capture.ports().programs.clone();
        let Refill { shard, workspace, after, limit } = ask;
        let (fence, round) = (self.fences[usize::from(shard)], self.round);
        self.tasks.spawn(async move {
            loop {
                let read = match workspace {
                    Some(id) => store.open_jobs_of(fence.shard, WorkspaceId(id), after, limit).await,
                    None => store.open_jobs(fence.shard, after, limit).await.map(|jobs| {
                        let last = jobs.last().filter(|_| jobs.len() >= limit as usize);
                        OpenPage { read_to: last.map(|job| job.place), jobs }
                    }),
                };
                match read {
                    Ok(OpenPage { jobs, read_to }) => {
                        load_programs(&programs, &jobs).await;
                        let page = Notice::Refilled { round, ask, jobs, read_to };
                        let _ = notices.send(page).await;
                        return;
                    }
                    Err(tenon_store::Error::Closed) => return,
                    Err(error) => {
                        tracing::error!(%error, shard, "cannot read open jobs; trying again");
                        tokio::time::sleep(LOST_PAUSE).await;
                    }
                }
            }
        });
    }

    /// Timers of the next hour come into memory.
    pub(super) fn look_for_timers(&mut self) {
        let until = tenon_store::Timestamp(self.now().0.saturating_add(HORIZON_US));
        let (store, notices) = (Arc::clone(&self.context.store), self.context.notices.clone());
        let programs = self.context.capture.ports().programs.clone();
        let (fences, page) = (self.recalled_shards(), self.options.waiting_page);
        self.tasks.spawn(async move {
            for fence in fences {
                let (mut after, mut read) = (None, 0);
                // In pages, so that what others tell comes in between.
                while read < LOOK_LIMIT {
                    let jobs = match store.waiting_jobs(fence.shard, after, until, page).await {
                        Ok(jobs) => jobs,
                        Err(error) => {
                            tracing::error!(%error, "cannot read timers; trying again in a minute");
                            break;
                        }
                    };
                    after = recall::after(&jobs, page);
                    read += jobs.len();
                    if !jobs.is_empty() {
                        load_programs(&programs, &jobs).await;
                        let _ = notices.send(Notice::Due(jobs)).await;
                    }
                    if after.is_none() {
                        break;
                    }
                }
            }
        });
    }
}

/// The dispatcher looks at the programs of the jobs that it is handed, for their limits. It finds them loaded: one
/// workspace's thousand workflows are not read and compiled while the jobs of all others wait.
pub(super) async fn load_programs(programs: &Programs, jobs: &[OpenJob]) {
    let mut loaded = HashSet::new();
    for job in jobs {
        if loaded.insert(job.revision) {
            // One that cannot be loaded is said to be so where its job starts.
            let _ = programs.get(job.workspace, job.revision).await;
        }
    }
}
