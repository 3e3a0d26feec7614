//! A new owner of the shards knows who keeps a lane before it starts anything there, however many wait, however long
//! reading takes, and though it fails; and it does other things meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tenon_store::{Error, JobId, JobState, OpenJob, Shard, Timestamp};
use tenon_worker::{Options, WorkerUse};
use tokio::sync::{Semaphore, watch};

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Callee, Stage, open};

/// Twice as many as there are shards: some have several.
const LANES: usize = 32;
/// Of one key one after the other: says who it is, and waits for an event.
const ORDERED: &str = ", metadata: {tenon: {orderingKey: '${ .data.key }'}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{say: {call: http, with: {method: post, endpoint: 'http://CALLEE/', body: '${ $event.data }'}}}, {hear: {listen: {to: {one: {with: {type: order}}}}}}]\n";

/// A job in each lane that waits, and one behind it; then the worker dies.
async fn lanes_that_wait(directory: &tempfile::TempDir, lanes: usize) -> (Callee, Vec<JobId>, Vec<JobId>) {
    let (callee, address) = Callee::serve().await;
    let stage = Stage::on(open(directory)).await;
    let ordered = ORDERED.replace("CALLEE", &address.to_string());
    stage.put("ordered", &ordered, (&["go"], &["order"])).await;
    let (mut heads, mut followers) = (Vec::new(), Vec::new());
    for n in 0..2 * lanes {
        let job = stage.go(json!({"key": n % lanes, "n": n})).await;
        if n < lanes { heads.push(job) } else { followers.push(job) }
    }
    for head in &heads {
        stage.reaches(*head, JobState::Waiting).await;
    }
    stage.stop().await;
    (callee, heads, followers)
}

/// Waits until so many jobs are held that only wait for their turn.
async fn holds(stage: &Stage, count: usize) {
    let ready = |used: &WorkerUse| -> u32 { used.scheduler.workspaces.iter().map(|of| of.ready).sum() };
    stage.used(|used| ready(used) as usize == count).await;
}

/// What comes of lanes that wait, with a new owner that reads so.
async fn check(hooks: Arc<impl Hooks>, waiting_page: u32) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (callee, heads, followers) = lanes_that_wait(&directory, LANES).await;
    let options = Options { waiting_page, ..Options::default() };
    let stage = Stage::with(hooked(&directory, &hooks), options).await;
    holds(&stage, LANES).await;
    for job in &followers {
        assert_eq!(stage.record(*job).await.state, JobState::Pending);
    }
    stage.event("order", json!({})).await;
    for job in heads.iter().chain(&followers) {
        assert_eq!(stage.end(*job).await.state, JobState::Completed);
    }
    let said =
        |call: &crate::stage::Call| serde_json::from_str::<serde_json::Value>(&call.body).expect("JSON");
    let said: Vec<_> = callee.calls().iter().map(said).collect();
    for key in 0..LANES {
        let lane: Vec<_> = said.iter().filter(|data| data["key"] == key).map(|data| &data["n"]).collect();
        assert_eq!(lane, [&json!(key), &json!(key + LANES)]);
    }
    stage.stop().await;
}

struct Nothing;

impl Hooks for Nothing {}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_keep_their_order_though_more_wait_than_are_read_at_once() {
    check(Arc::new(Nothing), 1).await;
}

/// The first waiting jobs cannot be read.
#[derive(Default)]
struct FailsOnce(AtomicBool);

#[async_trait]
impl Hooks for FailsOnce {
    async fn waiting_were_read(&self, _: Timestamp, jobs: Vec<OpenJob>) -> Result<Vec<OpenJob>, Error> {
        if !jobs.is_empty() && !self.0.swap(true, Ordering::SeqCst) {
            return Err(Error::Internal("the disk is not itself".to_owned()));
        }
        Ok(jobs)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_keep_their_order_though_reading_fails() {
    check(Arc::new(FailsOnce::default()), 1_000).await;
}

/// The waiting jobs of the first shard that has some can never be read.
#[derive(Default)]
struct FailsFor(Mutex<Option<(Shard, Vec<JobId>)>>);

#[async_trait]
impl Hooks for FailsFor {
    async fn waiting_were_read(&self, _: Timestamp, jobs: Vec<OpenJob>) -> Result<Vec<OpenJob>, Error> {
        let Some(shard) = jobs.first().map(|job| job.shard) else { return Ok(jobs) };
        let mut unreadable = self.0.lock().expect("no holder panics");
        let (first, _) =
            unreadable.get_or_insert_with(|| (shard, jobs.iter().map(|job| job.id).collect::<Vec<_>>()));
        if *first == shard { Err(Error::Internal("a page is damaged".to_owned())) } else { Ok(jobs) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_cannot_be_read_stops_no_other() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (_callee, heads, followers) = lanes_that_wait(&directory, LANES).await;
    let fails = Arc::new(FailsFor::default());
    let stage = Stage::on(hooked(&directory, &fails)).await;
    stage.until(|| fails.0.lock().expect("no holder panics").is_some()).await;
    let lost = fails.0.lock().expect("no holder panics").clone().expect("one has jobs").1;
    holds(&stage, LANES - lost.len()).await;
    stage.event("order", json!({})).await;
    for (head, follower) in heads.iter().zip(&followers).filter(|(head, _)| !lost.contains(head)) {
        assert_eq!(stage.end(*head).await.state, JobState::Completed);
        assert_eq!(stage.end(*follower).await.state, JobState::Completed);
    }
    stage.stop().await;
}

/// Holds up who reads waiting jobs, and what was read of them.
struct Slow {
    may_read: watch::Sender<bool>,
    read: Semaphore,
    may_tell: watch::Sender<bool>,
}

// === impl Slow ===

impl Slow {
    fn new(may_read: bool, may_tell: bool) -> Arc<Self> {
        let (may_read, may_tell) = (watch::Sender::new(may_read), watch::Sender::new(may_tell));
        Arc::new(Self { may_read, read: Semaphore::new(0), may_tell })
    }
}

#[async_trait]
impl Hooks for Slow {
    async fn look_for_waiting(&self, _: Shard, _: Timestamp) {
        self.may_read.subscribe().wait_for(|may| *may).await.expect("it lives");
    }

    async fn waiting_were_read(&self, _: Timestamp, jobs: Vec<OpenJob>) -> Result<Vec<OpenJob>, Error> {
        if !jobs.is_empty() {
            self.read.add_permits(1);
            self.may_tell.subscribe().wait_for(|may| *may).await.expect("it lives");
        }
        Ok(jobs)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_answered_while_waiting_jobs_are_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let slow = Slow::new(false, true);
    let stage = Stage::on(hooked(&directory, &slow)).await;
    stage.deploy("w", "}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{done: {set: {x: 1}}}]\n").await;
    let job = stage.go(json!({})).await;
    let usage = tokio::time::timeout(Duration::from_secs(30), stage.worker.usage()).await;
    assert!(usage.expect("the worker answers").is_ok());
    assert_eq!(stage.record(job).await.state, JobState::Pending, "its shard is not known yet");
    slow.may_read.send_replace(true);
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_ended_while_its_page_was_read_stops_no_lane() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (_callee, heads, followers) = lanes_that_wait(&directory, 1).await;
    let slow = Slow::new(true, false);
    let stage = Stage::on(hooked(&directory, &slow)).await;
    slow.read.acquire().await.expect("never closed").forget();
    stage.event("order", json!({})).await;
    assert_eq!(stage.end(heads[0]).await.state, JobState::Completed);
    stage.until(|| stage.capture.ports().metrics.jobs_running.get() == 0).await;
    assert_eq!(stage.record(followers[0]).await.state, JobState::Pending, "its page comes later");
    slow.may_tell.send_replace(true);
    assert_eq!(stage.end(followers[0]).await.state, JobState::Completed);
    stage.stop().await;
}
