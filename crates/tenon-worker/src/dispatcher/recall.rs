//! Waiting jobs come into memory when the shards are taken over: a page at a time, one shard after the other, and those
//! of a shard before its open jobs are read. One that waits keeps its ordered lane and comes with no page of open jobs;
//! were it not held, the next of its lane would start. So the scheduler is not answered what it asks of a shard until
//! that one's waiting jobs have been read to the end, however many they are and however often reading fails; and it
//! starts nothing that is captured meanwhile, for that comes with the pages it has asked for.
//!
//! *Why it is enough:* a job that is not held cannot come to wait. It can leave the pages that are still to come only if
//! it is woken, and then the feed brings it; if the feed loses it, it is due, and before its shard counts as read the due
//! ones are read once more. In a shard that was read to the end every lane's head is held from then on: after a loss its
//! due ones are read again, but nothing waits for that.
//!
//! *Why it may be read beside the dispatcher:* what a page says of a job that is held does no harm. What it says of one
//! that is not may be old only if that has ended or was suspended since the page was asked for, and such jobs are
//! remembered.
//!
//! Must not take a shard for read after a failure (it comes last then, so that the others do not wait for it), nor hold
//! more than a page.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tenon_engine::scheduler::{Command, HORIZON_US, Input};
use tenon_store::{Fence, JobId, OpenJob, Timestamp};

use super::commands::load_programs;
use super::{Dispatcher, LOST_PAUSE, Notice, Refill};

/// Jobs that may end while a page is read; beyond it the page is read again.
const ENDED_LIMIT: usize = 20_000;

/// How far waiting jobs have been read.
#[derive(Debug)]
pub(super) struct Recall {
    /// Shards to read; the first is being read.
    left: VecDeque<u16>,
    /// Which were read to the end before, by shard: whatever keeps a lane there is held since then, and only what is due
    /// is looked at again.
    known: Vec<bool>,
    until: Timestamp,
    /// The last job of the page before.
    after: Option<(Timestamp, JobId)>,
    /// The feed has lost something since the shard was begun.
    is_doubted: bool,
    /// And since the first of the shards was.
    look_again: bool,
    /// Reads that have failed, one after the other.
    failed: usize,
    /// Jobs that ended since the page under way was asked for.
    ended: HashSet<u64>,
    /// What the scheduler asks of shards that are not known.
    held_back: Vec<Refill>,
}

// === impl Recall ===

impl Recall {
    /// Nothing is read until it begins.
    pub(super) fn new(shards: u16) -> Self {
        Self {
            left: VecDeque::new(),
            known: vec![false; usize::from(shards)],
            until: Timestamp::NEVER,
            after: None,
            is_doubted: false,
            look_again: false,
            failed: 0,
            ended: HashSet::new(),
            held_back: Vec::new(),
        }
    }

    /// What a page that is being read says of this job is old.
    pub(super) fn note_ended(&mut self, job: u64) {
        if !self.left.is_empty() && self.ended.len() < ENDED_LIMIT {
            self.ended.insert(job);
        }
    }

    fn is_known(&self, shard: u16) -> bool {
        self.known.get(usize::from(shard)).is_some_and(|is| *is)
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Takes all shards over, for the first time or because the feed has lost something.
    pub(super) fn own_all(&mut self) {
        self.round += 1;
        self.recall.held_back.clear();
        // What was asked for before is asked for anew.
        self.commands.retain(|command| !matches!(command, Command::Refill { .. }));
        if self.recall.left.is_empty() {
            self.recall.left.extend(0..self.options.shards);
            self.recall_shard(Duration::ZERO);
        } else {
            self.recall.is_doubted = true;
            self.recall.look_again = true;
            self.recall_page(Duration::ZERO);
        }
        self.make_room();
        for shard in 0..self.options.shards {
            self.tell(Input::Own { shard });
        }
        self.carry_out();
    }

    /// Answers what the scheduler asks, unless it is too early.
    pub(super) fn refill(&mut self, ask: Refill) {
        if self.recall.is_known(ask.shard) { self.read_open(ask) } else { self.recall.held_back.push(ask) }
    }

    /// Shards whose timers may be looked at: a job that keeps a lane and is not held is started in vain by that.
    pub(super) fn recalled_shards(&self) -> Vec<Fence> {
        let shards = self.fences.iter().zip(&self.recall.known);
        shards.filter(|(_, known)| **known).map(|(fence, _)| *fence).collect()
    }

    /// A page has come; `None`: it could not be read.
    pub(super) async fn recalled(&mut self, jobs: Option<Vec<OpenJob>>) {
        let Some(jobs) = jobs else { return self.recall_later() };
        self.recall.failed = 0;
        if self.recall.ended.len() >= ENDED_LIMIT {
            return self.recall_page(Duration::ZERO);
        }
        let now = self.now().0;
        let within = |job: &OpenJob, us: i64| job.wake_at.is_some_and(|at| at.0 <= now.saturating_add(us));
        for job in &jobs {
            if self.recall.ended.contains(&job.id.0) {
                continue;
            }
            if within(job, 0) {
                // The feed may have lost that it was woken.
                self.wake(job).await;
            } else if job.lane.is_some() || within(job, HORIZON_US) {
                self.arrive(job).await;
            }
        }
        self.recall.after = after(&jobs, self.options.waiting_page);
        if self.recall.after.is_some() {
            return self.recall_page(Duration::ZERO);
        }
        if std::mem::take(&mut self.recall.is_doubted) {
            self.recall.until = self.context.capture.ports().clock.now();
            return self.recall_page(Duration::ZERO);
        }
        let read = self.recall.left.pop_front().map(usize::from);
        if let Some(known) = read.and_then(|shard| self.recall.known.get_mut(shard)) {
            *known = true;
        }
        if self.recall.left.is_empty() && std::mem::take(&mut self.recall.look_again) {
            self.recall.left.extend(0..self.options.shards);
        }
        self.recall_shard(Duration::ZERO);
        for ask in std::mem::take(&mut self.recall.held_back) {
            self.refill(ask);
        }
    }

    /// One that cannot be read comes after the others, and when none of them can be, after a while.
    fn recall_later(&mut self) {
        self.recall.failed += 1;
        self.recall.left.rotate_left(1);
        let all_failed = self.recall.failed >= self.recall.left.len();
        if all_failed {
            self.recall.failed = 0;
            if std::mem::take(&mut self.recall.look_again) {
                let left = &mut self.recall.left;
                let known = (0..self.options.shards).filter(|shard| !left.contains(shard));
                let known: Vec<u16> = known.collect();
                left.extend(known);
            }
        }
        self.recall_shard(if all_failed { LOST_PAUSE } else { Duration::ZERO });
    }

    /// Begins with the first shard that is left.
    fn recall_shard(&mut self, pause: Duration) {
        let is_known = self.recall.left.front().is_some_and(|shard| self.recall.is_known(*shard));
        self.recall.after = None;
        self.recall.is_doubted = false;
        self.recall.until =
            if is_known { self.context.capture.ports().clock.now() } else { Timestamp::NEVER };
        self.recall_page(pause);
    }

    /// Asks for the next page.
    fn recall_page(&mut self, pause: Duration) {
        self.recall.ended.clear();
        let Some(shard) = self.recall.left.front() else { return };
        let fence = self.fences[usize::from(*shard)];
        let Recall { after, until, .. } = self.recall;
        let (limit, round) = (self.options.waiting_page, self.round);
        let (store, notices) = (Arc::clone(&self.context.store), self.context.notices.clone());
        let programs = self.context.capture.ports().programs.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            let jobs = match store.waiting_jobs(fence.shard, after, until, limit).await {
                Ok(jobs) => Some(jobs),
                Err(tenon_store::Error::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, shard = fence.shard.0, "cannot read waiting jobs; trying again");
                    None
                }
            };
            load_programs(&programs, jobs.as_deref().unwrap_or_default()).await;
            let _ = notices.send(Notice::Recalled { round, jobs }).await;
        });
    }
}

/// Where the page after a page of so many begins; `None`: there is none.
pub(super) fn after(jobs: &[OpenJob], page: u32) -> Option<(Timestamp, JobId)> {
    let last = jobs.last().filter(|_| jobs.len() >= page as usize)?;
    Some((last.wake_at.unwrap_or(Timestamp::NEVER), last.id))
}
