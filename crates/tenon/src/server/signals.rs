//! SIGTERM and Ctrl-C: the first one stops in order, the second one at once.

use tokio::signal::unix::{SignalKind, signal};

/// Exit code of a process that was told twice to stop: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Ends with the first SIGTERM or SIGINT from now on, whenever it is first awaited. Where signals cannot be had, never.
pub(super) fn stop() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            tracing::error!("cannot listen to signals; only kill -9 stops this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Whoever is impatient may stop twice; nothing acknowledged is lost by it.
pub(super) fn abort_on_second() {
    let second = stop();
    tokio::spawn(async {
        second.await;
        tracing::warn!("stopped at once; running jobs go on after the next start");
        std::process::exit(INTERRUPTED);
    });
}
