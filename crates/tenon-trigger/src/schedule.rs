//! Schedules: what starts at times, of triggers and of workflows themselves.
//!
//! What to do at a moment is decided by [`plan`](plan::plan), without clock and store; [`runner`] does it. All that a
//! schedule remembers is written in the transaction that starts what an occurrence starts, under the version that it
//! was read at: so an occurrence is never fired twice, whoever else is at work and whenever the process dies.

mod by_hand;
mod catch_up;
mod definition;
mod outlook;
mod plan;
#[cfg(test)]
mod plan_checks;
mod runner;
mod start;
mod state;
mod touched;
mod watching;

use std::time::Duration;

use tenon_capture::CaptureService;
use tokio::sync::watch;

pub(crate) use by_hand::ByHand;
pub use outlook::{Outlook, outlook};
pub use runner::Schedules;
pub use start::{paused, resumed};
pub(crate) use touched::Touched;

/// The longest sleep: a clock that jumps, or a computer that was suspended, is seen after this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);
/// The shortest, so that a clock that stands still costs nothing.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// Fires schedules until told to stop. What is being committed then is finished.
pub(crate) async fn run(
    mut schedules: Schedules,
    capture: CaptureService,
    mut stopped: watch::Receiver<bool>,
) {
    let clock = capture.ports().clock.clone();
    let mut changes = capture.generations().changes();
    let touched = schedules.touched().clone();
    while !*stopped.borrow() {
        let wake = schedules.turn().await;
        let pause = wake.since(clock.now()).clamp(SHORTEST_SLEEP, LONGEST_SLEEP);
        tokio::select! {
            // polls: the wall clock cannot be waited for; a sleep is cut at `LONGEST_SLEEP` and looked at again.
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => return,
            () = touched.came() => {}
            changed = changes.changed() => if changed.is_ok() { schedules.look_again() },
        }
    }
}
