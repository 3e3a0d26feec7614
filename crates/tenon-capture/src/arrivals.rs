//! Hints that an event of a type was captured, for jobs that wait for one while they are in memory.
//!
//! Lossy: a hint says "look now", never what came; whoever waits also looks at intervals of its own. Costs an
//! event one load while nobody waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tenon_store::WorkspaceId;
use tokio::sync::Notify;

/// Any type.
const ANY: &str = "*";

/// Who waits for events. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    /// Kept beside the map, so that an event nobody waits for costs no lock.
    count: AtomicUsize,
}

/// By workspace and type.
type Waiting = HashMap<(WorkspaceId, Box<str>), Vec<Arc<Notify>>>;

/// One wait. Dropping it ends it.
#[derive(Debug)]
pub struct Arrival {
    workspace: WorkspaceId,
    types: Vec<String>,
    notify: Arc<Notify>,
    all: Arrivals,
}

// === impl Arrivals ===

impl Arrivals {
    /// Starts to wait for events of these types (`*`: any). Look into the store once after it.
    pub fn wait_for(&self, workspace: WorkspaceId, types: Vec<String>) -> Arrival {
        let notify = Arc::new(Notify::new());
        let mut waiting = self.0.waiting.lock().expect("no holder of this lock panics");
        self.0.count.fetch_add(1, Ordering::AcqRel);
        for r#type in &types {
            let place = waiting.entry((workspace, r#type.as_str().into())).or_default();
            place.push(Arc::clone(&notify));
        }
        drop(waiting);
        Arrival { workspace, types, notify, all: self.clone() }
    }

    /// An event of this type is durable.
    pub(crate) fn tell(&self, workspace: WorkspaceId, r#type: &str) {
        if self.0.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let waiting = self.0.waiting.lock().expect("no holder of this lock panics");
        for wanted in [r#type, ANY] {
            for notify in waiting.get(&(workspace, wanted.into())).into_iter().flatten() {
                notify.notify_one();
            }
        }
    }
}

// === impl Arrival ===

impl Arrival {
    /// The types that are waited for.
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// Waits for an event that comes after the last call. Cancel safe; bound it by a timeout.
    pub async fn came(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let inner = &self.all.0;
        let mut waiting = inner.waiting.lock().expect("no holder of this lock panics");
        for r#type in &self.types {
            let key = (self.workspace, r#type.as_str().into());
            let Some(place) = waiting.get_mut(&key) else { continue };
            place.retain(|other| !Arc::ptr_eq(other, &self.notify));
            if place.is_empty() {
                waiting.remove(&key);
            }
        }
        inner.count.fetch_sub(1, Ordering::AcqRel);
    }
}
