//! Waiting jobs come into memory when the shards are taken over: a page at a time, one shard after the other, and those
//! of a shard before its open jobs are read. One that waits keeps its ordered lane and comes with no page of open jobs;
//! were it not held, the next of its lane would start. So the scheduler is not answered what it asks of a shard until
//! that one's waiting jobs have been read to the end, however many they are and however often reading fails; and it
//! starts nothing that is captured meanwhile, for that comes with the pages it has asked for.
//!
//! *Why it is enough:* a job that is not held cannot come to wait. It can leave the pages that are still to come only if
//! it is woken, and then the feed brings it; if the feed loses it, the shards are taken over anew, from the beginning.
//!
//! *Why it may be read beside the dispatcher:* what a page says of a job that is held does no harm. What it says of one
//! that is not may be old only if that has ended since the page was asked for, and such jobs are remembered.
//!
//! Must not take a shard for read after a failure, nor hold more than a page.

use std::collections::HashSet;
use std::sync::Arc;

use tenon_engine::scheduler::{HORIZON_US, Input};
use tenon_store::{Fence, JobId, OpenJob, Timestamp};

use super::commands::load_programs;
use super::{Dispatcher, LOST_PAUSE, Notice, Refill};

/// Jobs that may end while a page is read; beyond it the page is read again.
const ENDED_LIMIT: usize = 20_000;

/// How far waiting jobs have been read.
#[derive(Debug)]
pub(super) struct Recall {
    /// The shard that is being read; those below it are through.
    shard: u16,
    /// Those below it were read to the end before: whatever keeps a lane there is held since then, and only what is due
    /// is looked at again, because the feed may have lost that it was woken.
    known: u16,
    until: Timestamp,
    /// The last job of the page before.
    after: Option<(Timestamp, JobId)>,
    /// Jobs that ended since the page under way was asked for.
    ended: HashSet<u64>,
    /// What the scheduler asks of shards that are not through.
    held_back: Vec<Refill>,
}

// === impl Recall ===

impl Recall {
    /// Nothing is read until it begins.
    pub(super) fn new() -> Self {
        Self {
            shard: 0,
            known: 0,
            until: Timestamp::NEVER,
            after: None,
            ended: HashSet::new(),
            held_back: Vec::new(),
        }
    }

    /// What a page that is being read says of this job is old.
    pub(super) fn note_ended(&mut self, job: u64, shards: u16) {
        if self.shard < shards && self.ended.len() < ENDED_LIMIT {
            self.ended.insert(job);
        }
    }
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Takes all shards over, for the first time or because the feed has lost something.
    pub(super) fn own_all(&mut self) {
        self.round += 1;
        self.recall.held_back.clear();
        self.recall_shard(0);
        self.make_room();
        for shard in 0..self.options.shards {
            self.tell(Input::Own { shard });
        }
        self.carry_out();
    }

    /// Answers what the scheduler asks, unless it is too early.
    pub(super) fn refill(&mut self, ask: Refill) {
        if ask.shard < self.recall.shard { self.read_open(ask) } else { self.recall.held_back.push(ask) }
    }

    /// Shards whose timers may be looked at: a job that keeps a lane and is not held is started in vain by that.
    pub(super) fn recalled_shards(&self) -> Vec<Fence> {
        self.fences[..usize::from(self.recall.known)].to_vec()
    }

    /// A page has come.
    pub(super) async fn recalled(&mut self, jobs: Vec<OpenJob>) {
        if self.recall.ended.len() >= ENDED_LIMIT {
            return self.recall_page();
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
        let next = after(&jobs, self.options.waiting_page);
        if next.is_some() {
            self.recall.after = next;
            return self.recall_page();
        }
        let shard = self.recall.shard;
        self.recall.known = self.recall.known.max(shard + 1);
        self.recall_shard(shard + 1);
        for ask in std::mem::take(&mut self.recall.held_back) {
            self.refill(ask);
        }
    }

    fn recall_shard(&mut self, shard: u16) {
        let is_known = shard < self.recall.known;
        self.recall.shard = shard;
        self.recall.after = None;
        self.recall.until =
            if is_known { self.context.capture.ports().clock.now() } else { Timestamp::NEVER };
        self.recall_page();
    }

    /// Asks for the next page.
    fn recall_page(&mut self) {
        self.recall.ended.clear();
        let Some(fence) = self.fences.get(usize::from(self.recall.shard)).copied() else { return };
        let Recall { after, until, .. } = self.recall;
        let (limit, round) = (self.options.waiting_page, self.round);
        let (store, notices) = (Arc::clone(&self.context.store), self.context.notices.clone());
        let programs = self.context.capture.ports().programs.clone();
        self.tasks.spawn(async move {
            loop {
                match store.waiting_jobs(fence.shard, after, until, limit).await {
                    Ok(jobs) => {
                        load_programs(&programs, &jobs).await;
                        let _ = notices.send(Notice::Recalled { round, jobs }).await;
                        return;
                    }
                    Err(tenon_store::Error::Closed) => return,
                    Err(error) => {
                        tracing::error!(%error, shard = fence.shard.0, "cannot read waiting jobs; trying again");
                        tokio::time::sleep(LOST_PAUSE).await;
                    }
                }
            }
        });
    }
}

/// Where the page after a page of so many begins; `None`: there is none.
pub(super) fn after(jobs: &[OpenJob], page: u32) -> Option<(Timestamp, JobId)> {
    let last = jobs.last().filter(|_| jobs.len() >= page as usize)?;
    Some((last.wake_at.unwrap_or(Timestamp::NEVER), last.id))
}
