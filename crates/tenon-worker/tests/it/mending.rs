//! Suspended jobs that people have go on, or give up: whatever suspended them, and whenever a crash comes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_engine::Outcome;
use tenon_store::{Error, JobId, JobState, OpenJob, Store, Transition, Write};
use tenon_worker::MendError;

use crate::hooked_store::{Hooks, hooked};
use crate::orphans::{Death, Dies};
use crate::panics::Bug;
use crate::stage::{Call, Callee, Process, Stage, open};

/// Calls that answer, then one that fails at first, in an ordered lane that parks.
fn parks(address: SocketAddr, failures: u32) -> String {
    format!(
        ", metadata: {{tenon: {{orderingKey: '${{ .data.key }}', onFailure: park}}}}}}
schedule: {{on: {{one: {{with: {{type: go}}}}}}}}
do:
- one: {{call: http, with: {{method: post, endpoint: 'http://{address}/one', body: '${{ .[0] }}'}}}}
- two: {{call: http, with: {{method: get, endpoint: 'http://{address}/fail/{failures}'}}}}
- done: {{set: {{ok: true}}}}
"
    )
}

async fn stage() -> (Stage, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    (Stage::on(open(&directory)).await, directory)
}

fn attempts(calls: &[Call], job: JobId, path: &str) -> Vec<String> {
    let of_job = calls.iter().filter(|call| call.path == path && call.key.starts_with(&job.to_string()));
    of_job.map(|call| call.attempt.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_tries_again_what_failed_in_the_same_place_of_its_lane() {
    let (callee, address) = Callee::serve().await;
    let (stage, _directory) = stage().await;
    stage.deploy("w", &parks(address, 2)).await;
    let first = stage.go(json!({"key": "a"})).await;
    let behind = stage.go(json!({"key": "a"})).await;
    for _ in 0..2 {
        stage.reaches(first, JobState::Suspended).await;
        assert_eq!(stage.record(behind).await.state, JobState::Pending);
        stage.worker.resume(first).await.expect("it is suspended");
    }
    assert_eq!(stage.output(first).await, json!({"ok": true}));
    stage.verify(first).await;
    let calls = callee.calls();
    assert_eq!(attempts(&calls, first, "/one"), ["1"], "what was recorded does not run again");
    assert_eq!(attempts(&calls, first, "/fail/2"), ["1", "2", "3"]);
    let keys: Vec<_> = calls.iter().filter(|call| call.path == "/fail/2").map(|call| &call.key).collect();
    assert_eq!(keys[0], keys[2], "every attempt has the key of the first");
    stage.reaches(behind, JobState::Suspended).await;
    let steps = stage.history.trace(stage.workspace, first).await.expect("read").steps;
    assert_eq!(steps[1].attempts.len(), 3, "{steps:#?}");
    assert!(steps[1].attempts[0].error.is_some() && steps[1].attempts[2].error.is_none());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_skipped_keeps_its_error_and_its_lane_goes_on() {
    let (_callee, address) = Callee::serve().await;
    let (stage, _directory) = stage().await;
    stage.deploy("w", &parks(address, 1)).await;
    let jobs = [stage.go(json!({"key": "a"})).await, stage.go(json!({"key": "a"})).await];
    for job in jobs {
        stage.reaches(job, JobState::Suspended).await;
        let parked = stage.record(job).await.result;
        stage.worker.skip(job).await.expect("it is suspended");
        let end = stage.end(job).await;
        assert_eq!((end.state, &end.result), (JobState::Faulted, &parked));
        stage.verify(job).await;
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_faults_without_a_call_parks_again() {
    let (stage, _directory) = stage().await;
    let raises = ", metadata: {tenon: {orderingKey: '${ .data.key }', onFailure: park}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{r: {raise: {error: {type: 'https://x/bad', status: 400}}}}]\n";
    stage.deploy("w", raises).await;
    let job = stage.go(json!({"key": "a"})).await;
    stage.reaches(job, JobState::Suspended).await;
    stage.worker.resume(job).await.expect("it is suspended");
    // One entry says that it was resumed; then it parks again.
    stage.has_entries(job, 1, JobState::Suspended).await;
    stage.worker.skip(job).await.expect("it is suspended");
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_lane_starts_outside_any_order() {
    let (_callee, address) = Callee::serve().await;
    let (stage, _directory) = stage().await;
    stage.deploy("w", &parks(address, 0)).await;
    let (job, other) = (stage.go(json!({"key": null})).await, stage.go(json!({"key": null})).await);
    stage.reaches(job, JobState::Suspended).await;
    stage.worker.resume(job).await.expect("it is suspended");
    assert_eq!(stage.output(job).await, json!({"ok": true}));
    stage.worker.skip(other).await.expect("it is suspended");
    let error: Value =
        serde_json::from_slice(&stage.end(other).await.result.expect("an error")).expect("JSON");
    assert_eq!(error["title"], "no place in line");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hit_a_bug_goes_on_as_it_is() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(hooked(&directory, &Bug::in_verb("write"))).await;
    stage.deploy("w", "}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{nap: {wait: PT0.001S}}, {done: {set: {ok: true}}}]\n").await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Suspended).await;
    stage.worker.resume(job).await.expect("it is suspended");
    assert_eq!(stage.output(job).await, json!({"ok": true}));
    let journal = stage.store.journal(stage.workspace, job).await.expect("read");
    assert!(!journal.iter().any(|entry| entry.effect == "resume"), "{journal:?}");
    let refused = stage.worker.resume(job).await;
    assert!(matches!(refused, Err(MendError::Store(Error::NotFound(_)))), "{refused:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_suspended_job_is_moved() {
    let (stage, _directory) = stage().await;
    stage.deploy("w", "}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{nap: {wait: P1D}}]\n").await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    let refused = stage.worker.resume(job).await;
    assert!(matches!(refused, Err(MendError::NotSuspended(JobState::Waiting))), "{refused:?}");
    let refused = stage.worker.skip(job).await;
    assert!(matches!(refused, Err(MendError::NotSuspended(JobState::Waiting))), "{refused:?}");
    assert_eq!(stage.record(job).await.state, JobState::Waiting);
    stage.stop().await;
}

/// The first look at a job that goes on, after that is durable, fails.
#[derive(Default)]
struct FailsToLook(AtomicBool);

#[async_trait]
impl Hooks for FailsToLook {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        let goes_on = matches!(write.transition, Transition::Pending);
        inner.write(write).await?;
        self.0.fetch_or(goes_on, Ordering::SeqCst);
        Ok(())
    }

    async fn open_job(&self, inner: &dyn Store, job: JobId) -> Result<Option<OpenJob>, Error> {
        if self.0.swap(false, Ordering::SeqCst) {
            return Err(Error::Internal("the disk does not answer".to_owned()));
        }
        inner.open_job(job).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_job_goes_on_though_the_store_fails_to_show_it() {
    let (_callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(hooked(&directory, &Arc::new(FailsToLook::default()))).await;
    stage.deploy("w", &parks(address, 1)).await;
    let (first, behind) = (stage.go(json!({"key": "a"})).await, stage.go(json!({"key": "a"})).await);
    stage.reaches(first, JobState::Suspended).await;
    stage.worker.resume(first).await.expect("it is suspended");
    assert_eq!(stage.output(first).await, json!({"ok": true}));
    stage.reaches(behind, JobState::Suspended).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_resume_the_same_job_resume_it_once() {
    let (callee, address) = Callee::serve().await;
    let (stage, _directory) = stage().await;
    stage.deploy("w", &parks(address, 1)).await;
    let job = stage.go(json!({"key": "a"})).await;
    stage.reaches(job, JobState::Suspended).await;
    let all = futures_util::future::join_all((0..20).map(|_| stage.worker.resume(job))).await;
    assert!(all.iter().any(Result::is_ok), "{all:?}");
    assert_eq!(stage.output(job).await, json!({"ok": true}));
    let journal = stage.store.journal(stage.workspace, job).await.expect("read");
    let resumed = journal.iter().filter(|entry| Outcome::decode(&entry.outcome) == Ok(Outcome::Resumed));
    assert_eq!(resumed.count(), 1);
    assert_eq!(attempts(&callee.calls(), job, "/fail/1"), ["1", "2"]);
    stage.stop().await;
}

/// Parks, is resumed, parks, is resumed, and dies at a write. `None`: it was over before.
async fn after_a_crash(at: (u64, Death)) -> Option<(Vec<String>, Vec<String>)> {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Dies::at(at.0, at.1);
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    process.deploy("w", &parks(address, 1)).await;
    let job = process.go(json!({"key": "a"})).await;
    let behind = process.go(json!({"key": "a"})).await;
    tokio::select! {
        () = dies.died.notified() => {}
        () = mend(&process, job, behind) => return None,
    }
    process.kill().await;
    let again = Stage::on(store).await;
    mend(&again, job, behind).await;
    assert_eq!(again.record(job).await.state, JobState::Completed);
    assert_eq!(again.record(behind).await.state, JobState::Faulted);
    again.verify(job).await;
    again.verify(behind).await;
    again.stop().await;
    let calls = callee.calls();
    Some((attempts(&calls, job, "/one"), attempts(&calls, job, "/fail/1")))
}

/// Resumes the first until it has ended, and skips the second.
async fn mend(stage: &Stage, job: JobId, behind: JobId) {
    loop {
        // polls: what parks it comes from calls
        tokio::task::yield_now().await;
        match (stage.record(job).await.state, stage.record(behind).await.state) {
            (JobState::Suspended, _) => drop(stage.worker.resume(job).await),
            (_, JobState::Suspended) => drop(stage.worker.skip(behind).await),
            (one, other) if one.is_final() && other.is_final() => return,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_whenever_a_crash_comes() {
    let mut number = 0;
    loop {
        let mut is_over = false;
        for death in [Death::Before, Death::After] {
            let Some((one, two)) = after_a_crash((number, death)).await else {
                is_over = true;
                continue;
            };
            // An attempt whose outcome was not durable runs again with its number; no other does.
            let what = format!("{death:?} write {number}: {one:?}, {two:?}");
            assert!(one.len() <= 2 && one.iter().all(|attempt| attempt == "1"), "{what}");
            assert!(
                two.is_sorted() && two.len() <= 3 && two.last().is_some_and(|last| last == "2"),
                "{what}"
            );
            assert!(two.contains(&"1".to_owned()), "{what}");
        }
        if is_over {
            assert!(number > 5, "there are more writes than {number}");
            return;
        }
        number += 1;
    }
}
