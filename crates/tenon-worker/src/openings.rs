//! How many jobs open at once: a job opens from its start to its first call, its first pause (of a long
//! journal, of a long computation, before a full disk), or its end. That is
//! computing, and one write at its end; more of it than keeps the cores and the store's writer busy makes nothing
//! faster. It makes others wait, though: a thousand tasks that can run are a queue, and one that knows no turns, while
//! the jobs which the scheduler has not started yet wait by turns. What has opened waits for others, mostly, and
//! counts against the jobs that may run at once only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;

/// Counts what has opened; shared by the dispatcher and the jobs.
#[derive(Debug)]
pub(crate) struct Openings {
    /// Jobs that may open at once.
    bound: u32,
    /// Jobs that have opened, and run.
    opened: AtomicU32,
    /// The dispatcher wants to know of the next.
    is_awaited: AtomicBool,
    room: Notify,
}

/// A job that has opened, as long as it runs.
#[derive(Debug)]
pub(crate) struct Opened(Arc<Openings>);

// === impl Openings ===

impl Openings {
    pub(crate) fn new(bound: u32) -> Arc<Self> {
        Arc::new(Self {
            bound,
            opened: AtomicU32::new(0),
            is_awaited: AtomicBool::new(false),
            room: Notify::new(),
        })
    }

    /// A job has opened.
    pub(crate) fn opened(self: &Arc<Self>) -> Opened {
        self.opened.fetch_add(1, Ordering::SeqCst);
        if self.is_awaited.swap(false, Ordering::SeqCst) {
            self.room.notify_one();
        }
        Opened(Arc::clone(self))
    }

    /// Jobs that may open at once, and those that run and have opened.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.bound, self.opened.load(Ordering::SeqCst))
    }

    /// Jobs that may run now, of so many that may ever.
    pub(crate) fn permits(&self, most: u32) -> u32 {
        let (bound, opened) = self.counts();
        bound.saturating_add(opened).min(most)
    }

    /// From now on the next job that opens makes [`Openings::room`] resolve. Ask before the last look at
    /// [`Openings::permits`].
    pub(crate) fn ask(&self) {
        self.is_awaited.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn room(&self) {
        self.room.notified().await;
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.opened.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_opened_makes_room_and_says_so() {
        let openings = Openings::new(2);
        assert_eq!(openings.permits(10), 2);
        openings.ask();
        let first = openings.opened();
        openings.room().await;
        assert_eq!(openings.permits(10), 3);
        let second = openings.opened();
        assert_eq!((openings.permits(10), openings.permits(3)), (4, 3), "never more than may run");
        drop((first, second));
        assert_eq!(openings.permits(10), 2);
    }
}
