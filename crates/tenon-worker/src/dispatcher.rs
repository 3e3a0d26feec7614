//! The one task that talks to the scheduler: tells it what happened, does what it commands.

mod backlog;
mod commands;
mod fresh;
mod limits;
#[cfg(test)]
mod limits_checks;
mod mending;
mod recall;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Class, Command, Input, Job, LaneKey, LanePolicy, Page, Parked, Scheduler, Standing,
};
use tenon_store::{Fence, JobId, JobState, OpenJob};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::leaving::Left;
use crate::mending::{MendError, Mended};
use crate::openings::Opened;
use crate::{Context, Options, load};
pub use backlog::BacklogUse;
use backlog::Watcher;
use fresh::Fresh;
use limits::Limits;
pub use limits::WorkerUse;
pub(crate) use mending::Mend;
use recall::Recall;

/// Notices taken in before commands are carried out.
const BATCH: usize = 256;
/// Revisions whose limits are remembered; more, and they are looked up again.
const KNOWN_WORKFLOWS: usize = 10_000;
/// When a job is looked at again that the store would not take writes for.
const LOST_PAUSE: Duration = Duration::from_secs(5);

/// What the dispatcher is told.
#[derive(Debug)]
pub(crate) enum Notice {
    /// New jobs, in the order of their commit, and parked ones that were woken.
    Captured(Vec<OpenJob>),
    /// Jobs read from the store: a page of a shard's backlog, or of what one workspace has in it.
    Refilled { round: u64, ask: Refill, jobs: Vec<OpenJob>, read_to: Option<u64> },
    /// Waiting jobs of the shard that is being taken over; `None`: they could not be read.
    Recalled { round: u64, jobs: Option<Vec<OpenJob>> },
    /// Waiting jobs that are due soon.
    Due(Vec<OpenJob>),
    /// A task has left its job.
    Left(JobId, Left, Duration),
    /// End a job.
    Cancel(JobId),
    /// Move a suspended job.
    Mend(Mend),
    /// What came of it, for the scheduler and for who asked.
    Mended(JobId, Result<Mended, MendError>, oneshot::Sender<Result<(), MendError>>),
    /// Say what all limits are used for.
    Usage(oneshot::Sender<WorkerUse>),
    /// Start nothing more.
    Drain(Duration),
}

/// Which open jobs the scheduler asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refill {
    shard: u16,
    /// `None`: everybody's.
    workspace: Option<i64>,
    after: u64,
    limit: u32,
}

pub(crate) struct Dispatcher {
    context: Context,
    options: Options,
    fences: Arc<Vec<Fence>>,
    /// The feed had no room for a batch: what is known of the shards is doubted.
    missed: Arc<AtomicBool>,
    scheduler: Scheduler,
    commands: Vec<Command>,
    alarm: Option<Timestamp>,
    fresh: Fresh,
    limits: Limits,
    backlog: Watcher,
    running: HashMap<u64, Option<oneshot::Sender<()>>>,
    /// Jobs that were to start while they were ended: they have permits until that is done.
    crossed: HashMap<u64, Opened>,
    /// Suspended jobs that are being moved, and whether they are to end after that.
    mending: HashMap<u64, bool>,
    tasks: JoinSet<()>,
    is_draining: bool,
    /// How often the shards were taken over; pages that were read for an earlier one are void.
    round: u64,
    recall: Recall,
}

// === impl Dispatcher ===

impl Dispatcher {
    pub(crate) fn new(context: Context, mut options: Options, fences: Vec<Fence>) -> Self {
        options.waiting_page = options.waiting_page.max(1);
        let fresh = Fresh::new(options.payload_bytes);
        let (backlog, places) = (options.backlog, options.places);
        let recall = Recall::new(options.shards);
        Self {
            context,
            options,
            fences: Arc::new(fences),
            missed: Arc::default(),
            scheduler: Scheduler::with_bounds(places),
            commands: Vec::new(),
            alarm: None,
            fresh,
            limits: Limits::default(),
            backlog: Watcher::new(backlog),
            running: HashMap::new(),
            crossed: HashMap::new(),
            mending: HashMap::new(),
            tasks: JoinSet::new(),
            is_draining: false,
            round: 0,
            recall,
        }
    }

    /// The store tells of new jobs from here on; what was there before is read when the shards are owned.
    pub(crate) fn listen_to_feed(&self) {
        let notices = self.context.notices.clone();
        let missed = Arc::clone(&self.missed);
        self.context.store.set_feed(Box::new(move |jobs| {
            if notices.try_send(Notice::Captured(jobs)).is_err() {
                missed.store(true, Ordering::Release);
            }
        }));
    }

    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Notice>) {
        self.tell(Input::Capacity(self.options.capacity));
        self.own_all();
        let mut look = tokio::time::interval(self.options.look_every);
        look.tick().await;
        let mut batch = Vec::with_capacity(BATCH);
        let mut deadline = None;
        loop {
            let until_alarm = self.until_alarm();
            let next_look = self.backlog.next_look(&self.scheduler);
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
                () = until(next_look) => {}
                () = self.context.openings.room() => {}
                () = until(deadline) => break,
            }
            while self.tasks.try_join_next().is_some() {}
            self.make_room();
            for notice in batch.drain(..) {
                if let Notice::Drain(patience) = notice {
                    self.is_draining = true;
                    deadline = Some(tokio::time::Instant::now() + patience);
                    continue;
                }
                self.take(notice).await;
            }
            if self.missed.swap(false, Ordering::AcqRel) {
                self.own_all();
            }
            self.make_room();
            self.carry_out();
            let ready = self.scheduler.backlog().saturating_sub(self.scheduler.running() as usize);
            let metrics = &self.context.capture.ports().metrics;
            metrics.jobs_ready.set(i64::try_from(ready).unwrap_or(i64::MAX));
            metrics.workspaces_crowded.set(i64::try_from(self.scheduler.crowded()).unwrap_or(i64::MAX));
            self.look_at_backlogs().await;
            if self.is_draining && self.running.is_empty() {
                break;
            }
        }
        // What still runs is left as after a crash: its outcomes are safe, its attempts run again.
        self.tasks.shutdown().await;
    }

    /// Lets as many jobs run as may, now that some have opened or are gone.
    fn make_room(&mut self) {
        let openings = Arc::clone(&self.context.openings);
        let mut permits = openings.permits(self.options.capacity);
        self.tell(Input::Room(permits));
        while self.scheduler.running() >= permits && permits < self.options.capacity {
            openings.ask();
            let now = openings.permits(self.options.capacity);
            if now <= permits {
                break;
            }
            permits = now;
            self.tell(Input::Room(permits));
        }
    }

    async fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Captured(jobs) => {
                for job in jobs {
                    if job.state == JobState::Waiting {
                        self.wake(&job).await;
                        continue;
                    }
                    self.backlog.captured(&job);
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
                    let held = self.scheduler.held();
                    self.arrive(&job).await;
                    // One that keeps a lane is held as long as it is open: this one may have been woken and have
                    // ended since it was read. Starting it tells; else its lane would stop until it is due.
                    if job.lane.is_some() && self.scheduler.held() > held {
                        self.wake(&job).await;
                    }
                }
            }
            Notice::Refilled { round, .. } | Notice::Recalled { round, .. } if round != self.round => {}
            Notice::Recalled { jobs, .. } => self.recalled(jobs).await,
            Notice::Refilled { ask: Refill { shard, workspace, after, .. }, jobs, read_to, .. } => {
                let mut page = Vec::with_capacity(jobs.len());
                for job in &jobs {
                    self.learn_limit(job).await;
                    page.extend(scheduled(job));
                }
                self.tell(Input::Page(Page { shard, workspace, after, jobs: page, read_to }));
            }
            Notice::Left(job, left, used) => self.left(job, left, used),
            Notice::Cancel(job) => self.tell(Input::Cancel { job: job.0 }),
            Notice::Mend(mend) => self.mend(mend),
            Notice::Mended(job, mended, answer) => self.mended(job, mended, answer).await,
            // Nobody waits for the answer any more: nothing to do.
            Notice::Usage(answer) => drop(answer.send(self.usage())),
            Notice::Drain(_) => {}
        }
    }

    async fn arrive(&mut self, job: &OpenJob) {
        self.learn_limit(job).await;
        if let Some(job) = scheduled(job) {
            self.tell(Input::Arrived(job));
        }
    }

    /// What a parked job waits for has come, or it is due.
    async fn wake(&mut self, job: &OpenJob) {
        self.learn_limit(job).await;
        if let Some(job) = scheduled(job) {
            self.tell(Input::Woken(job));
        }
    }

    fn left(&mut self, job: JobId, left: Left, used: Duration) {
        self.crossed.remove(&job.0);
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
        if let Input::Finished { job, .. } | Input::Suspended { job, .. } = input {
            self.recall.note_ended(job);
        }
        let now = self.now();
        self.scheduler.handle(input, now, &mut self.commands);
    }

    fn now(&self) -> Timestamp {
        load::time(self.context.capture.ports().clock.now())
    }

    fn until_alarm(&self) -> Option<tokio::time::Instant> {
        let wait = self.alarm?.0.saturating_sub(self.now().0).max(0);
        Some(tokio::time::Instant::now() + Duration::from_micros(wait.unsigned_abs()))
    }
}

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
        class: if job.is_bulk && job.started_at.is_none() { Class::Bulk } else { Class::Live },
        standing,
    })
}
