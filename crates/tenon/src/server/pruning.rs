//! Retention: removes what has expired, in small steps, so that nothing else waits for it.

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::CaptureService;
use tokio::task::JoinHandle;

/// How often expired things are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// How many are removed in one transaction.
const STEP: u32 = 500;

/// Prunes until aborted.
pub(super) fn start(capture: &CaptureService) -> JoinHandle<()> {
    let store = Arc::clone(&capture.ports().store);
    let clock = capture.ports().clock.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            every.tick().await;
            loop {
                match store.prune(clock.now(), STEP).await {
                    Ok(removed) if removed >= u64::from(STEP) => tokio::task::yield_now().await,
                    Ok(_) => break,
                    Err(tenon_store::Error::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "retention could not remove what has expired; trying again");
                        break;
                    }
                }
            }
        }
    })
}
