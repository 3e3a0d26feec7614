//! Hints that a webhook was called which only wakes pollers.
//!
//! Lossy: a hint says "ask now", never what came; pollers also ask at intervals of their own. Hints that come while
//! one is waiting are one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tenon_store::{ResourceId, WorkspaceId};
use tokio::sync::Notify;

/// Which pollers wait. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Arc<Mutex<Waiting>>);

type Waiting = HashMap<(WorkspaceId, ResourceId), Arc<Notify>>;

/// One poller's wait. Dropping it ends it.
#[derive(Debug)]
pub struct Wake {
    place: (WorkspaceId, ResourceId),
    notify: Arc<Notify>,
    all: Wakes,
}

// === impl Wakes ===

impl Wakes {
    /// Starts to wait for hints to this trigger. A later wait for the same one replaces it.
    pub fn wait_for(&self, workspace: WorkspaceId, trigger: ResourceId) -> Wake {
        let notify = Arc::new(Notify::new());
        let place = (workspace, trigger);
        let mut waiting = self.0.lock().expect("no holder of this lock panics");
        waiting.insert(place, Arc::clone(&notify));
        drop(waiting);
        Wake { place, notify, all: self.clone() }
    }

    /// This trigger should ask now. Says whether it will at once: if not, it does when it would anyway.
    pub fn tell(&self, workspace: WorkspaceId, trigger: ResourceId) -> bool {
        let waiting = self.0.lock().expect("no holder of this lock panics");
        let found = waiting.get(&(workspace, trigger));
        if let Some(notify) = found {
            notify.notify_one();
        }
        found.is_some()
    }
}

// === impl Wake ===

impl Wake {
    /// Waits for a hint that comes after the last call. Cancel safe; bound it by a timeout.
    pub async fn came(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        let mut waiting = self.all.0.lock().expect("no holder of this lock panics");
        if waiting.get(&self.place).is_some_and(|notify| Arc::ptr_eq(notify, &self.notify)) {
            waiting.remove(&self.place);
        }
    }
}
