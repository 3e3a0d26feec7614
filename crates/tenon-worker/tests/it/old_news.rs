//! What the worker is told late is not taken for how things are: copies of jobs that have moved on, and pages
//! that were read before it lost track.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::json;
use tenon_store::{Error, Feed, JobId, JobState, OpenJob, Shard, Store, Timestamp, Write};
use tenon_worker::{Options, Verdict};
use tokio::sync::{Semaphore, watch};

use crate::hooked_store::{Gate, Hooks, hooked};
use crate::stage::{Callee, Stage, open};

/// A feed that a test lets through when it likes; jobs come with the first pages, which are read when it likes.
struct LateFeed {
    writes: Gate,
    may_read: watch::Sender<bool>,
    feed: OnceLock<Feed>,
    fed: Arc<Mutex<Vec<OpenJob>>>,
}

// === impl LateFeed ===

impl LateFeed {
    fn new() -> Arc<Self> {
        let (writes, may_read) = (Gate::closed(), watch::Sender::new(false));
        Arc::new(Self { writes, may_read, feed: OnceLock::new(), fed: Arc::default() })
    }

    /// What was captured so far.
    fn arrive(&self) {
        let late = std::mem::take(&mut *self.fed.lock().expect("no holder panics"));
        assert_eq!(late.len(), 1, "the feed has brought the job");
        assert!(late[0].payload.is_some(), "it could be started from this copy");
        self.feed.get().expect("the worker listens")(late);
    }
}

#[async_trait]
impl Hooks for LateFeed {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        self.writes.pass().await;
        inner.write(write).await
    }

    async fn look_for_waiting(&self, _: Shard, _: Timestamp) {
        self.may_read.subscribe().wait_for(|may_read| *may_read).await.expect("it lives");
    }

    fn set_feed(&self, inner: &dyn Store, feed: Feed) {
        assert!(self.feed.set(feed).is_ok(), "one worker listens");
        let fed = Arc::clone(&self.fed);
        inner.set_feed(Box::new(move |jobs| fed.lock().expect("no holder panics").extend(jobs)));
    }
}

/// When the copy arrives.
#[derive(Debug, PartialEq)]
enum Late {
    WhileItRuns,
    WhileItWaits,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_after_the_job_has_moved_on_is_not_used() {
    for late in [Late::WhileItRuns, Late::WhileItWaits] {
        let (callee, address) = Callee::serve().await;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = LateFeed::new();
        let stage = Stage::on(hooked(&directory, &store)).await;
        let tasks = format!(
            "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- one: {{call: http, with: {{method: get, endpoint: 'http://{address}/1'}}}}\n- nap: {{wait: {{seconds: 2}}}}\n- two: {{call: http, with: {{method: get, endpoint: 'http://{address}/2'}}}}\n"
        );
        stage.deploy("w", &tasks).await;
        let job = stage.go(json!({})).await;
        store.may_read.send_replace(true);
        // A page has brought the job; it has called and is about to be parked.
        store.writes.has_arrival().await;
        if late == Late::WhileItRuns {
            store.arrive();
        }
        store.writes.open();
        if late == Late::WhileItWaits {
            stage.until(|| stage.capture.ports().metrics.jobs_running.get() == 0).await;
            assert_eq!(stage.record(job).await.state, JobState::Waiting);
            store.arrive();
        }
        assert_eq!(stage.output(job).await["path"], "/2", "{late:?}");
        let calls: Vec<_> = callee.calls().into_iter().map(|call| (call.path, call.attempt)).collect();
        let expected =
            [("/1", "1"), ("/2", "1")].map(|(path, attempt)| (path.to_owned(), attempt.to_owned()));
        assert_eq!(calls, expected, "{late:?}: a recorded call is not repeated");
        let verdict = stage.history.verify(stage.workspace, job).await.expect("read");
        assert_eq!(verdict, Verdict::Same, "{late:?}");
        stage.stop().await;
    }
}

/// A feed that loses what a test likes, and pages of open jobs that are handed over when it likes.
struct Rounds {
    feed: OnceLock<Feed>,
    fed: Arc<Mutex<Vec<OpenJob>>>,
    /// One permit per page that was read, and one per page that was handed over.
    read: Semaphore,
    delivered: Semaphore,
    /// The last round whose pages may be handed over.
    deliver: watch::Sender<u32>,
    pages: Mutex<HashMap<Shard, u32>>,
}

// === impl Rounds ===

impl Rounds {
    fn new() -> Arc<Self> {
        let (read, delivered) = (Semaphore::new(0), Semaphore::new(0));
        let (feed, fed, deliver) = (OnceLock::new(), Arc::default(), watch::Sender::new(0));
        Arc::new(Self { feed, fed, read, delivered, deliver, pages: Mutex::default() })
    }

    async fn takes(semaphore: &Semaphore, permits: u32) {
        semaphore.acquire_many(permits).await.expect("never closed").forget();
    }

    /// The feed brings what was captured, and finds no room.
    fn lose(&self, stage: &Stage) {
        let late = std::mem::take(&mut *self.fed.lock().expect("no holder panics"));
        assert_eq!(late.len(), 1, "the feed has brought the job");
        stuff(stage);
        self.feed.get().expect("the worker listens")(late);
    }
}

#[async_trait]
impl Hooks for Rounds {
    async fn page_was_read(&self, shard: Shard, page: Vec<OpenJob>) -> Vec<OpenJob> {
        let round = {
            let mut pages = self.pages.lock().expect("no holder panics");
            let round = pages.entry(shard).or_default();
            *round += 1;
            *round
        };
        self.read.add_permits(1);
        self.deliver.subscribe().wait_for(|last| round <= *last).await.expect("it lives");
        self.delivered.add_permits(1);
        page
    }

    fn set_feed(&self, inner: &dyn Store, feed: Feed) {
        assert!(self.feed.set(feed).is_ok(), "one worker listens");
        let fed = Arc::clone(&self.fed);
        inner.set_feed(Box::new(move |jobs| fed.lock().expect("no holder panics").extend(jobs)));
    }
}

const SHARDS: u32 = 16;

/// Fills the worker's inbox, so that the feed finds no room.
fn stuff(stage: &Stage) {
    let nobody = JobId(1);
    while tokio::task::unconstrained(stage.worker.cancel(nobody)).now_or_never().is_some() {}
}

/// One thread, so that what is handed over is in the worker's inbox before the test goes on, and so that a full inbox
/// is not emptied while the test does not wait.
#[tokio::test]
async fn a_page_that_was_read_before_the_feed_lost_jobs_is_ignored() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let rounds = Rounds::new();
    let stage = Stage::on(hooked(&directory, &rounds)).await;
    stage.deploy("w", "}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{done: {set: {x: 1}}}]\n").await;
    // The pages of the first round are read. Then the feed loses a job, which they do not have.
    Rounds::takes(&rounds.read, SHARDS).await;
    let first = stage.go(json!({})).await;
    rounds.lose(&stage);
    Rounds::takes(&rounds.read, SHARDS).await;
    let second = stage.go(json!({})).await;
    rounds.lose(&stage);
    Rounds::takes(&rounds.read, SHARDS).await;
    // The third round is under way, and only now the pages of the first arrive.
    rounds.deliver.send_replace(1);
    Rounds::takes(&rounds.delivered, SHARDS).await;
    rounds.deliver.send_replace(3);
    for job in [first, second] {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
    }
    rounds.deliver.send_replace(u32::MAX);
    stage.stop().await;
}

/// Holds back what the worker reads of timers.
struct LateTimers {
    read: Semaphore,
    may_tell: watch::Sender<bool>,
}

#[async_trait]
impl Hooks for LateTimers {
    async fn waiting_were_read(&self, until: Timestamp, jobs: Vec<OpenJob>) -> Result<Vec<OpenJob>, Error> {
        if until != Timestamp::NEVER && !jobs.is_empty() {
            self.read.add_permits(1);
            self.may_tell.subscribe().wait_for(|may_tell| *may_tell).await.expect("it lives");
        }
        Ok(jobs)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_was_read_before_its_job_was_woken_and_ended_stops_no_lane() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let timers = Arc::new(LateTimers { read: Semaphore::new(0), may_tell: watch::Sender::new(false) });
    let tasks = ", metadata: {tenon: {orderingKey: '${ .type }'}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{hear: {listen: {to: {one: {with: {type: order}}}}, timeout: {after: PT30M}}}]\n";
    let stage = Stage::on(open(&directory)).await;
    stage.put("w", tasks, (&["go"], &["order"])).await;
    let first = stage.go(json!({})).await;
    stage.reaches(first, JobState::Waiting).await;
    stage.stop().await;

    let options = Options { look_every: Duration::from_millis(20), ..Options::default() };
    let stage = Stage::with(hooked(&directory, &timers), options).await;
    timers.read.acquire().await.expect("never closed").forget();
    stage.event("order", json!({"n": 1})).await;
    assert_eq!(stage.end(first).await.state, JobState::Completed);
    stage.until(|| stage.capture.ports().metrics.jobs_running.get() == 0).await;
    timers.may_tell.send_replace(true);
    // The worker has heard of the timer when it has begun and left the job again, or else holds it.
    stage.event("other", json!({})).await;
    let second = stage.go(json!({})).await;
    stage.event("order", json!({"n": 2})).await;
    assert_eq!(stage.end(second).await.state, JobState::Completed);
    stage.stop().await;
}
