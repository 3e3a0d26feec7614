//! Invariant 2: no effect k+1 before outcome k is durable.

use std::sync::Arc;

use serde_json::json;
use tenon_store::JobState;

use crate::hooked_store::{Gate, hooked};
use crate::stage::{Callee, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_next_call_starts_only_after_the_outcome_of_the_one_before_is_durable() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gate = Arc::new(Gate::closed());
    let stage = Stage::on(hooked(&directory, &gate)).await;
    let calls = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- one: {{call: http, with: {{method: get, endpoint: 'http://{address}/1'}}}}\n- two: {{call: http, with: {{method: get, endpoint: 'http://{address}/2'}}}}\n- three: {{call: http, with: {{method: get, endpoint: 'http://{address}/3'}}}}\n"
    );
    stage.deploy("calls", &calls).await;
    let job = stage.go(json!({})).await;
    for done in 1..=3 {
        // The worker asks for the outcome to be written, and as long as that is held up nothing else starts.
        gate.has_arrival().await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(callee.calls().len(), done, "an effect overtook the record of the one before it");
        assert_ne!(stage.record(job).await.state, JobState::Completed);
        gate.permits.add_permits(1);
    }
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    assert_eq!(callee.calls().len(), 3);
    stage.stop().await;
}
