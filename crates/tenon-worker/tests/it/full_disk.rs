//! No effect starts whose outcome might find no room; what needs no room goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tenon_store::{EventFilter, JobState, Store};
use tokio::sync::Semaphore;

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Callee, Stage};

/// A disk that is nearly full until a test says otherwise.
struct Disk {
    has_room: AtomicBool,
    /// One permit per time that the worker looked and found no room.
    refused: Semaphore,
}

#[async_trait]
impl Hooks for Disk {
    fn has_room(&self, _: &dyn Store) -> bool {
        let has_room = self.has_room.load(Ordering::SeqCst);
        if !has_room {
            self.refused.add_permits(1);
        }
        has_room
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_effect_starts_without_room_and_it_goes_on_when_there_is_some() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(Disk { has_room: AtomicBool::new(false), refused: Semaphore::new(0) });
    let stage = Stage::on(hooked(&directory, &disk)).await;
    let tasks = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- nap: {{wait: {{milliseconds: 1}}}}\n- choose: {{switch: [{{emits: {{when: '.[0].emits', then: tell}}}}, {{calls: {{then: call}}}}]}}\n- call: {{call: http, with: {{method: get, endpoint: 'http://{address}/1'}}, then: end}}\n- tell: {{emit: {{event: {{with: {{source: 'https://x', type: told}}}}}}}}\n"
    );
    stage.deploy("w", &tasks).await;
    let calls = stage.go(json!({})).await;
    let emits = stage.go(json!({"emits": true})).await;
    // Both have napped, come to their effect, and looked again.
    disk.refused.acquire_many(4).await.expect("never closed").forget();
    assert_eq!(callee.calls(), []);
    let events = async || {
        let all = EventFilter::default();
        stage.store.events(stage.workspace, &all, None, 10).await.expect("read").items.len()
    };
    assert_eq!(events().await, 2, "nothing was emitted");
    disk.has_room.store(true, Ordering::SeqCst);
    assert_eq!(stage.end(calls).await.state, JobState::Completed);
    assert_eq!(stage.end(emits).await.state, JobState::Completed);
    assert_eq!((callee.calls().len(), events().await), (1, 3));
    stage.stop().await;
}
