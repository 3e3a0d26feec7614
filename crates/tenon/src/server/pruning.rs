//! Retention: removes what has expired, in small bites, so that nothing else waits for it.

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::CaptureService;
use tenon_store::{Error, Store};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often expired things are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// How many are removed before the writer is left to others: what it does in a bite or two of a few milliseconds (the
/// store bounds those by time, see `BITE` there). More would not go faster, less would ask more often.
const STEP: u32 = 200;
/// How much of the time that a step took is then left to others: retention never takes more than half of the writer.
const REST: f64 = 1.0;

/// Prunes until aborted.
pub(super) fn start(capture: &CaptureService) -> JoinHandle<()> {
    let store = Arc::clone(&capture.ports().store);
    let clock = capture.ports().clock.clone();
    tokio::spawn(async move {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            loop {
                let began = Instant::now();
                match step(&*store, clock.now()).await {
                    Step::More => tokio::time::sleep(began.elapsed().mul_f64(REST)).await,
                    Step::Done => break,
                    Step::Closed => return,
                }
            }
        }
    })
}

/// What a step found.
enum Step {
    More,
    Done,
    Closed,
}

async fn step(store: &dyn Store, now: tenon_store::Timestamp) -> Step {
    match store.prune(now, STEP).await {
        Ok(removed) if removed >= u64::from(STEP) => Step::More,
        Ok(_) => Step::Done,
        Err(Error::Closed) => Step::Closed,
        Err(error) => {
            tracing::warn!(%error, "retention could not remove what has expired; trying again");
            Step::Done
        }
    }
}
