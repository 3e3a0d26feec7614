//! Invariant 5: in one lane, no two jobs run at once and none overtakes.

use serde_json::json;
use tenon_store::JobState;

use crate::stage::{Callee, Stage, open};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_one_key_run_one_after_the_other_in_order_of_capture() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let ordered = format!(
        ", metadata: {{tenon: {{orderingKey: '${{ .data.key }}'}}}}}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- one: {{call: http, with: {{method: post, endpoint: 'http://{address}/one', body: '${{ .[0] }}'}}}}\n- pause: {{wait: {{milliseconds: 1}}}}\n- two: {{call: http, with: {{method: post, endpoint: 'http://{address}/two', body: '${{ $event.data }}'}}}}\n"
    );
    stage.deploy("ordered", &ordered).await;
    let mut jobs = Vec::new();
    for n in 0..30 {
        jobs.push(stage.go(json!({"key": format!("k{}", n % 3), "n": n})).await);
    }
    for job in jobs {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
    }
    let calls = callee.calls();
    for key in 0..3 {
        let seen: Vec<_> = calls
            .iter()
            .filter(|call| call.body.contains(&format!("\"k{key}\"")))
            .map(|call| {
                (
                    call.path.clone(),
                    serde_json::from_str::<serde_json::Value>(&call.body).expect("JSON")["n"]
                        .as_u64()
                        .expect("n"),
                )
            })
            .collect();
        let expected: Vec<_> = (0..10)
            .flat_map(|turn| {
                let n = turn * 3 + key;
                [("/one".to_owned(), n), ("/two".to_owned(), n)]
            })
            .collect();
        assert_eq!(seen, expected);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_parks_on_failure_stops_and_goes_on_when_its_head_is_cancelled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let parks = ", metadata: {tenon: {orderingKey: '${ .data.key }', onFailure: park}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n- check: {switch: [{bad: {when: '.[0].bad', then: fail}}, {good: {then: end}}]}\n- fail: {raise: {error: {type: 'https://x/bad', status: 400}}}\n";
    stage.deploy("parks", parks).await;
    let bad = stage.go(json!({"key": "a", "bad": true})).await;
    let behind = stage.go(json!({"key": "a"})).await;
    let other = stage.go(json!({"key": "b"})).await;
    stage.reaches(bad, JobState::Suspended).await;
    assert_eq!(stage.end(other).await.state, JobState::Completed, "another key is not held up");
    assert_eq!(stage.record(behind).await.state, JobState::Pending);
    stage.worker.cancel(bad).await.expect("the worker runs");
    assert_eq!(stage.end(bad).await.state, JobState::Cancelled);
    assert_eq!(stage.end(behind).await.state, JobState::Completed);
    assert_eq!(stage.jobs().await.len(), 3);
    stage.stop().await;
}
