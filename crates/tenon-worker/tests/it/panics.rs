//! A bug that shows while one job is worked on stops that job and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_store::{Entry, Error, JobId, JobState, Store, WorkspaceId, Write};

use crate::hooked_store::{Hooks, hooked};
use crate::stage::Stage;

/// The verb that has a bug, which shows once.
pub(crate) struct Bug {
    verb: &'static str,
    has_shown: AtomicBool,
}

// === impl Bug ===

impl Bug {
    pub(crate) fn in_verb(verb: &'static str) -> Arc<Self> {
        Arc::new(Self { verb, has_shown: AtomicBool::new(false) })
    }

    fn show(&self, verb: &str) {
        assert!(verb != self.verb || self.has_shown.swap(true, Ordering::SeqCst), "a bug in `{verb}`");
    }
}

#[async_trait]
impl Hooks for Bug {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        self.show("write");
        inner.write(write).await
    }

    async fn journal(&self, inner: &dyn Store, job: (WorkspaceId, JobId)) -> Result<Vec<Entry>, Error> {
        self.show("journal");
        inner.journal(job.0, job.1).await
    }
}

/// What was told is journaled when it rests; when it is woken the journal is read.
const RESTS: &str = "schedule: {on: {one: {with: {type: go}}}}
do:
- tell: {emit: {event: {with: {source: 'https://x', type: told}}}}
- rest: {listen: {to: {one: {with: {type: wake}}}}}
- done: {set: {slept: true}}
";
const NAPS: &str = "schedule: {on: {one: {with: {type: go}}}}
do:
- nap: {wait: {milliseconds: 1}}
- done: {set: {slept: true}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_task_panics_is_suspended_and_gives_its_permit_back() {
    for verb in ["write", "journal"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(hooked(&directory, &Bug::in_verb(verb))).await;
        let rests = format!(", metadata: {{tenon: {{concurrency: 1}}}}}}\n{RESTS}");
        stage.put("w", &rests, (&["go"], &["wake"])).await;
        let job = stage.go(json!({})).await;
        if verb == "journal" {
            stage.reaches(job, JobState::Waiting).await;
            stage.event("wake", json!({})).await;
        }
        stage.reaches(job, JobState::Suspended).await;
        let reason = stage.record(job).await.result.expect("why it is suspended");
        let reason: Value = serde_json::from_slice(&reason).expect("JSON");
        assert!(reason["detail"].as_str().is_some_and(|detail| detail.contains("bug")), "{reason}");
        let metrics = &stage.capture.ports().metrics;
        assert_eq!(metrics.panics.get(), 1, "{verb}");
        assert!(metrics.render().contains("tenon_panics_total 1\n"), "{verb}: {}", metrics.render());
        let next = stage.go(json!({})).await;
        stage.event("wake", json!({})).await;
        assert_eq!(stage.output(next).await, json!({"slept": true}), "{verb}: its permit is free");
        assert_eq!(stage.record(job).await.state, JobState::Suspended, "{verb}: it is not tried again");
        stage.worker.cancel(job).await.expect("the worker runs");
        assert_eq!(stage.end(job).await.state, JobState::Cancelled, "{verb}");
        stage.until(|| metrics.jobs_running.get() == 0).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_lane_stands_until_it_is_cancelled_and_other_lanes_go_on() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(hooked(&directory, &Bug::in_verb("write"))).await;
    stage.deploy("w", &format!(", metadata: {{tenon: {{orderingKey: '${{ .data.key }}'}}}}}}\n{NAPS}")).await;
    let job = stage.go(json!({"key": "a"})).await;
    stage.reaches(job, JobState::Suspended).await;
    let behind = stage.go(json!({"key": "a"})).await;
    let other = stage.go(json!({"key": "b"})).await;
    assert_eq!(stage.end(other).await.state, JobState::Completed);
    assert_eq!(stage.record(behind).await.state, JobState::Pending);
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(behind).await.state, JobState::Completed);
    stage.stop().await;
}
