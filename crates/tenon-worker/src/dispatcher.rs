//! The one task that talks to the scheduler: tells it what happened, does what it commands.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Class, Command, HORIZON_US, Input, Job, LaneKey, LanePolicy, Page, Parked, Scheduler, Standing,
};
use tenon_store::{Fence, JobId, JobState, OpenJob, ResourceId, RevisionId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::leaving::{self, Left};
use crate::run;
use crate::{Context, Options, load};

/// Notices taken in before commands are carried out.
const BATCH: usize = 256;
/// Revisions whose limits are remembered; more, and they are looked up again.
const KNOWN_WORKFLOWS: usize = 10_000;
/// When a job is looked at again that the store would not take writes for.
const LOST_PAUSE: Duration = Duration::from_secs(5);
/// Waiting jobs read at once when the store is asked for timers.
const WAITING_PAGE: u32 = 1_000_000;

/// What the dispatcher is told.
#[derive(Debug)]
pub(crate) enum Notice {
    /// New jobs, in the order of their commit.
    Captured(Vec<OpenJob>),
    /// Jobs read from the store: a page of a shard's backlog.
    Refilled { round: u64, shard: u16, after: u64, jobs: Vec<OpenJob>, complete: bool },
    /// Waiting jobs that are due soon.
    Due(Vec<OpenJob>),
    /// A task has left its job.
    Left(JobId, Left, Duration),
    /// End a job.
    Cancel(JobId),
    /// Start nothing more.
    Drain(Duration),
}

pub(crate) struct Dispatcher {
    context: Context,
    options: Options,
    fences: Arc<Vec<Fence>>,
    notices: mpsc::Sender<Notice>,
    /// The feed had no room for a batch: what is known of the shards is doubted.
    missed: Arc<AtomicBool>,
    scheduler: Scheduler,
    commands: Vec<Command>,
    alarm: Option<Timestamp>,
    fresh: Fresh,
    limits: HashMap<ResourceId, RevisionId>,
    running: HashMap<u64, Option<oneshot::Sender<()>>>,
    tasks: JoinSet<()>,
    is_draining: bool,
    /// How often the shards were taken over; pages that were read for an earlier one are void.
    round: u64,
}

/// Payloads of jobs that have not started yet, up to a number of bytes.
#[derive(Default)]
struct Fresh {
    jobs: HashMap<u64, OpenJob>,
    bytes: usize,
    limit: usize,
}

// === impl Fresh ===

impl Fresh {
    fn keep(&mut self, job: OpenJob) {
        let size = size(&job);
        if job.payload.is_some() && self.bytes + size <= self.limit {
            self.bytes += size;
            self.jobs.insert(job.id.0, job);
        }
    }

    fn take(&mut self, job: u64) -> Option<OpenJob> {
        let job = self.jobs.remove(&job)?;
        self.bytes -= size(&job);
        Some(job)
    }
}

fn size(job: &OpenJob) -> usize {
    let payload = job.payload.as_ref();
    256 + payload.map_or(0, |p| p.envelope.len() + p.input.as_ref().map_or(0, bytes::Bytes::len))
}

// === impl Dispatcher ===

impl Dispatcher {
    pub(crate) fn new(
        context: Context,
        options: Options,
        fences: Vec<Fence>,
        notices: mpsc::Sender<Notice>,
    ) -> Self {
        let fresh = Fresh { limit: options.payload_bytes, ..Fresh::default() };
        Self {
            context,
            options,
            fences: Arc::new(fences),
            notices,
            missed: Arc::default(),
            scheduler: Scheduler::new(),
            commands: Vec::new(),
            alarm: None,
            fresh,
            limits: HashMap::new(),
            running: HashMap::new(),
            tasks: JoinSet::new(),
            is_draining: false,
            round: 0,
        }
    }

    /// The store tells of new jobs from here on; what was there before is read when the shards are owned.
    pub(crate) fn listen_to_feed(&self) {
        let notices = self.notices.clone();
        let missed = Arc::clone(&self.missed);
        self.context.store.set_feed(Box::new(move |jobs| {
            if notices.try_send(Notice::Captured(jobs)).is_err() {
                missed.store(true, Ordering::Release);
            }
        }));
    }

    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Notice>) {
        self.own_all().await;
        self.look_for_timers();
        let mut look = tokio::time::interval(self.options.look_every);
        look.tick().await;
        let mut batch = Vec::with_capacity(BATCH);
        let mut deadline = None;
        loop {
            let until_alarm = self.until_alarm();
            tokio::select! {
                count = inbox.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                }
                () = until(until_alarm) => {
                    self.alarm = None;
                    self.tell(Input::Tick);
                }
                _ = look.tick() => self.look_for_timers(),
                Some(_) = self.tasks.join_next() => {}
                () = until(deadline) => break,
            }
            while self.tasks.try_join_next().is_some() {}
            for notice in batch.drain(..) {
                if let Notice::Drain(patience) = notice {
                    self.is_draining = true;
                    deadline = Some(tokio::time::Instant::now() + patience);
                    continue;
                }
                self.take(notice).await;
            }
            if self.missed.swap(false, Ordering::AcqRel) {
                self.own_all().await;
            }
            self.carry_out();
            let ready = self.scheduler.backlog().saturating_sub(self.scheduler.running() as usize);
            self.context.capture.ports().metrics.jobs_ready.set(i64::try_from(ready).unwrap_or(i64::MAX));
            if self.is_draining && self.running.is_empty() {
                break;
            }
        }
        // What still runs is left as after a crash: its outcomes are safe, its attempts run again.
        self.tasks.shutdown().await;
    }

    async fn own_all(&mut self) {
        self.round += 1;
        self.tell(Input::Capacity(self.options.capacity));
        for shard in 0..self.options.shards {
            let fence = self.fences[usize::from(shard)];
            match self.context.store.waiting_jobs(fence.shard, FOREVER, WAITING_PAGE).await {
                Ok(jobs) => {
                    let horizon = self.now().0.saturating_add(HORIZON_US);
                    let soon = |job: &OpenJob| job.wake_at.is_some_and(|at| at.0 <= horizon);
                    for job in jobs.into_iter().filter(|job| job.lane.is_some() || soon(job)) {
                        self.arrive(&job).await;
                    }
                }
                Err(error) => tracing::error!(%error, "cannot read waiting jobs; trying again in a minute"),
            }
            self.tell(Input::Own { shard });
        }
        self.carry_out();
    }

    async fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Captured(jobs) => {
                for job in jobs {
                    let held = self.scheduler.held();
                    self.arrive(&job).await;
                    // A page may have brought it already; then it may have moved on, and this copy is old.
                    if self.scheduler.held() > held {
                        self.fresh.keep(job);
                    }
                }
            }
            Notice::Due(jobs) => {
                for job in jobs {
                    self.arrive(&job).await;
                }
            }
            Notice::Refilled { round, .. } if round != self.round => {}
            Notice::Refilled { shard, after, jobs, complete, .. } => {
                let mut page = Vec::with_capacity(jobs.len());
                for job in &jobs {
                    self.learn_limit(job).await;
                    page.extend(scheduled(job));
                }
                self.tell(Input::Page(Page { shard, after, jobs: page, complete }));
            }
            Notice::Left(job, left, used) => self.left(job, left, used),
            Notice::Cancel(job) => self.tell(Input::Cancel { job: job.0 }),
            Notice::Drain(_) => {}
        }
    }

    async fn arrive(&mut self, job: &OpenJob) {
        self.learn_limit(job).await;
        if let Some(job) = scheduled(job) {
            self.tell(Input::Arrived(job));
        }
    }

    /// The scheduler must know a workflow's limit before it starts its jobs.
    async fn learn_limit(&mut self, job: &OpenJob) {
        if self.limits.get(&job.workflow).is_some_and(|known| *known >= job.revision) {
            return;
        }
        if self.limits.len() >= KNOWN_WORKFLOWS {
            self.limits.clear();
        }
        let programs = &self.context.capture.ports().programs;
        // A revision that cannot be loaded has no limit; its job will be suspended when it starts.
        let deployed = programs.get(job.workspace, job.revision).await;
        if let Err(tenon_capture::Error::Store(error)) = &deployed {
            tracing::warn!(%error, "cannot read a workflow's limit; asking again with its next job");
            return;
        }
        let concurrency = deployed.ok().and_then(|deployed| deployed.program.settings.concurrency);
        self.limits.insert(job.workflow, job.revision);
        self.tell(Input::WorkflowLimit { workspace: job.workspace.0, workflow: job.workflow.0, concurrency });
    }

    fn left(&mut self, job: JobId, left: Left, used: Duration) {
        let was_cancelled = match self.running.remove(&job.0) {
            Some(cancel) => {
                self.context.capture.ports().metrics.jobs_running.add(-1);
                cancel.is_none()
            }
            None => false,
        };
        self.fresh.take(job.0);
        if was_cancelled && left != Left::Finished && !self.is_draining {
            // It was left before it noticed: it ends now, in the store.
            let pause = if left == Left::Lost { LOST_PAUSE } else { Duration::ZERO };
            return self.cancel_idle(job.0, pause);
        }
        let used_us = u64::try_from(used.as_micros()).unwrap_or(u64::MAX);
        let job = job.0;
        let input = match left {
            Left::Finished => Input::Finished { job, used_us },
            Left::Parked { until, is_retry } => {
                let class = if is_retry { Class::Retry } else { Class::Live };
                Input::Parked(Parked { job, until: Some(until), class, used_us })
            }
            Left::Suspended => Input::Suspended { job, lane: LanePolicy::Park, used_us },
            Left::Lost => {
                let until = self.now().after(LOST_PAUSE);
                Input::Parked(Parked { job, until: Some(until), class: Class::Live, used_us })
            }
        };
        self.tell(input);
    }

    fn tell(&mut self, input: Input) {
        let now = self.now();
        self.scheduler.handle(input, now, &mut self.commands);
    }

    fn carry_out(&mut self) {
        for command in std::mem::take(&mut self.commands) {
            match command {
                Command::Start { shard, job } => self.start(shard, job),
                Command::Cancel { job } => self.cancel(job),
                Command::Forget { job } => {
                    self.fresh.take(job);
                }
                Command::Refill { shard, after, limit } => self.refill(shard, after, limit),
                Command::SetAlarm(at) => self.alarm = Some(at),
            }
        }
    }

    fn start(&mut self, shard: u16, job: u64) {
        let fresh = self.fresh.take(job);
        if self.is_draining {
            return;
        }
        let (cancel, cancelled) = oneshot::channel();
        self.running.insert(job, Some(cancel));
        self.context.capture.ports().metrics.jobs_running.add(1);
        let fence = self.fences[usize::from(shard)];
        let task = run::Task { fence, job: JobId(job), fresh, cancel: cancelled };
        let (context, notices) = (self.context.clone(), self.notices.clone());
        self.tasks.spawn(async move {
            let running = AssertUnwindSafe(run::run(context.clone(), task)).catch_unwind();
            let (left, used) = match running.await {
                Ok(left) => left,
                Err(_) => (leaving::suspend_panicked(&context, fence, JobId(job)).await, Duration::ZERO),
            };
            // A dispatcher that has stopped needs no notice.
            let _ = notices.send(Notice::Left(JobId(job), left, used)).await;
        });
    }

    fn cancel(&mut self, job: u64) {
        self.fresh.take(job);
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
    fn cancel_idle(&mut self, job: u64, pause: Duration) {
        self.running.insert(job, None);
        self.context.capture.ports().metrics.jobs_running.add(1);
        let (context, notices, fences) =
            (self.context.clone(), self.notices.clone(), Arc::clone(&self.fences));
        self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            let cancelling =
                AssertUnwindSafe(leaving::cancel_idle(&context, &fences, JobId(job))).catch_unwind();
            // A bug in the way is tried again later, like a store that is in the way.
            let left = cancelling.await.unwrap_or(Left::Lost);
            let _ = notices.send(Notice::Left(JobId(job), left, Duration::ZERO)).await;
        });
    }

    fn refill(&mut self, shard: u16, after: u64, limit: u32) {
        let (store, notices) = (Arc::clone(&self.context.store), self.notices.clone());
        let (fence, round) = (self.fences[usize::from(shard)], self.round);
        self.tasks.spawn(async move {
            loop {
                match store.open_jobs(fence.shard, after, limit).await {
                    Ok(jobs) => {
                        let complete = jobs.len() < limit as usize;
                        let page = Notice::Refilled { round, shard, after, jobs, complete };
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
    fn look_for_timers(&mut self) {
        let until = tenon_store::Timestamp(self.now().0.saturating_add(HORIZON_US));
        let (store, notices) = (Arc::clone(&self.context.store), self.notices.clone());
        let fences = Arc::clone(&self.fences);
        self.tasks.spawn(async move {
            for fence in fences.iter() {
                match store.waiting_jobs(fence.shard, until, WAITING_PAGE).await {
                    Ok(jobs) if jobs.is_empty() => {}
                    Ok(jobs) => {
                        let _ = notices.send(Notice::Due(jobs)).await;
                    }
                    Err(error) => tracing::error!(%error, "cannot read timers; trying again in a minute"),
                }
            }
        });
    }

    fn now(&self) -> Timestamp {
        load::time(self.context.capture.ports().clock.now())
    }

    fn until_alarm(&self) -> Option<tokio::time::Instant> {
        let wait = self.alarm?.0.saturating_sub(self.now().0).max(0);
        Some(tokio::time::Instant::now() + Duration::from_micros(wait.unsigned_abs()))
    }
}

const FOREVER: tenon_store::Timestamp = tenon_store::Timestamp(i64::MAX);

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// A stored job as the scheduler is told of it; `None`: it is none of the scheduler's business.
fn scheduled(job: &OpenJob) -> Option<Job> {
    let lane = job.lane.as_deref().map(LaneKey::new);
    let standing = match job.state {
        JobState::Pending => Standing::Ready,
        JobState::Running => Standing::Begun,
        JobState::Waiting => Standing::Waiting(job.wake_at.map(load::time)),
        JobState::Suspended if lane.is_some() => Standing::Suspended,
        JobState::Suspended | JobState::Completed | JobState::Faulted | JobState::Cancelled => return None,
    };
    Some(Job {
        id: job.id.0,
        shard: job.shard.0,
        workspace: job.workspace.0,
        workflow: job.workflow.0,
        lane,
        place: job.place,
        priority: job.priority,
        class: Class::Live,
        standing,
    })
}
