//! Schedules whose state somebody else than their runner has written: who fires by hand tells the runner, which else
//! sleeps until the next occurrence, and would not see the end of what was started. Only what saves a wait: after a
//! restart all states are read anew.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use tenon_store::ResourceId;
use tokio::sync::Notify;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Touched(Arc<Inner>);

#[derive(Default)]
struct Inner {
    schedules: Mutex<HashSet<ResourceId>>,
    told: Notify,
}

// === impl Touched ===

impl Touched {
    /// To be called when it is written.
    pub(crate) fn tell(&self, schedule: ResourceId) {
        self.schedules().insert(schedule);
        self.0.told.notify_one();
    }

    /// Those that were told of since the last time.
    pub(super) fn take(&self) -> HashSet<ResourceId> {
        std::mem::take(&mut *self.schedules())
    }

    /// Waits until there is one.
    pub(super) async fn came(&self) {
        self.0.told.notified().await;
    }

    fn schedules(&self) -> MutexGuard<'_, HashSet<ResourceId>> {
        self.0.schedules.lock().expect("no holder of this lock panics")
    }
}
