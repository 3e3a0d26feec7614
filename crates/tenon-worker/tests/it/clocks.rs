//! Clocks that are wrong: jobs that wait go on once, never early by the clock, and replay to the same result.

use std::time::Duration;

use serde_json::json;
use tenon_capture::Clock;
use tenon_store::{JobState, Timestamp};
use tenon_worker::Options;

use crate::stage::{Callee, NOON, Stage, open};

const HOUR: Duration = Duration::from_hours(1);

/// Who looks at the store often sees a clock that jumps; else that takes a minute.
fn watchful() -> Options {
    Options { look_every: Duration::from_millis(5), ..Options::default() }
}

fn waits(address: std::net::SocketAddr) -> String {
    format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n\
         - one: {{call: http, with: {{method: post, endpoint: 'http://{address}/one', body: '${{ now }}'}}}}\n\
         - rest: {{wait: PT10M}}\n\
         - two: {{call: http, with: {{method: post, endpoint: 'http://{address}/two', body: '${{ now }}'}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_forth_ends_waits_once() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock = Clock::manual(NOON);
    let stage = Stage::by(open(&directory), clock.clone(), watchful()).await;
    stage.deploy("waits", &waits(address)).await;
    let jobs = [stage.go(json!(1)).await, stage.go(json!(2)).await];
    for job in jobs {
        stage.has_entries(job, 1, JobState::Waiting).await;
    }
    assert_eq!(callee.calls().len(), 2);
    clock.advance(HOUR);
    for job in jobs {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
        stage.verify(job).await;
    }
    assert_eq!(callee.calls().len(), 4, "each went on once");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_back_between_two_lives_ends_waits_at_their_moment() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::by(open(&directory), Clock::manual(NOON), watchful()).await;
    stage.deploy("waits", &waits(address)).await;
    let job = stage.go(json!(1)).await;
    stage.has_entries(job, 1, JobState::Waiting).await;
    stage.stop().await;

    let clock = Clock::manual(Timestamp(NOON.0 - HOUR.as_micros() as i64));
    let stage = Stage::by(open(&directory), clock.clone(), watchful()).await;
    // A job of the new time comes and goes beside it.
    let fresh = stage.go(json!(2)).await;
    stage.has_entries(fresh, 1, JobState::Waiting).await;
    clock.advance(Duration::from_mins(10));
    assert_eq!(stage.end(fresh).await.state, JobState::Completed);
    stage.verify(fresh).await;
    assert_eq!(stage.record(job).await.state, JobState::Waiting, "its moment has not come");
    assert_eq!(callee.calls().len(), 3);
    clock.advance(HOUR);
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    stage.verify(job).await;
    assert_eq!(callee.calls().len(), 4, "it went on once");
    stage.stop().await;
}

/// The first call was journaled by a clock that was ahead; what comes after it bears an earlier moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_goes_back_in_time_replays_to_the_same_result() {
    let (_, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::by(open(&directory), Clock::manual(NOON), watchful()).await;
    let rest = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- first: {{set: {{at: '${{ now }}'}}}}\n\
         - hear: {{listen: {{to: {{one: {{with: {{type: news}}}}}}}}}}\n\
         - two: {{call: http, with: {{method: post, endpoint: 'http://{address}/two', body: '${{ now }}'}}}}\n\
         - last: {{set: {{at: '${{ now }}'}}}}\n"
    );
    stage.put("hears", &rest, (&["go"], &["news"])).await;
    let job = *stage.event("go", json!(1)).await.first().expect("it is subscribed");
    stage.reaches(job, JobState::Waiting).await;
    stage.stop().await;

    let earlier = Timestamp(NOON.0 - HOUR.as_micros() as i64);
    let stage = Stage::by(open(&directory), Clock::manual(earlier), watchful()).await;
    stage.event("news", json!({})).await;
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    stage.verify(job).await;
    let output = stage.output(job).await;
    let hour_ago = earlier.0 as f64 / 1e6;
    assert!(output["at"].as_f64().is_some_and(|at| at >= hour_ago), "{output}");
    stage.stop().await;
}
