//! Children that have to end because nobody awaits them any more: why is durable before they end, they end before
//! their parent does, and a crash at any write in between changes nothing of that.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tenon_store::{Error, JobId, JobState, Store, Write};
use tokio::sync::Notify;

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Process, Stage};

const ON_GO: &str = "}\nschedule: {on: {one: {with: {type: go}}}}\n";
const SLEEPS: &str = "}\ndo: [{nap: {wait: P1D}}]\n";
/// Runs a child that sleeps; would go on if that child ended for no reason that it knows of.
const CARES: &str = "}\ndo:
- attempt:
    try: [{call: {run: {workflow: {namespace: test, name: sleeps, version: latest}}}}]
    catch: {do: [{caught: {set: {caught: true}}}]}\n";

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Just before the write is durable.
    Before,
    /// Just after.
    After,
}

/// Remembers what became durable, in order, and dies at one of the writes.
pub(crate) struct Dies {
    at: (u64, Death),
    writes: AtomicU64,
    /// The epoch of the process that has died; nothing of it is written any more.
    dead: AtomicU64,
    pub(crate) died: Notify,
    written: Mutex<Vec<Written>>,
}

#[derive(Debug, Clone)]
struct Written {
    job: JobId,
    state: JobState,
    effects: Vec<String>,
}

// === impl Dies ===

impl Dies {
    pub(crate) fn at(number: u64, death: Death) -> Arc<Self> {
        Arc::new(Self {
            at: (number, death),
            writes: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            died: Notify::new(),
            written: Mutex::default(),
        })
    }

    fn never() -> Arc<Self> {
        Self::at(u64::MAX, Death::Before)
    }

    async fn die(&self, epoch: u64) -> Result<(), Error> {
        self.dead.store(epoch, Ordering::SeqCst);
        self.died.notify_one();
        std::future::pending().await
    }

    /// The place of the first write that is like this.
    #[track_caller]
    fn place(&self, what: &str, is_it: impl Fn(&Written) -> bool) -> usize {
        let written = self.written.lock().expect("no holder panics");
        written.iter().position(is_it).unwrap_or_else(|| panic!("{what}: not among {written:#?}"))
    }
}

#[async_trait]
impl Hooks for Dies {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        let epoch = write.fence.epoch;
        if self.dead.load(Ordering::SeqCst) >= epoch {
            return std::future::pending().await;
        }
        let is_it = self.writes.fetch_add(1, Ordering::SeqCst) == self.at.0;
        if is_it && self.at.1 == Death::Before {
            return self.die(epoch).await;
        }
        let effects = write.entries.iter().map(|entry| entry.effect.clone()).collect();
        let written = Written { job: write.job, state: write.transition.state(), effects };
        inner.write(write).await?;
        self.written.lock().expect("no holder panics").push(written);
        if is_it { self.die(epoch).await } else { Ok(()) }
    }
}

/// A job, its child and its grandchild, which sleeps.
async fn family(stage: &Stage) -> [JobId; 3] {
    let job = stage.go(json!({})).await;
    let child = stage.has_children(job, 1).await[0].id;
    let grandchild = stage.has_children(child, 1).await[0].id;
    stage.reaches(grandchild, JobState::Waiting).await;
    stage.reaches(child, JobState::Waiting).await;
    [job, child, grandchild]
}

async fn deploy(stage: &Stage, tasks: &str) {
    stage.put("sleeps", SLEEPS, (&[], &[])).await;
    stage.put("cares", CARES, (&[], &[])).await;
    stage.put("parent", &format!("{ON_GO}do:\n{tasks}"), (&["go"], &["stop"])).await;
}

const RUN: &str = "run: {workflow: {namespace: test, name: cares, version: latest}}";

#[tokio::test(flavor = "multi_thread")]
async fn why_a_child_ends_is_durable_before_it_ends() {
    let race = format!(
        "- race: {{fork: {{compete: true, branches: [{{c: {{{RUN}}}}}, {{nap: {{wait: PT1S}}}}]}}}}\n"
    );
    let timeout = format!("- call: {{timeout: {{after: PT1S}}, {RUN}}}\n");
    let plain = format!("- call: {{{RUN}}}\n");
    for (what, tasks, effect) in [
        ("a race", &race, "/do/0/race/fork/branches/1/nap"),
        ("a timeout", &timeout, "/do/0/call/timeout"),
        ("a cancellation", &plain, "cancel"),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let dies = Dies::never();
        let stage = Stage::on(hooked(&directory, &dies)).await;
        deploy(&stage, tasks).await;
        let [job, child, grandchild] = family(&stage).await;
        if effect == "cancel" {
            stage.worker.cancel(job).await.expect("the worker runs");
        }
        stage.end(job).await;
        let has = |written: &Written, of: JobId, effect: &str| {
            written.job == of && written.effects.iter().any(|done| done == effect)
        };
        let order = [
            dies.place(what, |written| has(written, job, effect)),
            dies.place(what, |written| has(written, child, "cancel")),
            dies.place(what, |written| written.job == grandchild && written.state.is_final()),
            dies.place(what, |written| written.job == child && written.state.is_final()),
            dies.place(what, |written| written.job == job && written.state.is_final()),
        ];
        assert!(order.is_sorted_by(|one, next| one < next), "{what}: {order:?}");
        for member in [job, child, grandchild] {
            stage.verify(member).await;
        }
        stage.stop().await;
    }
}

/// Everything that can be seen of a family after a crash. `None`: the run was over before.
async fn after_a_crash(tasks: &str, at: (u64, Death), is_cancelled: bool) -> Option<Vec<JobState>> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Dies::at(at.0, at.1);
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    deploy(&process, tasks).await;
    // Whatever comes before is not what this is about.
    let family = async {
        let family = family(&process).await;
        part(&process, family[0], is_cancelled).await;
        process.end(family[0]).await;
    };
    tokio::select! {
        () = dies.died.notified() => {}
        () = family => return None,
    }
    process.kill().await;
    let again = Stage::on(store).await;
    let job = again.jobs().await.iter().find(|job| job.parent.is_none()).expect("the parent").id;
    // Nobody was told that it is over, so somebody says it again.
    part(&again, job, is_cancelled).await;
    again.end(job).await;
    let mut jobs = again.jobs().await;
    jobs.sort_by_key(|job| job.id);
    for job in &jobs {
        again.verify(job.id).await;
    }
    again.stop().await;
    Some(jobs.iter().map(|job| job.state).collect())
}

/// Ends what the children are awaited for.
async fn part(stage: &Stage, job: JobId, is_cancelled: bool) {
    if is_cancelled {
        stage.worker.cancel(job).await.expect("the worker runs");
    } else {
        stage.event("stop", json!({})).await;
    }
}

/// With a crash before and after each write: the parent ends so, and all below it are cancelled. A crash may come
/// before there are children.
async fn check(tasks: &str, is_cancelled: bool, parent: JobState) {
    let mut number = 0;
    loop {
        let mut is_over = false;
        for death in [Death::Before, Death::After] {
            let what = format!("{death:?} write {number}");
            let Some(states) = after_a_crash(tasks, (number, death), is_cancelled).await else {
                is_over = true;
                continue;
            };
            let (first, below) = states.split_first().expect("there is a parent");
            assert_eq!(*first, parent, "{what}: {states:?}");
            assert!(below.iter().all(|state| *state == JobState::Cancelled), "{what}: {states:?}");
        }
        if is_over {
            assert!(number > 5, "there are more writes than {number}");
            return;
        }
        number += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_cancelled_whenever_a_crash_comes() {
    check(&format!("- call: {{{RUN}}}\n"), true, JobState::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_is_lost_whenever_a_crash_comes() {
    let stop = "stop: {listen: {to: {one: {with: {type: stop}}}}}";
    let race = format!("- race: {{fork: {{compete: true, branches: [{{c: {{{RUN}}}}}, {{{stop}}}]}}}}\n");
    check(&race, false, JobState::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_end_before_a_crash_ends_while_its_parent_goes_on() {
    let race = format!(
        "- race: {{fork: {{compete: true, branches: [{{c: {{{RUN}}}}}, {{nap: {{wait: PT1S}}}}]}}}}\n"
    );
    let tasks = format!("{race}- rest: {{wait: P1D}}\n");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Arc::new(DiesAtEnd(Dies::never()));
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    deploy(&process, &tasks).await;
    let [job, child, grandchild] = family(&process).await;
    dies.0.died.notified().await;
    assert!(!process.record(grandchild).await.state.is_final());
    process.kill().await;
    let again = Stage::on(store).await;
    for orphan in [grandchild, child] {
        again.reaches(orphan, JobState::Cancelled).await;
    }
    again.reaches(job, JobState::Waiting).await;
    assert_eq!(again.jobs().await.len(), 3);
    again.stop().await;
}

/// Dies before the first cancellation.
struct DiesAtEnd(Arc<Dies>);

#[async_trait]
impl Hooks for DiesAtEnd {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        let is_end = write.entries.iter().any(|entry| entry.effect == "cancel");
        if is_end && self.0.dead.load(Ordering::SeqCst) == 0 {
            return self.0.die(write.fence.epoch).await;
        }
        self.0.write(inner, write).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_children_is_cancelled_with_one_write() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Dies::never();
    let stage = Stage::on(hooked(&directory, &dies)).await;
    stage.put("parent", &format!("{ON_GO}do: [{{nap: {{wait: P1D}}}}]\n"), (&["go"], &[])).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.worker.cancel(job).await.expect("the worker runs");
    stage.end(job).await;
    assert_eq!(dies.written.lock().expect("no holder panics").len(), 2, "parked and cancelled");
    stage.stop().await;
}
