//! Effects on their way: each attempt is a future that can be aborted. Must not know what it does.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Ended;

/// All of one job.
#[derive(Default)]
pub(crate) struct Attempts {
    calls: FuturesUnordered<BoxFuture<'static, Option<Ended>>>,
    aborts: Vec<(Arc<str>, AbortHandle)>,
}

// === impl Attempts ===

impl Attempts {
    /// Whether none is on its way that anybody wants.
    pub(crate) fn is_empty(&self) -> bool {
        self.aborts.is_empty()
    }

    pub(crate) fn start(&mut self, effect: Arc<str>, attempt: impl Future<Output = Ended> + Send + 'static) {
        let (handle, registration) = AbortHandle::new_pair();
        self.aborts.push((effect, handle));
        self.calls.push(Abortable::new(attempt, registration).map(Result::ok).boxed());
    }

    /// It has come to its end.
    pub(crate) fn is_over(&mut self, effect: &str) {
        self.aborts.retain(|(id, _)| &**id != effect);
    }

    /// Says whether it was on its way.
    pub(crate) fn abort(&mut self, effect: &str) -> bool {
        let Some(place) = self.aborts.iter().position(|(id, _)| &**id == effect) else { return false };
        self.aborts.swap_remove(place).1.abort();
        true
    }

    /// The next that ends; for ever, if there is none.
    pub(crate) async fn next(&mut self) -> Ended {
        loop {
            match self.calls.next().await {
                Some(Some(ended)) => return ended,
                Some(None) => {}
                None => std::future::pending().await,
            }
        }
    }
}
